"""How far a difference of two models can be trusted: the same examples are drawn for both.

What a score of drawn examples is, stands in `weighted_statistics`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .weighted_statistics import Weighted

CONFIDENCE = 0.95
N_RESAMPLES = 2000
# Cells of weights that are held at once, 8 bytes each.
CELLS = 2**21
# More resamples than this without a score, and no interval is given.
MOST_WITHOUT_SCORE = 0.01

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """Where a number probably lies.

    Parameters
    ----------
    low, high : float
        Bounds.
    """

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether both bounds have the same sign."""
        return self.low > 0 or self.high < 0


def resample_scores(
    statistics: Sequence[Weighted],
    n_examples: int,
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int | Sequence[int] = 0,
) -> Array:
    """Score several models on the same resamples of the examples.

    Parameters
    ----------
    statistics : sequence of callable of length n_models
        One per model, on the same examples in the same order.
    n_examples : int
        How many there are.
    n_resamples : int, default=2000
        How often as many examples are drawn, with replacement.
    seed : int or sequence of int, default=0
        The same seed draws the same examples.

    Returns
    -------
    float64 of shape (n_models, n_resamples)
        Scores.

    References
    ----------
    .. [1] Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
    """
    rng = np.random.default_rng(seed)
    size = max(1, CELLS // n_examples)
    parts = []
    for start in range(0, n_resamples, size):
        weights = _draw(rng, min(size, n_resamples - start), n_examples)
        parts.append(np.stack([statistic(weights) for statistic in statistics]))
    return np.concatenate(parts, axis=1)


def _draw(rng: np.random.Generator, n_resamples: int, n_examples: int) -> Array:
    """Count how often each example is drawn, shape (n_resamples, n_examples)."""
    drawn = rng.integers(0, n_examples, (n_resamples, n_examples))
    drawn += np.arange(n_resamples)[:, None] * n_examples
    counts = np.bincount(drawn.ravel(), minlength=n_resamples * n_examples)
    return counts.reshape(n_resamples, n_examples).astype(np.float64)


def percentile_interval(scores: Array, confidence: float = CONFIDENCE) -> Interval | None:
    """Give the interval in which most resampled numbers lie.

    Parameters
    ----------
    scores : float64 of shape (n_resamples,)
        Scores of a model, or differences of the scores of two.
    confidence : float, default=0.95
        Share of them that lies inside.

    Returns
    -------
    Interval or None
        None if more than one in a hundred resamples has no score.
    """
    finite = scores[np.isfinite(scores)]
    if len(finite) < len(scores) * (1 - MOST_WITHOUT_SCORE):
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    return Interval(float(low), float(high))
