"""Models compared over tasks: means, ranks, and tests that take the tasks for the sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .holm import holm
from .paired_bootstrap import Interval, percentile_interval
from .ranks import Ranks, rank_models, signed_rank_test
from .task_comparison import Difference, TaskComparison, pairwise_differences

AT_LEAST = 2


@dataclass(frozen=True)
class SignedRank:
    """Wilcoxon's test of a model against the reference.

    Parameters
    ----------
    label : str
        The model.
    statistic : float
        The smaller sum of ranks.
    p_value : float
        Two-sided, of this test alone.
    p_adjusted : float
        Holm's, for all models that are compared with the reference.
    """

    label: str
    statistic: float
    p_value: float
    p_adjusted: float


@dataclass(frozen=True)
class OverallComparison:
    """Models over the tasks that all of them have.

    Parameters
    ----------
    labels : tuple of str
        The models.
    tasks : tuple of str
        The tasks.
    scores : mapping of str to float
        Mean over the tasks, by label.
    intervals : mapping of str to Interval
        Of the means, by label: over examples, for these tasks.
    differences : tuple of Difference
        Of the means, of all pairs.
    ranks : Ranks or None
        In the order of the labels; None with a single task or model.
    reference : str
        The model that others are compared with.
    signed_ranks : tuple of SignedRank
        Of the others.
    """

    labels: tuple[str, ...]
    tasks: tuple[str, ...]
    scores: Mapping[str, float]
    intervals: Mapping[str, Interval]
    differences: tuple[Difference, ...]
    ranks: Ranks | None
    reference: str
    signed_ranks: tuple[SignedRank, ...]


def compare_overall(
    labels: Sequence[str], tasks: Sequence[TaskComparison], references: Sequence[str]
) -> OverallComparison | None:
    """Compare models over the tasks that all of them have.

    Parameters
    ----------
    labels : sequence of str
        The models.
    tasks : sequence of TaskComparison
        Of single tasks.
    references : sequence of str
        Labels; the best of them is the model that others are compared with.

    Returns
    -------
    OverallComparison or None
        None if no task is common to all.
    """
    common = [one for one in tasks if set(labels) <= set(one.scores)]
    if not common:
        return None
    table = np.array([[one.scores[label] for label in labels] for one in common])
    scores = {label: float(mean) for label, mean in zip(labels, table.mean(axis=0), strict=True)}
    resampled = {
        label: np.mean([one.resampled[label] for one in common], axis=0)
        for label in labels
        if all(label in one.resampled for one in common)
    }
    ranges = {label: percentile_interval(values) for label, values in resampled.items()}
    reference = max(references, key=lambda label: scores[label])
    return OverallComparison(
        tuple(labels),
        tuple(one.task for one in common),
        scores,
        {label: interval for label, interval in ranges.items() if interval is not None},
        pairwise_differences(scores, resampled),
        rank_models(table) if min(table.shape) >= AT_LEAST else None,
        reference,
        _test_against(reference, labels, table) if len(common) >= AT_LEAST else (),
    )


def _test_against(
    reference: str,
    labels: Sequence[str],
    table: "np.ndarray[tuple[int, int], np.dtype[np.float64]]",
) -> tuple[SignedRank, ...]:
    others = [column for column, label in enumerate(labels) if label != reference]
    base = table[:, list(labels).index(reference)]
    tests = [signed_rank_test(table[:, column], base) for column in others]
    adjusted = holm([p_value for _, p_value in tests])
    return tuple(
        SignedRank(labels[column], *test, p_adjusted)
        for column, test, p_adjusted in zip(others, tests, adjusted, strict=True)
    )
