"""From scores of texts to perplexities, with intervals from a bootstrap over texts."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest

from .language_models import AUTOREGRESSIVE, TextScore
from .result_records import Figure

RESAMPLES = 10_000
CONFIDENCE = 0.95
# Numbers of drawn weights that are there at once.
WEIGHTS_AT_ONCE = 2**23
# Of "mlm-loss" only drawn tokens are scored, so that words and bytes have no score of their own.
DRAWING = "mlm-loss"


@dataclass(frozen=True)
class Measure:
    """What is made of a sum of log-likelihoods.

    Parameters
    ----------
    name : str
        Of the figure.
    unit : str
        Field of `TextScore` that the sum is divided by; "texts" for the number of texts.
    finish : callable
        From nats per unit to the figure; it rises or falls all the way.
    """

    name: str
    unit: str
    finish: Callable[[float], float]


def _exp(nats: float) -> float:
    try:
        return math.exp(nats)
    except OverflowError:
        return math.inf


def _bits(nats: float) -> float:
    return nats / math.log(2)


def _same(nats: float) -> float:
    return nats


def _negative(nats: float) -> float:
    return -nats


PSEUDO = (
    Measure("mean_pll_per_text", "texts", _negative),
    Measure("pppl_per_token", "tokens", _exp),
    Measure("pppl_per_word", "words", _exp),
    Measure("pseudo_bits_per_byte", "bytes", _bits),
)
LOSS = (
    Measure("masked_lm_loss", "tokens", _same),
    Measure("masked_lm_perplexity", "tokens", _exp),
)
LEFT_TO_RIGHT = (
    Measure("mean_log_likelihood_per_text", "texts", _negative),
    Measure("token_perplexity", "tokens", _exp),
    Measure("word_perplexity", "words", _exp),
    Measure("byte_perplexity", "bytes", _exp),
    Measure("bits_per_byte", "bytes", _bits),
)


def choose_measures(kind: str, method: str) -> tuple[Measure, ...]:
    """Choose what is reported of a model.

    Parameters
    ----------
    kind : {"masked", "autoregressive"}
        What it is.
    method : str
        How it scores.

    Returns
    -------
    tuple of Measure
        In the order of a table.
    """
    if kind == AUTOREGRESSIVE:
        return LEFT_TO_RIGHT
    return LOSS if method == DRAWING else PSEUDO


def measure_texts(
    scores: Sequence[TextScore],
    measures: Sequence[Measure],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Figure]:
    """Sum scores up, micro-averaged: each token, word or byte counts the same.

    Parameters
    ----------
    scores : sequence of TextScore
        Of all texts.
    measures : sequence of Measure
        What is wanted.
    resamples : int, default=10,000
        Of the bootstrap, which draws whole texts.
    seed : int, default=0
        Of the bootstrap; all measures share its draws.

    Returns
    -------
    dict of str to Figure
        By name; a measure whose unit is 0 in all is left out, and one that no float holds.

    References
    ----------
    .. [1] Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13: percentile
       intervals, which a rising or falling function leaves as they are.
    """
    nats = -np.array([score.log_likelihood for score in scores])
    units = {m.unit: _units(scores, m.unit) for m in measures}
    usable = [m for m in measures if units[m.unit].sum() > 0]
    columns = np.column_stack([nats, *(units[m.unit] for m in usable)])
    totals = columns.sum(axis=0)
    draws = _resample(columns, resamples, seed) if len(scores) > 1 else None
    found = {}
    for place, measure in enumerate(usable, start=1):
        value = measure.finish(totals[0] / totals[place])
        low, high = _bounds(draws, place, measure) if draws is not None else (None, None)
        if math.isfinite(value):
            found[measure.name] = Figure(value, low, high)
    return found


def find_too_large(scores: Sequence[TextScore], measures: Sequence[Measure]) -> tuple[str, ...]:
    """Name the figures that `measure_texts` leaves out because no float holds them.

    Parameters
    ----------
    scores : sequence of TextScore
        Of all texts.
    measures : sequence of Measure
        What is wanted.

    Returns
    -------
    tuple of str
        Their names.
    """
    nats = -sum(score.log_likelihood for score in scores)
    sizes = {m.name: float(_units(scores, m.unit).sum()) for m in measures}
    return tuple(
        m.name for m in measures if sizes[m.name] and math.isinf(m.finish(nats / sizes[m.name]))
    )


def wilson_bounds(count: int, total: int) -> tuple[float, float]:
    """Give Wilson's interval of a share.

    Parameters
    ----------
    count, total : int
        How many of how many, at least one.

    Returns
    -------
    (low, high) : tuple of float
        From 0 to 1.

    References
    ----------
    .. [1] Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    bounds = binomtest(count, total).proportion_ci(CONFIDENCE, method="wilson")
    return float(bounds.low), float(bounds.high)


def mean_bounds(counts: ArrayLike, totals: ArrayLike) -> tuple[float, float]:
    """Give the interval of a mean of shares that are measured apart, each counting the same.

    It keeps its width where all shares are 0 or 1, which drawing again from what was seen does
    not; and unlike draws from each share's own posterior it does not drift towards one half when
    there are many shares.

    Parameters
    ----------
    counts, totals : int of shape (n_shares,)
        How many of how many, at least one.

    Returns
    -------
    (low, high) : tuple of float
        From 0 to 1; of a single share, those of `wilson_bounds`.

    References
    ----------
    .. [1] Price & Bonett (2004), An improved confidence interval for a linear function of
       binomial proportions, Computational Statistics & Data Analysis 45, 449-456.
    """
    right, sizes = np.asarray(counts), np.asarray(totals)
    if len(sizes) == 1:
        return wilson_bounds(int(right[0]), int(sizes[0]))
    # Two hits and two misses more, spread over all shares.
    added = sizes + 4 / len(sizes)
    shares = (right + 2 / len(sizes)) / added
    deviation = math.sqrt((shares * (1 - shares) / added).sum()) / len(sizes)
    centre, half = float(shares.mean()), NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * deviation
    value = float((right / sizes).mean())
    return max(0.0, min(centre - half, value)), min(1.0, max(centre + half, value))


def _units(scores: Sequence[TextScore], unit: str) -> NDArray[np.float64]:
    if unit == "texts":
        return np.ones(len(scores))
    return np.array([getattr(score, unit) for score in scores], np.float64)


def _resample(columns: NDArray[np.float64], resamples: int, seed: int) -> NDArray[np.float64]:
    """Give the columns' sums over texts drawn with replacement, (resamples, columns)."""
    rng, n_texts = np.random.default_rng(seed), len(columns)
    most = max(1, WEIGHTS_AT_ONCE // n_texts)
    sizes = [min(most, resamples - start) for start in range(0, resamples, most)]
    shares = np.full(n_texts, 1 / n_texts)
    return np.concatenate([rng.multinomial(n_texts, shares, size) @ columns for size in sizes])


def _bounds(
    draws: NDArray[np.float64], place: int, measure: Measure
) -> tuple[float | None, float | None]:
    # A draw of texts without a token says nothing.
    usable = draws[:, place] > 0
    rates = draws[usable, 0] / draws[usable, place]
    tails = np.quantile(rates, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    low, high = sorted(measure.finish(float(rate)) for rate in tails)
    return low, (high if math.isfinite(high) else None)
