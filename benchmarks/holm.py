"""Several tests at once: p-values that take into account how many were made."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for the number of tests.

    Parameters
    ----------
    p_values : sequence of float of length n_tests
        Of single tests.

    Returns
    -------
    list of float
        In the same order; comparing each with 0.05 finds anything at all by chance in at most
        five of a hundred such families of tests.

    References
    ----------
    .. [1] Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian
       Journal of Statistics 6.
    """
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    steps = np.maximum.accumulate(np.asarray(p_values, dtype=np.float64)[order] * factors)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(steps, 1.0)
    return [float(value) for value in adjusted]
