"""The sections of a report that come from a comparison: summary, scores, ranks, tasks."""

from collections.abc import Iterator, Mapping

from .compare import Comparison
from .overall_comparison import OverallComparison
from .paired_bootstrap import Interval
from .report_content import Cell, Section, Table, interval, number, words
from .report_costs import cost_section, published_section
from .report_plots import Bar, draw_intervals, draw_ranks
from .tables import MISSING
from .task_comparison import Difference, TaskComparison

SIGNED = "{:+.4f}"
AGAINST = "minus reference"


def summarize_scores(comparison: Comparison) -> list[str]:
    """Say in sentences what a comparison found.

    Parameters
    ----------
    comparison : Comparison
        What was compared.

    Returns
    -------
    list of str
        The best mean, and whether the next can be told apart from it.
    """
    overall = comparison.overall
    if overall is None:
        return []
    order = _by_score(overall)
    best = order[0]
    n_tasks = len(overall.tasks)
    over = f"over {n_tasks} tasks" if n_tasks > 1 else f"on {overall.tasks[0]}"
    told = [f"Best mean {over}: {best}, {overall.scores[best]:.4f}{_around(overall, best)}."]
    if len(order) > 1:
        told.append(_compare_next(overall, best, order[1]))
    if comparison.checks:
        agreeing = sum(check.agrees for check in comparison.checks)
        told.append(
            f"{agreeing} of {len(comparison.checks)} scores agree with those published of the "
            f"same model."
        )
    return told


def _by_score(overall: OverallComparison) -> list[str]:
    return sorted(overall.labels, key=lambda label: -overall.scores[label])


def _around(overall: OverallComparison, label: str) -> str:
    found = overall.intervals.get(label)
    return "" if found is None else f" ({found.low:.4f} to {found.high:.4f})"


def _compare_next(overall: OverallComparison, best: str, second: str) -> str:
    difference = _find(overall.differences, best, second)
    value = overall.scores[best] - overall.scores[second]
    if difference is None or difference.interval is None:
        return f"{second} follows {value:.4f} behind; without examples no interval is known."
    found = difference.interval
    apart = "excludes" if found.excludes_zero else "does not exclude"
    return (
        f"{second} follows {value:.4f} behind; the 95 % interval of that difference, "
        f"{found.low:+.4f} to {found.high:+.4f}, {apart} zero."
    )


def _find(differences: tuple[Difference, ...], first: str, second: str) -> Difference | None:
    pairs = ((one.first, one.second) for one in differences)
    return dict(zip(pairs, differences, strict=True)).get((first, second))


def score_sections(comparison: Comparison) -> Iterator[Section]:
    """Write the sections of a comparison.

    Parameters
    ----------
    comparison : Comparison
        What was compared.

    Yields
    ------
    Section
        Overall, tasks, costs, published scores, each where there is something to show.
    """
    if comparison.overall:
        yield _overall_section(comparison, comparison.overall)
    yield _task_section(comparison)
    if any(cost.parameters or cost.texts_per_second for cost in comparison.costs.models):
        yield cost_section(comparison)
    if comparison.checks:
        yield published_section(comparison)


