"""A results folder as a report; how it is written stands in `report_html` and `report_text`."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from skencoder.errors import ParameterError

from .compare import Comparison, run_compare
from .compare_settings import CompareSettings
from .report_content import Report, Section
from .report_measurements import measurement_sections
from .report_provenance import machine_section, repeat_section
from .report_scores import score_sections, summarize_scores
from .report_speed import speed_section
from .result_records import ModelResults, Results
from .results_folder import read_results
from .speed_file import read_speed


def run_report(
    folder: str | Path,
    settings: CompareSettings | None = None,
    *,
    title: str | None = None,
    speed: Sequence[str | Path] = (),
) -> Report:
    """Gather everything in a results folder: scores compared, perplexity, bias, how it was made.

    Parameters
    ----------
    folder : str or Path
        What was given to ``--results``.
    settings : CompareSettings, optional
        Which models and tasks, and how strictly scores are compared.
    title : str, optional
        Of the report; by default the folder's name.
    speed : sequence of str or Path, optional
        Files that ``speed --json`` wrote.

    Returns
    -------
    Report
        To be written as HTML, Markdown or LaTeX.

    Raises
    ------
    MissingDataError
        If there are no results, or no such file of speed.
    ParameterError
        If a model or a task is not there.
    ResultFileError
        If a file of speed is damaged.
    """
    timed = [(Path(path), read_speed(Path(path))) for path in speed]
    results = read_results(folder)
    labels, models = _choose(results, settings)
    has_scores = any(model.tasks for model in results.models)
    if settings and not has_scores:
        _check_names(results, settings, models)
    comparison = run_compare(folder, settings) if has_scores else None
    sections = [
        _summary(labels, models, comparison, results.foreign),
        *(score_sections(comparison) if comparison else ()),
        *measurement_sections(labels, models),
        *([speed_section(timed)] if timed else ()),
        machine_section(labels, models),
        repeat_section(str(folder), models),
    ]
    heading = title or f"Text encoders: {Path(folder).name}"
    return Report(heading, tuple(sections), tuple(_problems(results, comparison)))


def _choose(
    results: Results, settings: CompareSettings | None
) -> tuple[list[str], list[ModelResults]]:
    """Find the chosen models; names that are in a published table only are left to `compare`."""
    wanted = settings.models if settings else None
    kept = [
        (label, model)
        for label, model in zip(results.labels, results.models, strict=True)
        if wanted is None
        or {label, model.name, model.name.rpartition("/")[2]}.intersection(wanted)
    ]
    return [label for label, _ in kept], [model for _, model in kept]


def _check_names(results: Results, settings: CompareSettings, models: list[ModelResults]) -> None:
    """Refuse names that nothing bears; where there are scores, `compare` does."""
    if settings.tasks:
        raise ParameterError(
            f"tasks={settings.tasks[0]!r}: there is no task in {results.folder}, only perplexity "
            "and bias; leave --tasks out."
        )
    if not models:
        raise ParameterError(
            f"models={(settings.models or [''])[0]!r} is not in {results.folder}; there are "
            f"{', '.join(map(repr, results.labels))}."
        )


def _summary(
    labels: Iterable[str],
    models: list[ModelResults],
    comparison: Comparison | None,
    foreign: Iterable[str],
) -> Section:
    tasks = {task for model in models for task in model.tasks}
    counts = {
        "task": len(tasks),
        "measurement of perplexity": sum(len(model.perplexity) for model in models),
        "measurement of bias": sum(len(model.bias) for model in models),
    }
    told = [f"{_list(labels)}: {_list(_counted(counts))}."]
    if comparison:
        told += summarize_scores(comparison)
    return Section("summary", "Summary", (*told, *foreign))


def _counted(counts: Mapping[str, int]) -> list[str]:
    return [
        f"{count} {what if count == 1 else what.replace('task', 'tasks').replace('ment', 'ments')}"
        for what, count in counts.items()
        if count
    ]


def _list(parts: Iterable[str]) -> str:
    *most, last = list(parts) or ["nothing"]
    return f"{', '.join(most)} and {last}" if most else last


def _problems(results: Results, comparison: Comparison | None) -> list[str]:
    checks = comparison.checks if comparison else ()
    disagreeing = [
        f"{check.model} disagrees with the published score of {check.task} ({check.split}, "
        f"{check.subset}): {check.score:.6f}, published {check.published:.6f}."
        for check in checks
        if not check.agrees
    ]
    return [*results.damaged, *disagreeing]
