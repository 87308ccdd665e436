"""The sentences of CrowS-Pairs scored by a masked language model, and kept as they are done."""

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skencoder.pseudo_likelihood import PseudoLikelihood, TokenScores, count_bytes, count_words

from .bias_settings import BiasSettings
from .crows_pairs import (
    NAME,
    SentencePair,
    Stereotypes,
    checksum,
    count_stereotypes,
    shared_places,
)
from .environment import describe_machine, package_versions
from .language_models import TextScore
from .perplexity_progress import ScoringBar
from .perplexity_store import PerplexityStore, result_folder

PART = "bias"
# Sentences of a lot; what a kill costs at most.
PAIRS_PER_LOT = 32
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CrowsPairsTask:
    """What is to be scored, and where the result goes.

    Parameters
    ----------
    pairs : tuple of SentencePair
        The pairs.
    settings : BiasSettings
        As the model is loaded with.
    results : path or None
        Folder of results; pairs that are finished there are not scored again.
    """

    pairs: tuple[SentencePair, ...]
    settings: BiasSettings
    results: Path | None


def measure_stereotypes(name: str, task: CrowsPairsTask) -> Stereotypes:
    """Score all pairs that are not scored yet, and write the result.

    Parameters
    ----------
    name : str
        Name or folder of a checkpoint with its masked-language-model head.
    task : CrowsPairsTask
        What is to be scored.

    Returns
    -------
    Stereotypes
        Over all pairs.

    Raises
    ------
    CheckpointError
        If the checkpoint has no such head, or cannot be used.
    ResultFileError
        If the result's file is damaged, of another run, or being written.
    """
    settings = task.settings
    model = PseudoLikelihood.load(name, precision=settings.precision, device=settings.device)
    if task.results is None:
        return count_stereotypes(task.pairs, _score_all(model, task.pairs, {}, None))
    run = {
        "fingerprint": model.model.fingerprint,
        "data": checksum(task.pairs),
        "precision": model.model.precision,
    }
    folder = result_folder(task.results, name, model.model.fingerprint, PART)
    usual = model.model.precision == BiasSettings().precision
    ending = "" if usual else f".precision={model.model.precision}"
    store = PerplexityStore(folder, f"{NAME}-{run['data']}{ending}", run, 2 * len(task.pairs))
    with store.held():
        began = time.perf_counter()
        scores = _score_all(model, task.pairs, store.load(), store)
        found = count_stereotypes(task.pairs, scores)
        if not store.path.is_file():
            seconds = time.perf_counter() - began
            store.finish(_describe(name, model, task, scores, found) | {"seconds": seconds})
    return found


def _score_all(
    model: PseudoLikelihood,
    pairs: Sequence[SentencePair],
    known: dict[int, TextScore],
    store: PerplexityStore | None,
) -> list[TextScore]:
    scores = dict(known)
    missing = [
        row for row in range(len(pairs)) if 2 * row not in scores or 2 * row + 1 not in scores
    ]
    if known:
        log.info("%d of %d pairs were scored before.", len(pairs) - len(missing), len(pairs))
    with ScoringBar(_costs(pairs, missing)) as bar:
        for start in range(0, len(missing), PAIRS_PER_LOT):
            rows = missing[start : start + PAIRS_PER_LOT]
            bar.begin(_costs(pairs, rows))
            found = score_pairs(model, [pairs[row] for row in rows])
            places = [2 * row + side for row in rows for side in (0, 1)]
            fresh = dict(zip(places, found, strict=True))
            scores |= fresh
            if store is not None:
                store.append(fresh)
    return [scores[place] for place in range(2 * len(pairs))]


def _costs(pairs: Sequence[SentencePair], rows: Sequence[int]) -> list[int]:
    # As many copies as tokens, each as long as the sentence.
    return [len(text) ** 2 for row in rows for text in (pairs[row].more, pairs[row].less)]


def score_pairs(model: PseudoLikelihood, pairs: Sequence[SentencePair]) -> list[TextScore]:
    """Score the tokens that the sentences of each pair share, each masked in turn.

    Parameters
    ----------
    model : PseudoLikelihood
        Loaded.
    pairs : sequence of SentencePair of length n_pairs
        The pairs.

    Returns
    -------
    list of TextScore of length 2 * n_pairs
        Of the more and the less stereotypical sentence in turn; sum and count are over shared
        tokens only.

    References
    ----------
    .. [1] Nangia et al. (2020), arXiv:2010.00133.
    """
    texts = [text for pair in pairs for text in (pair.more, pair.less)]
    scores = model.score(texts)
    prefix, suffix = model.model.tokenizer.prefix, model.model.tokenizer.suffix
    sizes = zip(
        *(c.tolist() for c in (count_words(texts), count_bytes(texts), scores.n_windows)),
        strict=True,
    )
    sums: list[tuple[float, int]] = []
    for row in range(0, len(texts), 2):
        (first, here), (second, there) = _tokens(scores, row), _tokens(scores, row + 1)
        # Special tokens anchor both ends, as they do in the authors' comparison.
        places = shared_places([*prefix, *first, *suffix], [*prefix, *second, *suffix])
        sums += [
            _sum_up(values, shared, len(prefix))
            for values, shared in zip((here, there), places, strict=True)
        ]
    return [
        TextScore(total, tokens, words, size, windows)
        for (total, tokens), (words, size, windows) in zip(sums, sizes, strict=True)
    ]


def _tokens(scores: TokenScores, row: int) -> tuple[list[int], Any]:
    tokens = scores.texts.tokens
    span = slice(int(tokens.offsets[row]), int(tokens.offsets[row + 1]))
    return tokens.input_ids[span].tolist(), scores.log_probabilities[span]


def _sum_up(values: Any, places: Sequence[int], lead: int) -> tuple[float, int]:
    body = [place - lead for place in places if 0 <= place - lead < len(values)]
    scored = values[body]
    known = ~np.isnan(scored)
    return float(scored[known].sum()), int(known.sum())


def _describe(
    name: str,
    model: PseudoLikelihood,
    task: CrowsPairsTask,
    scores: Sequence[TextScore],
    found: Stereotypes,
) -> dict[str, Any]:
    return {
        "kind": NAME,
        "model": name,
        "fingerprint": model.model.fingerprint,
        "data": {"name": NAME, "checksum": checksum(task.pairs), "pairs": found.pairs},
        "figures": {label: asdict(figure) for label, figure in found.figures.items()},
        "ties": found.ties,
        "texts": [asdict(score) for score in scores],
        "settings": {"precision": model.model.precision, "device": str(model.model.device)},
        "versions": package_versions(),
        "machine": describe_machine(),
    }