def _overall_section(comparison: Comparison, overall: OverallComparison) -> Section:
    n_tasks = len(overall.tasks)
    sentences = [
        f"The mean of the main scores over {_count(n_tasks, 'task')} that all models have. "
        "Intervals: 95 %, by a bootstrap over examples, the same for all models."
    ]
    order = _by_score(overall)
    pictures = [
        draw_intervals(
            "means",
            "Mean scores",
            [_bar(label, overall.scores, overall.intervals) for label in order],
        )
    ]
    if overall.ranks:
        ranks = overall.ranks
        pictures.append(draw_ranks("ranks", overall.labels, ranks))
        sentences.append(
            f"Friedman's test over {ranks.n_tasks} tasks: chi-square {ranks.chi_square:.2f}, "
            f"Iman and Davenport's F {ranks.f_statistic:.2f}, p {ranks.p_value:.3g}. A line "
            f"beside the ranks joins models whose average ranks differ by less than "
            f"{ranks.critical_difference:.2f} (Nemenyi, 0.05)."
        )
    tests = {test.label: test.p_adjusted for test in overall.signed_ranks}
    best = order[0]
    rows = tuple(
        (
            words(label),
            number(overall.scores[label], is_best=label == best),
            _interval(overall.intervals.get(label)),
            *_difference(overall.differences, label, overall.reference),
            number(tests.get(label), "{:.3g}"),
            _rank(overall, label),
        )
        for label in order
    )
    header = (
        "model",
        "mean",
        "95 % interval",
        AGAINST,
        "95 % interval",
        "Wilcoxon p",
        "rank",
    )
    caption = (
        f"Mean scores, the difference to {overall.reference} as the reference, Wilcoxon's "
        "signed-rank test over tasks against it (Holm), and average ranks."
    )
    table = Table("overall", caption, header, rows)
    return Section(
        "overall", "Overall", (*sentences, *comparison.notes), tuple(pictures), (table,)
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def _bar(label: str, scores: Mapping[str, float], intervals: Mapping[str, Interval]) -> Bar:
    found = intervals.get(label)
    low, high = (found.low, found.high) if found else (None, None)
    return Bar(label, scores[label], low, high)


def _rank(overall: OverallComparison, label: str) -> Cell:
    if overall.ranks is None:
        return Cell(MISSING)
    return number(overall.ranks.average[overall.labels.index(label)], "{:.2f}")


def _interval(found: Interval | None) -> Cell:
    return Cell(MISSING) if found is None else interval(found.low, found.high)


def _difference(
    differences: tuple[Difference, ...], label: str, reference: str
) -> tuple[Cell, Cell]:
    found = _find(differences, label, reference)
    if found is None:
        return Cell(MISSING), Cell(MISSING)
    if found.interval is None:
        return number(found.value, SIGNED), Cell(MISSING)
    low, high = found.interval.low, found.interval.high
    shown = interval(low, high, f"{SIGNED}..{SIGNED}")
    return number(found.value, SIGNED, is_best=found.interval.excludes_zero), shown


def _task_section(comparison: Comparison) -> Section:
    details = tuple(
        draw_intervals(
            f"task-{row}",
            task.task,
            [_bar(label, task.scores, task.intervals) for label in _ranked(task)],
        )
        for row, task in enumerate(comparison.tasks)
    )
    sentences = (
        "A difference in bold has an interval that does not hold zero. "
        "Intervals: 95 %, by a paired bootstrap over examples.",
    )
    tables = (_score_table(comparison), _interval_table(comparison))
    return Section("tasks", "Tasks", sentences, (), tables, details)


def _ranked(task: TaskComparison) -> list[str]:
    return sorted(task.scores, key=lambda label: -task.scores[label])


def _title(comparison: Comparison, task: TaskComparison) -> str:
    metric = comparison.metrics.get(task.task)
    return f"{task.task} ({metric})" if metric else task.task


def _score_table(comparison: Comparison) -> Table:
    rows = []
    for task in comparison.tasks:
        best = max(task.scores.values())
        cells = (
            number(score, is_best=score == best)
            if (score := task.scores.get(label)) is not None
            else Cell(MISSING)
            for label in comparison.labels
        )
        rows.append((words(_title(comparison, task)), *cells))
    header = ("task (main score)", *comparison.labels)
    return Table("scores", "Main scores; the best of each task in bold.", header, tuple(rows))


def _interval_table(comparison: Comparison) -> Table:
    reference = comparison.overall.reference if comparison.overall else comparison.labels[0]
    rows = tuple(
        (
            words(task.task),
            words(label),
            number(task.scores[label]),
            _interval(task.intervals.get(label)),
            *_difference(task.differences, label, reference),
            number(task.n_examples, "{:d}") if label in task.intervals else Cell(MISSING),
        )
        for task in comparison.tasks
        for label in _ranked(task)
    )
    header = (
        "task",
        "model",
        "score",
        "95 % interval",
        AGAINST,
        "95 % interval",
        "examples",
    )
    caption = f"Scores, and differences to {reference} as the reference, with their intervals."
    return Table("intervals", caption, header, rows)
