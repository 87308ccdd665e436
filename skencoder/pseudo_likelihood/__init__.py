"""Pseudo-likelihood: how well a masked language model guesses a text's tokens from the others.

Reading order: options, masking (what is masked together), windows (long texts), copies (batches of
masked copies), mask_token, loading (never without a trained head), scoring, scoring_run, scores.
"""

from skencoder.pseudo_likelihood.copies import CopyBatch, check_masked
from skencoder.pseudo_likelihood.loading import (
    LoadedMaskedLM,
    load_for_scoring,
    resolve_device,
)
from skencoder.pseudo_likelihood.mask_token import find_mask_id
from skencoder.pseudo_likelihood.masking import MASKINGS
from skencoder.pseudo_likelihood.options import METHODS, ScoringOptions, ScoringPlan
from skencoder.pseudo_likelihood.progress import Progress
from skencoder.pseudo_likelihood.scores import (
    TokenScores,
    count_bytes,
    count_words,
    refuse_score,
)
from skencoder.pseudo_likelihood.scoring import PseudoLikelihood
from skencoder.pseudo_likelihood.scoring_run import ScoringRun
from skencoder.pseudo_likelihood.windows import ScoringWindows, plan_scoring_windows

__all__ = [
    "MASKINGS",
    "METHODS",
    "CopyBatch",
    "LoadedMaskedLM",
    "Progress",
    "PseudoLikelihood",
    "ScoringOptions",
    "ScoringPlan",
    "ScoringRun",
    "ScoringWindows",
    "TokenScores",
    "check_masked",
    "count_bytes",
    "count_words",
    "find_mask_id",
    "load_for_scoring",
    "plan_scoring_windows",
    "refuse_score",
    "resolve_device",
]
