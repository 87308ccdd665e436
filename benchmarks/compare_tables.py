"""A comparison as tables to read, and as JSON; nothing is computed here."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from .compare import Comparison
from .overall_comparison import OverallComparison
from .paired_bootstrap import Interval
from .tables import MISSING, format_table
from .task_comparison import Difference, TaskComparison

TASK_HEADER = ("task", "model", "score", "95 % interval")
OVERALL_HEADER = ("model", "mean", "95 % interval")
COST_HEADER = ("rank", "parameters", "MB", "texts/s")
CHECK_HEADER = ("model", "task", "split", "subset", "score", "published", "decimals", "")
MILLION = 1e6
DIFFERENT = " *"


def format_comparison(comparison: Comparison) -> str:
    """Show a comparison.

    Parameters
    ----------
    comparison : Comparison
        What was compared.

    Returns
    -------
    str
        A table per task, one overall, one of published scores, and notes. A star marks a
        difference whose interval does not hold zero.
    """
    parts = [_format_tasks(comparison)]
    if comparison.overall:
        parts += [_format_overall(comparison, comparison.overall)]
        parts += [_format_ranks(comparison.overall)]
    parts += [_format_checks(comparison), _format_notes(comparison)]
    return "\n\n".join(part for part in parts if part)


def _format_tasks(comparison: Comparison) -> str:
    reference = _reference(comparison)
    header = (*TASK_HEADER, f"minus {reference}", "95 % interval", "examples")
    rows = [
        cells for task in comparison.tasks for cells in _task_lines(comparison, task, reference)
    ]
    return "Scores by task\n\n" + format_table(header, rows)


def _reference(comparison: Comparison) -> str:
    return comparison.overall.reference if comparison.overall else comparison.labels[0]


def _task_lines(
    comparison: Comparison, task: TaskComparison, reference: str
) -> list[tuple[str, ...]]:
    metric = comparison.metrics.get(task.task)
    shown = f"{task.task} ({metric})" if metric else task.task
    lines: list[tuple[str, ...]] = []
    for label, score in sorted(task.scores.items(), key=lambda item: -item[1]):
        known = label in task.intervals
        lines.append(
            (
                shown,
                label,
                f"{score:.4f}",
                _show_interval(task.intervals.get(label)),
                *_show_difference(task.differences, label, reference),
                str(task.n_examples) if known else MISSING,
            )
        )
        shown = ""
    return lines


def _show_interval(interval: Interval | None) -> str:
    return MISSING if interval is None else f"{interval.low:.4f}..{interval.high:.4f}"


def _show_difference(
    differences: Sequence[Difference], label: str, reference: str
) -> tuple[str, str]:
    found = [one for one in differences if (one.first, one.second) == (label, reference)]
    if not found:
        return MISSING, MISSING
    (one,) = found
    star = DIFFERENT if one.interval and one.interval.excludes_zero else ""
    shown = MISSING if one.interval is None else _signed(one.interval.low, one.interval.high)
    return f"{one.value:+.4f}{star}", shown


def _signed(low: float, high: float) -> str:
    return f"{low:+.4f}..{high:+.4f}"


def _format_overall(comparison: Comparison, overall: OverallComparison) -> str:
    header = (
        *OVERALL_HEADER,
        f"minus {overall.reference}",
        "95 % interval",
        "Wilcoxon p",
        *COST_HEADER,
    )
    labels = sorted(overall.labels, key=lambda label: -overall.scores[label])
    rows = [_overall_line(comparison, overall, label) for label in labels]
    n_tasks = len(overall.tasks)
    title = f"Overall: {n_tasks} task{'s' if n_tasks > 1 else ''} that all models have"
    return f"{title}\n\n{format_table(header, rows)}"


def _overall_line(
    comparison: Comparison, overall: OverallComparison, label: str
) -> tuple[str, ...]:
    tests = {test.label: f"{test.p_adjusted:.3g}" for test in overall.signed_ranks}
    rank = MISSING
    if overall.ranks:
        rank = f"{overall.ranks.average[overall.labels.index(label)]:.2f}"
    return (
        label,
        f"{overall.scores[label]:.4f}",
        _show_interval(overall.intervals.get(label)),
        *_show_difference(overall.differences, label, overall.reference),
        tests.get(label, MISSING),
        rank,
        *_show_cost(comparison, label),
    )


def _show_cost(comparison: Comparison, label: str) -> tuple[str, str, str]:
    # Models that ran come first, and have costs.
    place = comparison.labels.index(label)
    if place >= len(comparison.costs.models):
        return MISSING, MISSING, MISSING
    cost = comparison.costs.models[place]
    return (
        MISSING if cost.parameters is None else f"{cost.parameters / MILLION:.1f}M",
        MISSING if cost.megabytes is None else f"{cost.megabytes:.0f}",
        MISSING if cost.texts_per_second is None else f"{cost.texts_per_second:.0f}",
    )


def _format_ranks(overall: OverallComparison) -> str:
    if not overall.ranks:
        return ""
    ranks = overall.ranks
    return (
        f"Ranks over {ranks.n_tasks} tasks: Friedman chi-square {ranks.chi_square:.2f}, "
        f"Iman-Davenport F {ranks.f_statistic:.2f}, p {ranks.p_value:.3g} (shuffles); average "
        f"ranks that differ by {ranks.critical_difference:.2f} or more are told apart (Nemenyi, "
        "0.05)."
    )


def _format_checks(comparison: Comparison) -> str:
    if not comparison.checks:
        return ""
    rows = [
        (
            check.model,
            check.task,
            check.split,
            check.subset,
            f"{check.score:.6f}",
            f"{check.published:.6f}",
            str(check.decimals),
            "agrees" if check.agrees else "DISAGREES",
        )
        for check in comparison.checks
    ]
    return "Published scores of the same models\n\n" + format_table(CHECK_HEADER, rows)


def _format_notes(comparison: Comparison) -> str:
    machine = comparison.costs.machine
    notes = list(comparison.notes)
    if machine:
        where = machine.get("gpu") or machine.get("cpu")
        notes.append(
            f"texts/s: the same texts of all models, on {where}, {machine.get('threads')} threads."
        )
    return "\n".join(notes)


def format_problems(comparison: Comparison) -> str:
    """Tell which files are damaged or foreign, and which scores disagree.

    Parameters
    ----------
    comparison : Comparison
        What was compared.

    Returns
    -------
    str
        A sentence per line; empty if there is nothing to tell.
    """
    disagreeing = [
        f"{check.model} disagrees with the published score of {check.task} ({check.split}, "
        f"{check.subset}): {check.score:.6f}, published {check.published:.6f}."
        for check in comparison.checks
        if not check.agrees
    ]
    return "\n".join([*comparison.damaged, *comparison.foreign, *disagreeing])


def to_json(comparison: Comparison) -> str:
    """Write a comparison for programs.

    Parameters
    ----------
    comparison : Comparison
        What was compared.

    Returns
    -------
    str
        A JSON object with the fields of `Comparison`; resampled scores are left out.
    """
    return json.dumps(_plain(comparison), indent=2, allow_nan=False)


def _plain(comparison: Comparison) -> dict[str, Any]:
    content = {name: getattr(comparison, name) for name in comparison.__dataclass_fields__}
    content["tasks"] = [
        {
            name: _fields(getattr(task, name))
            for name in task.__dataclass_fields__
            if name != "resampled"
        }
        for task in comparison.tasks
    ]
    return {name: _fields(value) for name, value in content.items()}


def _fields(value: Any) -> Any:
    """Turn records into what JSON has; it has no infinity."""
    if hasattr(value, "__dataclass_fields__"):
        return _fields(asdict(value))
    if isinstance(value, dict):
        return {str(name): _fields(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [_fields(part) for part in value]
    return None if value in (float("inf"), float("-inf")) else value
