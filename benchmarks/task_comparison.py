"""Models compared on one task: their scores, and how far the differences can be trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .paired_bootstrap import Interval, percentile_interval, resample_scores
from .result_records import ExampleSet, ModelResults
from .weighted_statistics import Weighted, weighted_statistic

# mteb rounds some scores to five decimals.
TOLERANCE = 5e-5

Place = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Contender:
    """A model that is compared.

    Parameters
    ----------
    label : str
        How it is called.
    scores : mapping of str to mapping of (split, subset) to float
        Main scores by task.
    results : ModelResults or None
        Where they come from; None for published ones.
    """

    label: str
    scores: Mapping[str, Mapping[Place, float]]
    results: ModelResults | None = None

    @property
    def is_published(self) -> bool:
        """Whether the scores are from a table of others."""
        return self.results is None


@dataclass(frozen=True)
class Difference:
    """How much better one model is than another.

    Parameters
    ----------
    first, second : str
        Labels.
    value : float
        Score of the first minus the score of the second.
    interval : Interval or None
        95 % interval by a paired bootstrap over examples; None where these are not known.
    """

    first: str
    second: str
    value: float
    interval: Interval | None


@dataclass(frozen=True, eq=False)
class TaskComparison:
    """Models on one task.

    Parameters
    ----------
    task : str
        Name of the task.
    places : tuple of (split, subset)
        What all models have, over which scores are averaged.
    scores : mapping of str to float
        By label, of the models that have the task.
    intervals : mapping of str to Interval
        By label, of the models whose examples are known.
    differences : tuple of Difference
        Of all pairs.
    n_examples : int
        Over all places; 0 where none are known.
    notes : tuple of str
        What should be known of these scores.
    resampled : mapping of str to float64 of shape (n_resamples,)
        Scores by label on the same resamples.
    """

    task: str
    places: tuple[Place, ...]
    scores: Mapping[str, float]
    intervals: Mapping[str, Interval]
    differences: tuple[Difference, ...]
    n_examples: int
    notes: tuple[str, ...]
    resampled: Mapping[str, NDArray[np.float64]] = field(repr=False)


def compare_task(
    task: str, contenders: Sequence[Contender], *, n_resamples: int, seed: int
) -> TaskComparison | None:
    """Compare models on one task.

    Parameters
    ----------
    task : str
        Name of the task.
    contenders : sequence of Contender
        Those without the task are left out.
    n_resamples : int
        Of the bootstrap.
    seed : int
        Of the bootstrap.

    Returns
    -------
    TaskComparison or None
        None if the models have no split and subset in common.
    """
    present = [contender for contender in contenders if task in contender.scores]
    places = _common_places(task, present)
    if not places:
        return None
    notes: list[str] = []
    paired = _pair(task, places, present, notes)
    resampled = _resample(task, places, paired, n_resamples=n_resamples, seed=seed)
    scores = {
        one.label: float(np.mean([one.scores[task][place] for place in places])) for one in present
    }
    ranges = {label: percentile_interval(values) for label, values in resampled.items()}
    return TaskComparison(
        task,
        places,
        scores,
        {label: interval for label, interval in ranges.items() if interval is not None},
        pairwise_differences(scores, resampled),
        _count_examples(paired),
        tuple(notes),
        resampled,
    )


def pairwise_differences(
    scores: Mapping[str, float], resampled: Mapping[str, NDArray[np.float64]]
) -> tuple[Difference, ...]:
    """Compare each model with each other.

    Parameters
    ----------
    scores : mapping of str to float
        By label.
    resampled : mapping of str to float64 of shape (n_resamples,)
        Of those models whose examples are known.

    Returns
    -------
    tuple of Difference
        Of every ordered pair.
    """
    return tuple(
        Difference(
            first, second, scores[first] - scores[second], _interval(first, second, resampled)
        )
        for first in scores
        for second in scores
        if first != second
    )


def _interval(
    first: str, second: str, resampled: Mapping[str, NDArray[np.float64]]
) -> Interval | None:
    if first not in resampled or second not in resampled:
        return None
    return percentile_interval(resampled[first] - resampled[second])


def _common_places(task: str, present: Sequence[Contender]) -> tuple[Place, ...]:
    common = set.intersection(*(set(one.scores[task]) for one in present))
    return tuple(sorted(common))


def _pair(
    task: str, places: Sequence[Place], present: Sequence[Contender], notes: list[str]
) -> dict[str, list[ExampleSet]]:
    """Find the examples of each model, in the order of the places, where they are the same."""
    paired: dict[str, list[ExampleSet]] = {}
    reference: tuple[str, str, list[tuple[str, ...]]] | None = None
    for one in present:
        if one.results is None:
            continue
        sets, reason = _usable(places, one.results.examples.get(task, ()), one.scores[task])
        revision = one.results.tasks[task].data_revision
        if not reason:
            ids = [examples.ids for examples in sets]
            reference = reference or (one.label, revision, ids)
            if revision != reference[1]:
                reason = f"its data are not those of {reference[0]}"
            elif ids != reference[2]:
                reason = f"its examples are not those of {reference[0]}"
        if reason:
            notes.append(f"{task}, {one.label}: {reason}, so there is no interval.")
        else:
            paired[one.label] = sets
    return paired


def _usable(
    places: Sequence[Place], examples: Sequence[ExampleSet], scores: Mapping[Place, float]
) -> tuple[list[ExampleSet], str | None]:
    """Give the examples in the order of the places, or why they are of no use."""
    known = {(found.split, found.subset): found for found in examples}
    missing = [place for place in places if place not in known]
    if missing:
        return [], f"no examples of {', '.join('/'.join(place) for place in missing)} are kept"
    sets = [known[place] for place in places]
    for place, found in zip(places, sets, strict=True):
        statistic = weighted_statistic(found)
        if statistic is None:
            return [], f"{found.statistic!r} is no statistic that is known here"
        follows = float(statistic(np.ones((1, len(found.ids))))[0])
        if not abs(follows - scores[place]) <= TOLERANCE:
            return [], (
                f"its examples give {follows:.5f} for {'/'.join(place)}, its score is "
                f"{scores[place]:.5f}"
            )
    return sets, None


def _resample(
    task: str,
    places: Sequence[Place],
    paired: Mapping[str, Sequence[ExampleSet]],
    *,
    n_resamples: int,
    seed: int,
) -> dict[str, NDArray[np.float64]]:
    """Average over places, each resampled by itself."""
    if not paired:
        return {}
    total = np.zeros((len(paired), n_resamples))
    for row in range(len(places)):
        sets = [examples[row] for examples in paired.values()]
        statistics: list[Weighted] = [s for s in map(weighted_statistic, sets) if s is not None]
        # Tasks and places are drawn independently of each other.
        entropy = [seed, row, *task.encode()]
        total += resample_scores(
            statistics, len(sets[0].ids), n_resamples=n_resamples, seed=entropy
        )
    return dict(zip(paired, total / len(places), strict=True))


def _count_examples(paired: Mapping[str, Sequence[ExampleSet]]) -> int:
    sets = next(iter(paired.values()), ())
    return sum(len(examples.ids) for examples in sets)
