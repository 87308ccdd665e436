"""What mteb's tasks predicted becomes sets of examples, by kind of task.

mteb hands out predictions in another form for each kind; the data that they belong to are in
the task. Which statistic gives the task's score is decided here; that it does, and the files,
are the business of `mteb_examples`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import NoExamplesError
from .example_rankings import score_rankings
from .example_statistics import STATISTICS, compute_statistic
from .result_records import ExampleSet

if TYPE_CHECKING:
    from mteb.abstasks import AbsTask

# How bitext mining calls the two sides of a pair, where it has one pair of columns.
SIDES = "sentence1-sentence2"
# The sign turns a distance into a similarity.
SIMILARITIES = {
    "similarity": ("similarity_scores", 1),
    "cosine": ("cosine_scores", 1),
    "manhattan": ("manhattan_distances", -1),
    "euclidean": ("euclidean_distances", -1),
    "dot": ("dot_scores", 1),
}
PAIR_STATISTICS = {"ap": "average_precision", "accuracy": "best_accuracy"}


def read_predictions(
    task: "AbsTask", split: str, subset: str, predictions: Any
) -> list[ExampleSet]:
    """Turn the predictions of one split and subset into sets of examples.

    Parameters
    ----------
    task : mteb task
        With its data loaded.
    split : str
        Split of the task.
    subset : str
        Subset of the task, or ``"parallel"`` where one call covers many.
    predictions : object
        As mteb's task hands them out.

    Returns
    -------
    list of ExampleSet
        One, or one for each subset of a parallel task.

    Raises
    ------
    NoExamplesError
        If the main score is not a statistic of these predictions; the message says why.
    """
    reader = next((read for kind, read in _readers() if isinstance(task, kind)), None)
    if reader is None:
        raise NoExamplesError(f"mteb hands out no predictions of {task.metadata.type} to use")
    if subset == "parallel" and SIDES not in predictions:
        return [reader(task, split, name, {SIDES: found}) for name, found in predictions.items()]
    return [reader(task, split, subset, predictions)]


def read_drawn_scores(task: "AbsTask", split: str, scores: Mapping[str, Any]) -> ExampleSet | None:
    """Take the scores that mteb averages itself, where these are the examples: in clustering.

    Parameters
    ----------
    task : mteb task
        The task.
    split : str
        Split of the task.
    scores : mapping
        One entry of mteb's result.

    Returns
    -------
    ExampleSet or None
        One value for each time mteb clusters; None for other kinds of tasks and scores.
    """
    drawn = scores.get("v_measures")
    if drawn is None or task.metadata.main_score != "v_measure":
        return None
    by_level = drawn if isinstance(drawn, dict) else {"set": drawn}
    values = {
        f"{level} {number}": float(value)
        for level, numbers in by_level.items()
        for number, value in enumerate(numbers)
    }
    return _mean(split, scores["hf_subset"], list(values), np.array([*values.values()]))


def _readers() -> list[tuple[type, Callable[..., ExampleSet]]]:
    """Name the reader of each kind, special kinds before general ones."""
    from mteb import abstasks

    return [
        (abstasks.AbsTaskRetrieval, _rankings),
        (abstasks.AbsTaskMultilabelClassification, _label_sets),
        (abstasks.AbsTaskClassification, _classes),
        (abstasks.AbsTaskSTS, _pairs),
        (abstasks.AbsTaskPairClassification, _duplicates),
        (abstasks.AbsTaskBitextMining, _translations),
        (abstasks.AbsTaskSummarization, _summaries),
    ]


def _mean(split: str, subset: str, ids: Sequence[str], values: NDArray[Any]) -> ExampleSet:
    return ExampleSet(split, subset, "mean", float(values.mean()), tuple(ids), values=values)


def _of_pairs(
    split: str, subset: str, statistic: str, predictions: Sequence[Any], targets: Sequence[Any]
) -> ExampleSet:
    score = STATISTICS[statistic](np.asarray(predictions), np.asarray(targets))
    return ExampleSet(
        split,
        subset,
        statistic,
        score,
        _numbers(len(targets)),
        predictions=np.asarray(predictions),
        targets=np.asarray(targets),
    )


def _rows(task: "AbsTask", split: str, subset: str) -> Any:
    data: Any = task.dataset
    if subset in data:
        data = data[subset]
    return data[split]


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(map(str, range(count)))


def _check_count(found: int, expected: int) -> None:
    if found != expected:
        raise NoExamplesError(f"mteb scored {found} of {expected} examples and does not say which")


def _no_statistic(metric: str) -> NoExamplesError:
    return NoExamplesError(f"{metric} is not made up of single examples in a way that is known")


def _classes(task: Any, split: str, subset: str, predictions: Sequence[Any]) -> ExampleSet:
    """Classification: how often each text was classified rightly after several trainings."""
    if task.metadata.main_score != "accuracy":
        raise _no_statistic(f"{task.metadata.main_score}, averaged over trainings,")
    if task.is_cross_validation:
        raise NoExamplesError("in cross-validation each example is scored in one fold only")
    targets = np.asarray(_rows(task, split, subset)[task.label_column_name])
    said = np.asarray(predictions)
    _check_count(said.shape[1], len(targets))
    return _mean(split, subset, _numbers(len(targets)), (said == targets).mean(axis=0))


def _label_sets(task: Any, split: str, subset: str, predictions: Sequence[Any]) -> ExampleSet:
    """Multilabel classification: 0 or 1 for each label, after each of several trainings."""
    from sklearn.preprocessing import MultiLabelBinarizer

    if task.metadata.main_score != "accuracy":
        raise _no_statistic(f"{task.metadata.main_score}, averaged over trainings,")
    labels = list(_rows(task, split, subset)[task.label_column_name])
    targets, said = MultiLabelBinarizer().fit_transform(labels), np.asarray(predictions)
    _check_count(said.shape[1], len(targets))
    right = (said == targets).all(axis=2)
    return _mean(split, subset, _numbers(len(targets)), right.mean(axis=0))


def _pairs(task: Any, split: str, subset: str, predictions: Mapping[str, Any]) -> ExampleSet:
    """Semantic textual similarity: the model's similarity beside people's."""
    similarity, _, statistic = task.metadata.main_score.rpartition("_")
    if statistic not in ("spearman", "pearson"):
        raise _no_statistic(task.metadata.main_score)
    column, sign = SIMILARITIES[similarity or "similarity"]
    targets = list(map(float, _rows(task, split, subset)["score"]))
    said = [sign * float(score) for score in predictions[column]]
    _check_count(len(said), len(targets))
    return _of_pairs(split, subset, statistic, said, targets)


def _duplicates(task: Any, split: str, subset: str, predictions: Mapping[str, Any]) -> ExampleSet:
    """Pair classification: the model's similarity, and whether the two belong together."""
    similarity, _, measure = task.metadata.main_score.rpartition("_")
    if measure not in PAIR_STATISTICS:
        raise _no_statistic(task.metadata.main_score)
    rows = _rows(task, split, subset)
    # Older data sets hold all pairs in one row.
    targets = [
        int(label) for label in (rows[0] if len(rows) == 1 else rows)[task.label_column_name]
    ]
    tried = SIMILARITIES.values() if similarity == "max" else [SIMILARITIES[similarity]]
    sets = [
        _of_pairs(
            split,
            subset,
            PAIR_STATISTICS[measure],
            [sign * float(score) for score in predictions[column]],
            targets,
        )
        for column, sign in tried
    ]
    # The task's score is that of the best similarity, and the first that has it is kept.
    return max(sets, key=compute_statistic)


