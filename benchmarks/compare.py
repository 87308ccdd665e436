"""Everything in a results folder compared: per task, overall, in cost, and with published scores.

What is computed stands in `task_comparison`, `overall_comparison` and `model_costs`; here models
and tasks are chosen, and what does not fit together is told.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skencoder.errors import ParameterError

from .compare_settings import CompareSettings
from .model_costs import Costs, read_costs
from .overall_comparison import OverallComparison, compare_overall
from .published_scores import PublishedCheck, PublishedScore, check_score, read_published
from .ranks import SIGNIFICANCE
from .result_records import ModelResults, Results
from .results_folder import choose_models, read_results
from .task_comparison import Contender, Place, TaskComparison, compare_task
from .task_progress import task_bar

# Kinds of tasks in which something is fitted that starts from random numbers.
FITTED = ("Classification", "MultilabelClassification", "Clustering", "Regression")
# Under this mark a published model stands in the tables.
MARK = " (published)"


@dataclass(frozen=True)
class Comparison:
    """All that was compared.

    Parameters
    ----------
    labels : tuple of str
        The models that ran, then those of which scores were published.
    published : tuple of str
        Labels of the latter.
    tasks : tuple of TaskComparison
        By task.
    metrics : mapping of str to str
        Name of the main score, by task.
    overall : OverallComparison or None
        Over the tasks that all models have; None if there is none.
    costs : Costs
        Of the models that ran.
    checks : tuple of PublishedCheck
        Scores that were published of a model that ran.
    notes : tuple of str
        What should be known, such as why there is no interval.
    damaged, foreign : tuple of str
        Sentences about files of the folder.
    """

    labels: tuple[str, ...]
    published: tuple[str, ...]
    tasks: tuple[TaskComparison, ...]
    metrics: Mapping[str, str]
    overall: OverallComparison | None
    costs: Costs
    checks: tuple[PublishedCheck, ...]
    notes: tuple[str, ...]
    damaged: tuple[str, ...]
    foreign: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether every file could be read and every score agrees with the published one."""
        return not self.damaged and all(check.agrees for check in self.checks)


def run_compare(folder: str | Path, settings: CompareSettings | None = None) -> Comparison:
    """Compare the models of a results folder.

    Parameters
    ----------
    folder : str or Path
        What was given to ``mteb --results``.
    settings : CompareSettings, optional
        Which models and tasks, and how strictly.

    Returns
    -------
    Comparison
        All that was compared.

    Raises
    ------
    MissingDataError
        If there are no results.
    ResultFileError
        If the table of published scores cannot be read.
    ParameterError
        If a model or a task is not there.
    """
    settings = settings or CompareSettings()
    results = read_results(folder)
    table = read_published(settings.published) if settings.published else ()
    ran = _choose(results, settings.models, table)
    kinds = {task: _kind(task) for one in ran for task in one.scores}
    notes: list[str] = []
    checks = _check(ran, table, kinds, settings, notes)
    others = _published_contenders(ran, table, kinds, settings.models, notes)
    notes += _tell_reference(settings.models, ran, others)
    contenders = [*ran, *others]
    tasks = _compare_tasks(contenders, _choose_tasks(kinds, settings.tasks), settings, notes)
    labels = tuple(one.label for one in contenders)
    # Differences to a model of which examples are known have intervals.
    references = [one.label for one in ran][: 1 if settings.models else None]
    overall = compare_overall(labels, tasks, references)
    costs = read_costs([one.label for one in ran], [one.results for one in ran if one.results])
    return Comparison(
        labels=labels,
        published=tuple(one.label for one in others),
        tasks=tuple(tasks),
        metrics={task: metric for task, (_, metric) in kinds.items()},
        overall=overall,
        costs=costs,
        checks=tuple(checks),
        notes=(*notes, *_tell_overall(overall, tasks), *costs.notes),
        damaged=results.damaged,
        foreign=results.foreign,
    )


def _choose(
    results: Results, names: Sequence[str] | None, table: Sequence[PublishedScore]
) -> list[Contender]:
    rows = range(len(results.models)) if names is None else _find_rows(results, names, table)
    contenders = [_contender(results.labels[row], results.models[row]) for row in rows]
    contenders = [one for one in contenders if one.scores]
    if not contenders:
        raise ParameterError(f"none of the chosen models in {results.folder} has scores.")
    return contenders


def _find_rows(
    results: Results, names: Sequence[str], table: Sequence[PublishedScore]
) -> list[int]:
    """Find models that ran, in the order of their names; one that was only published is none."""
    published = {name for row in table for name in _names(row.model)}
    rows: list[int] = []
    for name in names:
        try:
            rows += choose_models(results, [name])
        except ParameterError:
            if name not in published:
                raise
    return list(dict.fromkeys(rows))


def _names(model: str) -> tuple[str, str]:
    """Give what a model is called: with its owner, and without."""
    return model, model.rpartition("/")[2]


def _contender(label: str, model: ModelResults) -> Contender:
    scores = {
        task: {(row.split, row.subset): row.score for row in entry.rows}
        for task, entry in model.tasks.items()
    }
    return Contender(label, scores, model)


