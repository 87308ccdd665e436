"""Pseudo-likelihood: how well a masked language model guesses a text's tokens from the others.

Reading order: options, masking (what is masked together), windows (long texts), copies (batches of
masked copies), mask_token, loading (never without a trained head), scoring, scores.
"""

from skencoder.pseudo_likelihood.copies import CopyBatch, check_masked
from skencoder.pseudo_likelihood.loading import LoadedMaskedLM, load_for_scoring
from skencoder.pseudo_likelihood.mask_token import find_mask_id
from skencoder.pseudo_likelihood.masking import MASKINGS
from skencoder.pseudo_likelihood.options import METHODS, ScoringOptions, ScoringPlan
from skencoder.pseudo_likelihood.scores import TokenScores, count_bytes, count_words
from skencoder.pseudo_likelihood.scoring import Progress, PseudoLikelihood
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
    "ScoringWindows",
    "TokenScores",
    "check_masked",
    "count_bytes",
    "count_words",
    "find_mask_id",
    "load_for_scoring",
    "plan_scoring_windows",
]
