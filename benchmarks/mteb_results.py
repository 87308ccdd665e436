"""mteb's result files in a folder of the user's choice, and beside them how each run was made.

mteb's files hold the scores, the model's record and the data's revision. What they have no
field for (precision, machine, versions of this package, texts per second, cut texts) goes to
one line per run in ``skencoder_runs.jsonl``.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import mteb
from filelock import FileLock, Timeout

from .environment import describe_machine, package_versions
from .model_meta import all_settings
from .results_folder import RUNS_FILE

if TYPE_CHECKING:
    from mteb.abstasks import AbsTask
    from mteb.models.model_meta import ModelMeta
    from mteb.results import TaskResult

    from .mteb_model import MTEBModel
    from .mteb_search import MTEBSearcher

logger = logging.getLogger(__name__)


class ResultStore:
    """A folder of results.

    Parameters
    ----------
    folder : path
        Created if it is not there; mteb writes to ``folder/results/<model>/<revision>/``.

    Attributes
    ----------
    cache : ResultCache
        The same folder as mteb sees it.
    """

    def __init__(self, folder: Path) -> None:
        self.cache = mteb.ResultCache(folder)

    def load(self, task: "AbsTask", meta: "ModelMeta") -> "TaskResult | None":
        """Look for a result of the same model on the same data.

        Parameters
        ----------
        task : mteb task
            Its data revision has to agree.
        meta : ModelMeta
            The model's record; name, revision and settings have to agree.

        Returns
        -------
        TaskResult or None
            May lack some of the task's splits and subsets.
        """
        try:
            stored = self.cache.load_task_result(task.metadata.name, meta)
        except Exception as error:  # whatever mteb and its validation raise
            reason = " ".join(str(error).split())
            path = self.path_of(task, meta)
            logger.warning("  %s is damaged, the task is run again (%s)", path, reason)
            return None
        return stored if stored is not None and stored.is_mergeable(task) else None

    def path_of(self, task: "AbsTask", meta: "ModelMeta") -> Path:
        """Tell where mteb writes a result.

        Parameters
        ----------
        task : mteb task
            The task.
        meta : ModelMeta
            The model's record.

        Returns
        -------
        path
            The file, which need not be there.
        """
        return self.cache.get_task_result_path(task.metadata.name, meta)

    @contextmanager
    def locked(self, task: "AbsTask", meta: "ModelMeta") -> Iterator[None]:
        """Keep other processes from running the same task with the same model until the end.

        Whoever comes second waits, and finds the result there.

        Parameters
        ----------
        task : mteb task
            The task.
        meta : ModelMeta
            The model's record.

        Yields
        ------
        None
            Nothing.
        """
        folder = self.path_of(task, meta).parent
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f".{task.metadata.name}.lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            logger.info("  waits for another process that runs it")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def note(self, task: "AbsTask", model: "MTEBModel | MTEBSearcher", *, seconds: float) -> None:
        """Append how a run was made to the file beside its result.

        Parameters
        ----------
        task : mteb task
            The task that was run.
        model : MTEBModel or MTEBSearcher
            The model that was run.
        seconds : float
            Wall time of the evaluation.
        """
        name, meta = task.metadata.name, model.mteb_model_meta
        entry = {
            "task": name,
            "model": meta.name,
            "model_fingerprint": meta.revision,
            "settings": all_settings(model.estimator),
            "data_revision": task.metadata.revision,
            "evaluation_seconds": seconds,
            "encoding": [
                {"split": split, "subset": subset, **asdict(record)}
                for (_, split, subset), record in model.records.items()
            ],
            "versions": package_versions(),
            "machine": describe_machine(),
        }
        path = self.path_of(task, meta).parent / RUNS_FILE
        with path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry, default=str) + "\n")