def _kind(task: str) -> tuple[str, str]:
    """Look up what kind a task is, and the name of its main score."""
    import mteb

    try:
        metadata = mteb.get_task(task).metadata
    except KeyError:
        return "", ""
    return str(metadata.type), str(metadata.main_score)


def _choose_tasks(kinds: Mapping[str, tuple[str, str]], names: Sequence[str] | None) -> list[str]:
    unknown = [name for name in names or () if name not in kinds]
    if unknown:
        raise ParameterError(
            f"tasks={unknown[0]!r} is in no result; there are {', '.join(sorted(kinds))}."
        )
    return sorted(set(names or kinds))


def _compare_tasks(
    contenders: Sequence[Contender],
    tasks: Sequence[str],
    settings: CompareSettings,
    notes: list[str],
) -> list[TaskComparison]:
    compared = []
    with task_bar(len(tasks)) as advance:
        for task in tasks:
            found = compare_task(
                task, contenders, n_resamples=settings.resamples, seed=settings.seed
            )
            if found is None:
                notes.append(f"{task}: the models have no split and subset in common.")
            else:
                compared.append(found)
                notes += found.notes
            advance()
    return compared


def _check(
    ran: Iterable[Contender],
    table: Iterable[PublishedScore],
    kinds: Mapping[str, tuple[str, str]],
    settings: CompareSettings,
    notes: list[str],
) -> list[PublishedCheck]:
    published: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    for row in table:
        if _same_metric(row, kinds):
            published[row.model, row.task, row.split, row.subset].append(row.score)
    checks = []
    for one in ran:
        found = _own_scores(one, published)
        if found and one.results and one.results.settings:
            notes.append(f"{one.label} is not held against published scores: other settings.")
            continue
        for key, (score, others) in found.items():
            fitted = kinds[key[0]][0] in FITTED
            decimals = settings.trained_decimals if fitted else settings.decimals
            checks.append(check_score(one.label, key, score, others, decimals))
    return checks


def _own_scores(
    one: Contender, published: Mapping[tuple[str, ...], list[float]]
) -> dict[tuple[str, str, str], tuple[float, list[float]]]:
    names = _names(one.results.name if one.results else "")
    found = {
        (task, *place): (score, [s for n in names for s in published.get((n, task, *place), ())])
        for task, scores in one.scores.items()
        for place, score in scores.items()
    }
    return {key: value for key, value in found.items() if value[1]}


def _same_metric(row: PublishedScore, kinds: Mapping[str, tuple[str, str]]) -> bool:
    metric = kinds.get(row.task, ("", ""))[1]
    return not (row.metric and metric) or row.metric == metric


def _published_contenders(
    ran: Sequence[Contender],
    table: Iterable[PublishedScore],
    kinds: Mapping[str, tuple[str, str]],
    names: Sequence[str] | None,
    notes: list[str],
) -> list[Contender]:
    """Give the published models that did not run, with the tasks that did."""
    known = {name for one in ran if one.results for name in _names(one.results.name)}
    scores: dict[str, dict[str, dict[Place, float]]] = {}
    for row in table:
        wanted = names is None or set(names).intersection(_names(row.model))
        if wanted and row.model not in known and row.task in kinds and _same_metric(row, kinds):
            places = scores.setdefault(row.model, {}).setdefault(row.task, {})
            if places.setdefault((row.split, row.subset), row.score) != row.score:
                notes.append(
                    f"{row.model} has several published scores of {row.task} ({row.split}, "
                    f"{row.subset}); the first is shown."
                )
    shared = Counter(_names(model)[1] for model in scores)
    return [
        Contender(_names(model)[shared[_names(model)[1]] == 1] + MARK, found)
        for model, found in sorted(scores.items())
    ]


def _tell_reference(
    names: Sequence[str] | None, ran: Sequence[Contender], others: Sequence[Contender]
) -> list[str]:
    """Say so where the first model that was named cannot be the reference."""
    if not names or not any(one.label in {n + MARK for n in _names(names[0])} for one in others):
        return []
    return [
        f"{names[0]} is only published, without its examples; the others are compared with "
        f"{ran[0].label}, the first that ran."
    ]


def _tell_overall(overall: OverallComparison | None, tasks: Sequence[TaskComparison]) -> list[str]:
    if overall is None:
        return ["There is no overall comparison: no task is common to all models."]
    told = []
    left_out = [one.task for one in tasks if one.task not in overall.tasks]
    if left_out:
        told.append(
            f"Overall is over the {len(overall.tasks)} tasks that all models have, without "
            f"{', '.join(left_out)}."
        )
    # The same winner on every task has the smallest p-value there is.
    smallest = len(overall.signed_ranks) * 2.0 ** (1 - len(overall.tasks))
    if overall.signed_ranks and smallest > SIGNIFICANCE:
        told.append(
            f"{len(overall.tasks)} tasks are too few for Wilcoxon's test with "
            f"{len(overall.signed_ranks)} comparisons: the smallest p it can have is "
            f"{min(smallest, 1):.3g}."
        )
    return told
