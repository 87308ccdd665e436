"""Run models on tasks, one after another; what fails does not stop the others.

Which tasks are meant is found out in `mteb_selection`, one task is run in `mteb_task_run`.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from skencoder import EncoderVectorizer
from skencoder.checkpoints import locate_checkpoint
from skencoder.errors import ParameterError, SkencoderError

from .data_root import DataRoot, offline_datasets
from .errors import RunStoppedError
from .mteb_model import MTEBModel
from .mteb_results import ResultStore
from .mteb_search import MTEBSearcher, Searched
from .mteb_selection import TaskSelection
from .mteb_task_run import Adapter, ScoreRow, TaskRun, failed_run, label_model, run_task
from .mteb_tasks import TaskChoice
from .output_files import make_results_folder
from .task_progress import task_bar

__all__ = ["ScoreRow", "TaskRun", "run_mteb"]

logger = logging.getLogger(__name__)


def run_mteb(
    model: Any,
    tasks: Sequence[str] | TaskSelection,
    *,
    data_root: str | Path | None = None,
    subsets: Sequence[str] | None = None,
    precision: str = "float32",
    results: str | Path | None = None,
) -> list[TaskRun]:
    """Evaluate models on tasks of mteb.

    Parameters
    ----------
    model : MTEBModel, MTEBSearcher, EncoderVectorizer, estimator, str or path, or a list of these
        As `MTEBModel` takes it; an `MTEBSearcher`, or a `Searched` that is loaded when its turn
        comes, lets a retriever search in retrieval tasks, where mteb otherwise compares vectors
        itself. Several are run one after another.
    tasks : sequence of str or TaskSelection
        Names of tasks, or which tasks by benchmark, type and language.
    data_root : path, optional
        Folder which holds the data as ``data_root/<hub path>/...``; no data are then read from
        the network. By default mteb downloads them.
    subsets : sequence of str, optional
        Keep only these subsets of tasks that have several.
    precision : str, default="float32"
        Of models given by name.
    results : path, optional
        Folder for mteb's result files and, beside them, what the models did with each example.
        Tasks whose results for the same model and the same data are there are not run again. By
        default nothing is written.

    Returns
    -------
    list of TaskRun
        By model and task, in order, failed ones included.

    Raises
    ------
    UnknownTaskError
        If a task, benchmark, type, language or subset does not exist; nothing has been run then.
    RunStoppedError
        If it is stopped from the keyboard; holds what is finished.
    SkencoderError
        If a model is not there, or the data folder cannot be used.
    """
    selection = tasks if isinstance(tasks, TaskSelection) else TaskSelection(tasks)
    choices = replace(selection, subsets=subsets or selection.subsets).find()
    root = None if data_root is None else DataRoot(Path(data_root))
    store = None if results is None else _open_store(Path(results))
    sources = list(model) if isinstance(model, list | tuple) else [model]
    if not sources:
        raise ParameterError("model=[] names no model; expected at least one.")
    sources = [_check_model(source, precision) for source in sources]
    runs: list[TaskRun] = []
    with offline_datasets() if root else nullcontext(), _stopping(runs, sources, choices, store):
        with task_bar(len(sources) * len(choices)) as advance:
            for source in sources:
                try:
                    for run in _run_model(source, precision, choices, root, store):
                        runs.append(run)
                        advance()
                except SkencoderError as error:
                    if len(sources) == 1:
                        raise
                    # This one cannot be loaded, and the others still run.
                    runs += [failed_run(_name(source), one.make(), str(error)) for one in choices]
    return runs


def _open_store(folder: Path) -> ResultStore:
    make_results_folder(folder)
    return ResultStore(folder)


def _name(source: Any) -> str:
    found = source.encoder if isinstance(source, Searched) else source
    return str(found.model if isinstance(found, EncoderVectorizer) else found)


def _check_model(source: Any, precision: str) -> Any:
    """Find out before anything is run whether a model is there; large ones are loaded later."""
    found = source.encoder if isinstance(source, Searched) else source
    found = found.model if isinstance(found, EncoderVectorizer) else found
    if isinstance(found, str | Path):
        locate_checkpoint(found)
        return source
    return _adapt(source, precision)


def _adapt(source: Any, precision: str) -> Adapter:
    if isinstance(source, MTEBModel | MTEBSearcher):
        return source
    if isinstance(source, Searched):
        return MTEBSearcher(MTEBModel(source.encoder, precision=precision), source.retriever)
    return MTEBModel(source, precision=precision)


def _run_model(
    source: Any,
    precision: str,
    choices: Sequence[TaskChoice],
    root: DataRoot | None,
    store: ResultStore | None,
) -> Iterator[TaskRun]:
    """Run all tasks with one model; the next model is loaded when this one is let go."""
    adapter = _adapt(source, precision)
    name = label_model(adapter)
    for number, choice in enumerate(choices, start=1):
        logger.info("%s [%d/%d] %s ...", name, number, len(choices), choice.name)
        # A task made anew draws the same random numbers whatever ran before it.
        run = run_task(adapter, choice.make(), root=root, store=store)
        logger.info("  %s", _outcome(run))
        yield run


def _outcome(run: TaskRun) -> str:
    if run.error is not None:
        return "failed"
    return "found in the results" if run.stored else f"done in {run.seconds:.1f} s"


@contextmanager
def _stopping(
    runs: list[TaskRun], sources: Sequence[Any], choices: Sequence[Any], store: ResultStore | None
) -> Iterator[None]:
    """Say what is finished when the run is stopped from the keyboard."""
    try:
        yield
    except KeyboardInterrupt as stop:
        done = [run for run in runs if run.error is None]
        named = ", ".join(run.task for run in done) or "none"
        kept = (
            "nothing is kept, because no results folder was given (results, --results)"
            if store is None
            else f"they are kept in {store.cache.cache_path}, and the same call goes on from there"
        )
        total = len(sources) * len(choices)
        raise RunStoppedError(
            f"stopped; finished are {len(done)} of {total} ({named}); {kept}.", runs
        ) from stop
