"""How far a mean may be off by chance: drawing again what was measured."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 2000


def mean_interval(
    values: NDArray[np.float64], groups: ArrayLike | None = None
) -> tuple[float, float]:
    """Give the 95 % interval of a mean, by drawing groups with replacement.

    Parameters
    ----------
    values : float64 of shape (n,)
        What was measured.
    groups : array-like of shape (n,), optional
        What belongs together and is no independent evidence; by default each value is alone.

    Returns
    -------
    tuple of float
        Its ends.
    """
    names = np.arange(len(values)) if groups is None else np.asarray(groups)
    _, codes = np.unique(names, return_inverse=True)
    sums, sizes = np.bincount(codes, values), np.bincount(codes)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=DRAWS)
    low, high = np.quantile(draws @ sums / (draws @ sizes), [0.025, 0.975])
    return float(low), float(high)
