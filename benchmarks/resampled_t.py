"""Two models on the same folds: the t-test that knows that training rows are shared by folds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

CONFIDENCE = 0.95


@dataclass(frozen=True)
class ResampledT:
    """A difference of two models over folds.

    Parameters
    ----------
    difference : float
        Mean over the folds of the first model's score minus the second's.
    low, high : float
        95 % interval of it.
    t_statistic : float
        The difference in corrected standard errors; infinite where every fold has the same
        difference and that is not zero.
    p_value : float
        Two-sided.
    """

    difference: float
    low: float
    high: float
    t_statistic: float
    p_value: float


def resampled_t_test(
    first: Sequence[float], second: Sequence[float], *, n_train: int, n_test: int
) -> ResampledT:
    """Compare two models by the corrected resampled t-test.

    The plain t-test takes folds for independent, although they learn from mostly the same rows,
    and so finds differences that are not there. The correction adds what that overlap hides,
    ``n_test / n_train``, to the ``1 / n_folds`` of the variance.

    Parameters
    ----------
    first, second : sequence of float of length n_folds
        Scores of the two models on the same folds; at least two.
    n_train, n_test : int
        Rows that one fold learns from, and is judged on.

    Returns
    -------
    ResampledT
        The difference with its interval and its test.

    References
    ----------
    .. [1] Nadeau & Bengio (2003), Inference for the generalization error, Machine Learning 52.
    .. [2] Bouckaert & Frank (2004), Evaluating the replicability of significance tests for
       comparing learning algorithms, PAKDD.
    """
    differences: NDArray[np.float64] = np.asarray(first, float) - np.asarray(second, float)
    n_folds = len(differences)
    mean = float(differences.mean())
    error = float(np.sqrt((1 / n_folds + n_test / n_train) * differences.var(ddof=1)))
    if error == 0:
        statistic = np.copysign(np.inf, mean) if mean else 0.0
    else:
        statistic = mean / error
    reach = float(student.ppf((1 + CONFIDENCE) / 2, n_folds - 1)) * error
    p_value = 2 * float(student.sf(abs(statistic), n_folds - 1))
    return ResampledT(mean, mean - reach, mean + reach, float(statistic), p_value)
