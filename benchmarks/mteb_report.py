"""What `run_mteb` found out, as a table to read; nothing is evaluated here."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .tables import MISSING, format_table

if TYPE_CHECKING:
    from .mteb_task_run import ScoreRow, TaskRun

MODEL = ("model",)
HEADER = ("task", "split", "subset", "main score", "metric", "encode s", "texts/s", "cut texts")


def format_runs(runs: Sequence["TaskRun"]) -> str:
    """Show the main score of every split and subset.

    Parameters
    ----------
    runs : sequence of TaskRun
        Tasks in order; one that failed has a line that says so. Where there are several models,
        the first column names them.

    Returns
    -------
    str
        A table. Seconds and texts per second are those of encoding; cut texts are those longer
        than the model's limit. A stored result has none of these.
    """
    several = _has_several_models(runs)
    rows = [((run.model,) if several else ()) + cells for run in runs for cells in _lines(run)]
    return format_table((MODEL if several else ()) + HEADER, rows)


def _has_several_models(runs: Sequence["TaskRun"]) -> bool:
    return len({run.model for run in runs}) > 1


def _lines(run: "TaskRun") -> Iterator[tuple[str, ...]]:
    if run.error is not None:
        yield (run.task, MISSING, MISSING, "failed", run.metric, MISSING, MISSING, MISSING)
    for row in run.rows:
        yield (run.task, row.split, row.subset, f"{row.score:.4f}", run.metric, *_effort(run, row))


def _effort(run: "TaskRun", row: "ScoreRow") -> tuple[str, str, str]:
    record = row.record
    if record is None:
        return ("stored" if run.stored else MISSING, MISSING, MISSING)
    return (f"{record.seconds:.1f}", f"{record.texts_per_second:.0f}", str(record.n_truncated))


def format_failures(runs: Sequence["TaskRun"]) -> str:
    """Say why tasks failed.

    Parameters
    ----------
    runs : sequence of TaskRun
        Tasks in order.

    Returns
    -------
    str
        One paragraph per failed task; empty if none failed.
    """
    several = _has_several_models(runs)
    return "\n".join(
        f"{f'{run.model}, ' if several else ''}{run.task} failed: {run.error}"
        for run in runs
        if run.error is not None
    )
