"""Models ranked on several tasks: average ranks, Friedman's test, Nemenyi's critical difference.

After Demsar (2006), Statistical comparisons of classifiers over multiple data sets, JMLR 7.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f, rankdata, studentized_range

SIGNIFICANCE = 0.05

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ranks:
    """How models rank over tasks.

    Parameters
    ----------
    average : tuple of float of length n_models
        Average rank of each; 1 is the best, equal scores share the mean of their ranks.
    chi_square : float
        Friedman's statistic.
    f_statistic : float
        Iman and Davenport's form of it, less conservative; infinite where all tasks agree.
    p_value : float
        Of that form: how probable such ranks are if all models were equally good.
    critical_difference : float
        Two models whose average ranks differ by less are not told apart by Nemenyi's test.
    n_tasks : int
        Tasks.
    """

    average: tuple[float, ...]
    chi_square: float
    f_statistic: float
    p_value: float
    critical_difference: float
    n_tasks: int


def rank_models(scores: Array, *, significance: float = SIGNIFICANCE) -> Ranks:
    """Rank models on each task and compare the averages.

    Parameters
    ----------
    scores : float64 of shape (n_tasks, n_models)
        Higher is better; at least two tasks and two models.
    significance : float, default=0.05
        Of the critical difference.

    Returns
    -------
    Ranks
        Averages and tests.

    References
    ----------
    .. [1] Demsar (2006), Statistical comparisons of classifiers over multiple data sets, JMLR 7,
       section 3.2.
    .. [2] Iman & Davenport (1980), Approximations of the critical region of the Friedman
       statistic, Communications in Statistics.
    """
    n_tasks, n_models = scores.shape
    average = rankdata(-scores, axis=1).mean(axis=0)
    spread = (average**2).sum() - n_models * (n_models + 1) ** 2 / 4
    chi_square = 12 * n_tasks / (n_models * (n_models + 1)) * spread
    left = n_tasks * (n_models - 1) - chi_square
    ratio = (n_tasks - 1) * chi_square / left if left > 1e-9 else np.inf  # noqa: PLR2004 - rounding
    freedom = n_models - 1
    return Ranks(
        tuple(map(float, average)),
        float(chi_square),
        float(ratio),
        float(f.sf(ratio, freedom, freedom * (n_tasks - 1))),
        critical_difference(n_models, n_tasks, significance=significance),
        n_tasks,
    )


def critical_difference(
    n_models: int, n_tasks: int, *, significance: float = SIGNIFICANCE
) -> float:
    """Give the difference of average ranks that Nemenyi's test asks for.

    Parameters
    ----------
    n_models, n_tasks : int
        How many were ranked, and how often.
    significance : float, default=0.05
        Probability to find any difference where there is none.

    Returns
    -------
    float
        In ranks.

    References
    ----------
    .. [1] Nemenyi (1963), Distribution-free multiple comparisons, PhD thesis, Princeton.
    """
    quantile = studentized_range.ppf(1 - significance, n_models, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(n_models * (n_models + 1) / (6 * n_tasks)))


def groups_not_told_apart(average: Sequence[float], difference: float) -> list[tuple[int, ...]]:
    """Find the largest groups of models whose average ranks lie close together.

    Parameters
    ----------
    average : sequence of float of length n_models
        Average ranks.
    difference : float
        The critical difference.

    Returns
    -------
    list of tuple of int
        Groups of two and more, best first; no group lies within another.
    """
    order = sorted(range(len(average)), key=lambda row: average[row])
    groups: list[tuple[int, ...]] = []
    for start, first in enumerate(order):
        group = tuple(row for row in order[start:] if average[row] - average[first] < difference)
        if len(group) > 1 and not (groups and set(group) <= set(groups[-1])):
            groups.append(group)
    return groups


def signed_rank_test(first: Array, second: Array) -> tuple[float, float]:
    """Compare two models over tasks by Wilcoxon's signed-rank test, exactly.

    Parameters
    ----------
    first, second : float64 of shape (n_tasks,)
        Scores on the same tasks.

    Returns
    -------
    (statistic, p_value)
        The smaller of the two sums of ranks, equal scores shared between both, and how probable
        one so small is if neither model were better (two-sided).

    References
    ----------
    .. [1] Demsar (2006), Statistical comparisons of classifiers over multiple data sets, JMLR 7,
       section 3.1.3.
    """
    # Rounding must not tell apart what is equal.
    differences = np.round(np.asarray(first) - np.asarray(second), 9)
    # Twice the ranks are integers, where equal ones share their mean too.
    doubled = np.rint(2 * rankdata(np.abs(differences))).astype(int)
    signed = doubled[differences != 0]
    observed = abs(int(np.sign(differences[differences != 0]) @ signed))
    possible = _signed_sums(signed)
    far = np.abs(np.arange(len(possible)) - len(possible) // 2) >= observed
    return (float(doubled.sum()) - observed) / 4, float(possible[far].sum())


def _signed_sums(ranks: NDArray[np.int_]) -> Array:
    """Give the probability of each sum of ranks, from their negative total to it, signs at random.

    It is exact with equal ranks, which scipy's exact test does not know of.
    """
    total = int(ranks.sum())
    possible = np.zeros(2 * total + 1)
    possible[total] = 1.0
    for rank in ranks:
        possible = (np.roll(possible, rank) + np.roll(possible, -rank)) / 2
    return possible
