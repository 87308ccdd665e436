"""Keeps what a model did with each example beside mteb's result, in ``examples/<Task>.json``.

mteb hands predictions to a method of the task that writes them all to one file; here a method
in its place turns them into sets of examples as soon as they are there. Sets are added to a
draft one by one, so that a run that is killed loses none that mteb's result has; at the end
those whose statistic gives mteb's score become the file.
"""

import json
import logging
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import NoExamplesError, ResultFileError
from .example_readers import read_drawn_scores, read_predictions
from .output_files import write_whole
from .result_files import read_object
from .result_records import ExampleSet

if TYPE_CHECKING:
    from mteb.abstasks import AbsTask
    from mteb.results import TaskResult

logger = logging.getLogger(__name__)

FOLDER = "examples"
# mteb rounds some scores to five decimals.
TOLERANCE = 5e-5


class ExampleRecorder:
    """Collects the examples of one task.

    Parameters
    ----------
    task : mteb task
        Is told to hand its predictions to this recorder.
    result_path : path
        Where mteb writes the task's result.

    Attributes
    ----------
    path : path
        The file of examples.
    task : mteb task
        As given.
    """

    def __init__(self, task: "AbsTask", result_path: Path) -> None:
        self.task: Any = task
        self._absent: dict[tuple[str, str], str] = {}
        self.path = result_path.parent / FOLDER / f"{task.metadata.name}.json"
        self._draft = self.path.with_name(f".{self.path.name}l")
        # The method that mteb's tasks call; there is no public place to listen.
        vars(task)["_save_task_predictions"] = self._take

    def _take(
        self, predictions: Any, model: Any, folder: Any, hf_split: str, hf_subset: str
    ) -> None:
        """Stand in for the method of mteb's task that writes predictions."""
        try:
            sets = read_predictions(self.task, hf_split, hf_subset, predictions)
        except NoExamplesError as error:
            self._absent[hf_split, hf_subset] = str(error)
            return
        except Exception as error:  # a task may hold its data in a way of its own
            self._absent[hf_split, hf_subset] = f"{type(error).__name__}: {error}"
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        revision = {"data_revision": self.task.metadata.revision}
        with self._draft.open("a", encoding="utf-8") as stream:
            for examples in sets:
                # The last line may have been cut off where a process was killed.
                stream.write("\n" + json.dumps(_to_json(examples) | revision))

    def finish(self, result: "TaskResult") -> None:
        """Write the file of examples, and say what could not be kept.

        Parameters
        ----------
        result : TaskResult
            All of the task's scores, those of earlier runs included.
        """
        known = self._stored() | self._drafted()
        kept, reasons = [], set()
        for split, entries in result.scores.items():
            for entry in entries:
                place, score = (split, entry["hf_subset"]), float(entry["main_score"])
                drawn = read_drawn_scores(self.task, split, entry)
                found = known.get(place) if drawn is None else _to_json(drawn)
                if found is None:
                    reasons.add(self._absent.get(place, "mteb handed out no predictions"))
                elif not math.isclose(found["score"], score, rel_tol=0, abs_tol=TOLERANCE):
                    reasons.add(
                        f"their {found['statistic']} is {found['score']:.5f}, mteb's score is "
                        f"{score:.5f}"
                    )
                else:
                    kept.append(found | {"score": score})
        self._write(kept)
        self._draft.unlink(missing_ok=True)
        if reasons:
            logger.info(
                "  examples of %s are not kept for %s: %s",
                result.task_name,
                "some of its parts" if kept else "its score",
                "; ".join(sorted(reasons)),
            )

    def _stored(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Read the file that is there, if it is of the same data."""
        if not self.path.is_file():
            return {}
        try:
            content = read_object(self.path)
            sets = content["sets"] if content["data_revision"] == self._revision else []
            return {(one["split"], one["subset"]): one for one in sets}
        except (ResultFileError, KeyError, TypeError) as error:
            logger.warning("  %s is damaged and is written anew (%s)", self.path, error)
            return {}

    def _drafted(self) -> dict[tuple[str, str], dict[str, Any]]:
        if not self._draft.is_file():
            return {}
        sets = {}
        for line in filter(None, self._draft.read_text(encoding="utf-8").split("\n")):
            try:
                one = json.loads(line)
            except ValueError:
                continue  # the process that wrote it was killed within this line
            if one.pop("data_revision") == self._revision:
                sets[one["split"], one["subset"]] = one
        return sets

    @property
    def _revision(self) -> str:
        return str(self.task.metadata.revision)

    def _write(self, sets: list[dict[str, Any]]) -> None:
        if not sets:
            # What is there would belong to an older result.
            self.path.unlink(missing_ok=True)
            return
        metadata = self.task.metadata
        content = {
            "task": metadata.name,
            "metric": metadata.main_score,
            "data_revision": self._revision,
            "sets": sets,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, json.dumps(content))


def _to_json(examples: ExampleSet) -> dict[str, Any]:
    fields = {name: value for name, value in asdict(examples).items() if value is not None}
    arrays = {
        name: value.tolist() for name, value in fields.items() if isinstance(value, np.ndarray)
    }
    return fields | arrays
