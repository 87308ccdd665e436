"""Run one task with one model through mteb, take a stored result, or say why neither worked."""

import logging
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import mteb
from sklearn.exceptions import UndefinedMetricWarning

from .data_root import DataRoot
from .encoding_record import EncodingRecord
from .errors import UnreadableDataError
from .failures import tell_failure
from .mteb_examples import ExampleRecorder
from .mteb_model import MTEBModel
from .mteb_results import ResultStore
from .mteb_search import MTEBSearcher

if TYPE_CHECKING:
    from mteb.abstasks import AbsTask
    from mteb.results import TaskResult

logger = logging.getLogger(__name__)

Adapter = MTEBModel | MTEBSearcher


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
    """What one task gave with one model.

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
    model : str, default=""
        Name of the model.
    """

    task: str
    metric: str
    rows: tuple[ScoreRow, ...] = ()
    result: "TaskResult | None" = None
    error: str | None = None
    stored: bool = False
    seconds: float = 0.0
    model: str = ""


def run_task(
    model: Adapter, task: "AbsTask", *, root: DataRoot | None, store: ResultStore | None
) -> TaskRun:
    """Run one task; whatever goes wrong inside becomes the run's error.

    Parameters
    ----------
    model : MTEBModel or MTEBSearcher
        The model.
    task : mteb task
        Is left as it is where there is a data root.
    root : DataRoot or None
        Where the data are; None lets mteb download them.
    store : ResultStore or None
        Where results are kept; None keeps nothing.

    Returns
    -------
    TaskRun
        Scores, or an error.
    """
    try:
        bound = root.bind(task) if root else task
        if store is None:
            return _evaluate(model, bound, store=None, stored=None)
        with store.locked(bound, model.mteb_model_meta):
            return _run_stored(model, bound, store)
    except Exception as error:  # a task's data and code are not ours, and the others still run
        logger.debug("%s failed", task.metadata.name, exc_info=True)
        return failed_run(label_model(model), task, tell_failure(error))


def label_model(model: Adapter) -> str:
    """Name a model so that it is told from the same one with other settings.

    Parameters
    ----------
    model : MTEBModel or MTEBSearcher
        The model.

    Returns
    -------
    str
        Its name with the settings that set it apart, and with the start of its revision where
        the name is that of classes only.
    """
    meta = model.mteb_model_meta
    settings = [f"{name}={value}" for name, value in (meta.experiment_kwargs or {}).items()]
    revision = f"@{str(meta.revision)[:7]}" if str(meta.name).startswith("sklearn/") else ""
    return f"{meta.name}{revision}" + (f" [{', '.join(settings)}]" if settings else "")


def failed_run(model: str, task: "AbsTask", error: str) -> TaskRun:
    """Say that a task failed.

    Parameters
    ----------
    model : str
        Name of the model.
    task : mteb task
        The task.
    error : str
        Why it failed.

    Returns
    -------
    TaskRun
        Without scores.
    """
    return TaskRun(task.metadata.name, task.metadata.main_score, error=error, model=model)


def _run_stored(model: Adapter, task: "AbsTask", store: ResultStore) -> TaskRun:
    stored = store.load(task, model.mteb_model_meta)
    if stored is None or stored.get_missing_evaluations(task):
        return _evaluate(model, task, store=store, stored=stored)
    model.records.clear()
    return TaskRun(
        task.metadata.name,
        task.metadata.main_score,
        _rows(task, stored, model),
        stored,
        stored=True,
        model=label_model(model),
    )


def _evaluate(
    model: Adapter,
    task: "AbsTask",
    *,
    store: ResultStore | None,
    stored: "TaskResult | None",
) -> TaskRun:
    model.records.clear()
    _load_data(task)
    recorders = _record(model, task, store) if store else []
    start = time.perf_counter()
    with warnings.catch_warnings():
        # A label that a model never gives is 0 in its score; every training draw would say so.
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        outcome = mteb.evaluate(
            model,
            task,
            cache=store.cache if store else None,
            # mteb would take a complete stored result whatever data it was made with.
            overwrite_strategy="only-missing" if stored else "always",
            co2_tracker=False,
            show_progress_bar=False,
            # Asks for predictions; the recorders keep them and nothing is written there.
            prediction_folder=recorders[0].path.parent if recorders else None,
        )
    seconds = time.perf_counter() - start
    result = outcome.task_results[0]
    rows = _rows(task, result, model)
    if store:
        store.note(task, model, seconds=seconds)
        for recorder in recorders:
            own = store.load(recorder.task, model.mteb_model_meta) if task.is_aggregate else result
            if own is not None:
                recorder.finish(own)
    return TaskRun(
        task.metadata.name,
        task.metadata.main_score,
        rows,
        result,
        seconds=seconds,
        model=label_model(model),
    )


def _record(model: Adapter, task: "AbsTask", store: ResultStore) -> list[ExampleRecorder]:
    """Have the examples of a task, or of each task that it combines, recorded."""
    parts: Sequence[AbsTask] = getattr(task.metadata, "tasks", [task])
    return [ExampleRecorder(part, store.path_of(part, model.mteb_model_meta)) for part in parts]


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


def _rows(task: "AbsTask", result: "TaskResult", model: Adapter) -> tuple[ScoreRow, ...]:
    """Pick the main scores of the splits and subsets that were asked for."""
    return tuple(
        ScoreRow(
            split,
            entry["hf_subset"],
            float(entry["main_score"]),
            model.records.get((task.metadata.name, split, entry["hf_subset"])),
        )
        for split, entries in result.scores.items()
        for entry in entries
        if task.is_aggregate
        or (split in task.eval_splits and entry["hf_subset"] in task.hf_subsets)
    )
