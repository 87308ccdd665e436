"""Models ranked on several tasks: average ranks, Friedman's test, Nemenyi's critical difference.

After Demsar (2006), Statistical comparisons of classifiers over multiple data sets, JMLR 7.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, studentized_range

SIGNIFICANCE = 0.05
N_SHUFFLES, SEED = 9999, 0
ROUNDING = 1e-9

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
        How probable so large a statistic is if all models were equally good: the share of 9,999
        shuffles of the models within tasks that reach it.
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
    ranks = rankdata(-scores, axis=1)
    chi_square = float(_chi_square(ranks))
    left = n_tasks * (n_models - 1) - chi_square
    return Ranks(
        tuple(map(float, ranks.mean(axis=0))),
        chi_square,
        (n_tasks - 1) * chi_square / left if left > ROUNDING else float("inf"),
        _chance_of(chi_square, ranks),
        critical_difference(n_models, n_tasks, significance=significance),
        n_tasks,
    )


def _chi_square(ranks: Array) -> Array:
    """Give Friedman's statistic of ranks of shape (..., n_tasks, n_models)."""
    n_tasks, n_models = ranks.shape[-2:]
    spread = (ranks.mean(axis=-2) ** 2).sum(axis=-1) - n_models * (n_models + 1) ** 2 / 4
    statistic: Array = 12 * n_tasks / (n_models * (n_models + 1)) * spread
    return statistic


def _chance_of(chi_square: float, ranks: Array) -> float:
    """Shuffle the models within each task, which is right with few tasks and equal scores too."""
    many = np.broadcast_to(ranks, (N_SHUFFLES, *ranks.shape))
    shuffled = _chi_square(np.random.default_rng(SEED).permuted(many, axis=-1))
    as_large = int((shuffled >= chi_square - ROUNDING).sum())
    return (1 + as_large) / (1 + N_SHUFFLES)


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