def _translations(
    task: Any, split: str, subset: str, predictions: Mapping[str, Any]
) -> ExampleSet:
    """Bitext mining: which sentence was found for each."""
    found = [int(nearest["corpus_id"]) for nearest in predictions[SIDES]]
    rows = task.dataset[split] if task.parallel_subsets else _rows(task, split, subset)
    gold = [int(pair[1]) for pair in rows["gold"]] if "gold" in rows else list(range(len(found)))
    if task.metadata.main_score == "accuracy":
        right = np.asarray(found) == np.asarray(gold)
        return _mean(split, subset, _numbers(len(gold)), right.astype(float))
    if task.metadata.main_score != "f1":
        raise _no_statistic(task.metadata.main_score)
    return _of_pairs(split, subset, "f1_weighted", found, gold)


def _summaries(task: Any, split: str, subset: str, predictions: Mapping[str, Any]) -> ExampleSet:
    """Summarization: for each text, how its summaries' order agrees with people's."""
    similarity, _, statistic = task.metadata.main_score.rpartition("_")
    column, _ = SIMILARITIES[similarity or "similarity"]
    grades = _rows(task, split, subset)[task.relevancy_column_name]
    # mteb leaves out texts whose summaries are graded alike, and those the model finds alike.
    ids = [str(number) for number, graded in enumerate(grades) if len(set(graded)) > 1]
    _check_count(len(predictions[column]), len(ids))
    values = [
        STATISTICS[statistic](np.asarray(said), np.asarray(graded))
        for said, graded in zip(predictions[column], predictions["human_scores"], strict=True)
    ]
    return _mean(split, subset, ids, np.array(values))


def _rankings(
    task: Any, split: str, subset: str, predictions: Mapping[str, Mapping[str, float]]
) -> ExampleSet:
    """Score the ranking of each query, in retrieval and reranking."""
    relevant = _rows(task, split, subset)["relevant_docs"]
    values = score_rankings(
        task.metadata.main_score,
        predictions,
        relevant,
        skip_first=task.skip_first_result,
        skip_identical=task.ignore_identical_ids,
    )
    if values is None:
        raise _no_statistic(task.metadata.main_score)
    ids = sorted(values)
    return _mean(split, subset, ids, np.array([values[query] for query in ids]))
