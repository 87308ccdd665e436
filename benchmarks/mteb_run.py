"""Run tasks one after another through mteb; a task that fails does not stop the others.

mteb evaluates and writes its own result files. Here tasks are pointed at local data, stored
results are checked against the data's revision, and what each task gave is collected.
"""

import logging
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mteb

from skencoder.errors import SkencoderError

from .data_root import DataRoot, offline_datasets
from .errors import UnreadableDataError
from .mteb_model import EncodingRecord, MTEBModel
from .mteb_results import ResultStore
from .mteb_search import MTEBSearcher
from .mteb_tasks import make_task

if TYPE_CHECKING:
    from mteb.abstasks import AbsTask
    from mteb.results import TaskResult

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScoreRow:
    """The main score of one split and subset.

    Parameters
    ----------
    split : str
        Split of the task.
    subset : str
        Subset of the task, ``"default"`` where there is only one.
    score : float
        Main score, as mteb defines it for the task.
    record : EncodingRecord, optional
        What encoding its texts took; None where the result was stored.
    """

    split: str
    subset: str
    score: float
    record: EncodingRecord | None = None


@dataclass(frozen=True)
class TaskRun:
    """What one task gave.

    Parameters
    ----------
    task : str
        Name of the task.
    metric : str
        Name of the task's main score.
    rows : tuple of ScoreRow, default=()
        Main scores; empty if the task failed.
    result : TaskResult, optional
        All scores in mteb's own form; None if the task failed.
    error : str, optional
        Why the task failed.
    stored : bool, default=False
        Whether the result was read from the results folder instead of being run.
    seconds : float, default=0.0
        Wall time of the evaluation without loading the data.
    """

    task: str
    metric: str
    rows: tuple[ScoreRow, ...] = ()
    result: "TaskResult | None" = None
    error: str | None = None
    stored: bool = False
    seconds: float = 0.0


def run_mteb(
    model: Any,
    tasks: Sequence[str],
    *,
    data_root: str | Path | None = None,
    subsets: Sequence[str] | None = None,
    precision: str = "float32",
    results: str | Path | None = None,
) -> list[TaskRun]:
    """Evaluate a model on tasks of mteb.

    Parameters
    ----------
    model : MTEBModel, MTEBSearcher, EncoderVectorizer, estimator, str or path
        As `MTEBModel` takes it; an `MTEBSearcher` lets a retriever search in retrieval tasks,
        where mteb otherwise compares vectors itself.
    tasks : sequence of str
        Names of tasks.
    data_root : path, optional
        Folder which holds the data as ``data_root/<hub path>/...``; no data are then read from
        the network. By default mteb downloads them.
    subsets : sequence of str, optional
        Keep only these subsets of tasks that have several.
    precision : str, default="float32"
        Of a model given by name.
    results : path, optional
        Folder for mteb's result files. Tasks whose results for the same model and the same data
        are there are not run again. By default nothing is written.

    Returns
    -------
    list of TaskRun
        In the order of `tasks`, failed ones included.

    Raises
    ------
    UnknownTaskError
        If a task or subset does not exist; nothing has been run then.
    SkencoderError
        If the model or the data folder cannot be used.
    """
    for name in tasks:
        make_task(name, subsets=subsets)
    root = None if data_root is None else DataRoot(Path(data_root))
    store = None if results is None else ResultStore(Path(results))
    is_ready = isinstance(model, MTEBModel | MTEBSearcher)
    adapter = model if is_ready else MTEBModel(model, precision=precision)
    runs = []
    with offline_datasets() if root else nullcontext():
        for number, name in enumerate(tasks, start=1):
            logger.info("[%d/%d] %s ...", number, len(tasks), name)
            # A task made anew draws the same random numbers whatever ran before it.
            task = make_task(name, subsets=subsets)
            runs.append(_run_safely(adapter, task, root=root, store=store))
            logger.info("  %s", _outcome(runs[-1]))
    return runs


def _outcome(run: TaskRun) -> str:
    if run.error is not None:
        return "failed"
    return "found in the results" if run.stored else f"done in {run.seconds:.1f} s"


def _run_safely(
    model: MTEBModel | MTEBSearcher,
    task: "AbsTask",
    *,
    root: DataRoot | None,
    store: ResultStore | None,
) -> TaskRun:
    """Run one task; whatever goes wrong inside becomes the run's error."""
    name, metric = task.metadata.name, task.metadata.main_score
    try:
        return _run_task(model, root.bind(task) if root else task, store=store)
    except Exception as error:  # a task's data and code are not ours, and the others still run
        kind = "" if isinstance(error, SkencoderError) else f"{type(error).__name__}: "
        logger.debug("%s failed", name, exc_info=True)
        return TaskRun(name, metric, error=f"{kind}{error}")


def _run_task(
    model: MTEBModel | MTEBSearcher, task: "AbsTask", *, store: ResultStore | None
) -> TaskRun:
    name, metric = task.metadata.name, task.metadata.main_score
    model.records.clear()
    stored = store.load(task, model.mteb_model_meta) if store else None
    if stored and not stored.get_missing_evaluations(task):
        return TaskRun(name, metric, _rows(task, stored, model), stored, stored=True)
    _load_data(task)
    start = time.perf_counter()
    outcome = mteb.evaluate(
        model,
        task,
        cache=store.cache if store else None,
        # mteb would take a complete stored result whatever data it was made with.
        overwrite_strategy="only-missing" if stored else "always",
        co2_tracker=False,
        show_progress_bar=False,
    )
    seconds = time.perf_counter() - start
    result = outcome.task_results[0]
    rows = _rows(task, result, model)
    if store:
        store.note(task, model, seconds=seconds)
    return TaskRun(name, metric, rows, result, seconds=seconds)


def _load_data(task: "AbsTask") -> None:
    """Load the data before mteb does, so that a fault in the data is told from one in the run."""
    if task.is_aggregate:
        return
    try:
        task.load_data()
    except Exception as error:
        path = task.metadata.dataset["path"]
        raise UnreadableDataError(
            f"the data at {path} could not be loaded ({type(error).__name__}: {error}). If only "
            "some of the task's subsets are there, name them (subsets, --subsets)."
        ) from error


def _rows(
    task: "AbsTask", result: "TaskResult", model: MTEBModel | MTEBSearcher
) -> tuple[ScoreRow, ...]:
    """Pick the main scores of the subsets that were asked for."""
    return tuple(
        ScoreRow(
            split,
            entry["hf_subset"],
            float(entry["main_score"]),
            model.records.get((task.metadata.name, split, entry["hf_subset"])),
        )
        for split, entries in result.scores.items()
        for entry in entries
        if task.is_aggregate or entry["hf_subset"] in task.hf_subsets
    )
