"""The files of a results folder, one reader each; a file that is not as it should be is named.

Where the files are is the business of `results_folder`.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .errors import ResultFileError
from .result_records import (
    Encoding,
    ExampleSet,
    Figure,
    Measurement,
    RunLine,
    SubsetScore,
    TaskScores,
)

# Files of earlier versions have other fields; mteb knows them all.
READ_BY_MTEB = (2, 0)

Read = TypeVar("Read")


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        Its fields.

    Raises
    ------
    ResultFileError
        If it cannot be read, is not JSON, or is no object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise ResultFileError(f"{path} is damaged: {error}.") from error
    if not isinstance(content, dict):
        raise ResultFileError(f"{path} is damaged: expected an object, got {_kind(content)}.")
    return content


def read_scores(path: Path) -> TaskScores:
    """Read a file of scores; files of old versions of mteb are read by mteb.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    TaskScores
        Of one task.

    Raises
    ------
    ResultFileError
        If it is no result of mteb, or a main score is no finite number.
    """
    content = read_object(path)
    if _mteb_version(content) < READ_BY_MTEB:
        content = _read_by_mteb(path)
    try:
        return _read_task(content)
    except KeyError as error:
        raise ResultFileError(
            f"{path} is no result of mteb: there is no field {error}."
        ) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ResultFileError(f"{path} is no result of mteb: {error}.") from error


def _mteb_version(content: Mapping[str, Any]) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", str(content.get("mteb_version")))
    return tuple(map(int, found.groups())) if found else (0, 0)


def _read_by_mteb(path: Path) -> dict[str, Any]:
    """Let mteb bring an old file to the present form; to load it takes seconds."""
    from mteb.results import TaskResult

    try:
        return dict(TaskResult.from_disk(path).model_dump())
    except Exception as error:  # whatever mteb and its validation raise
        reason = " ".join(str(error).split())
        raise ResultFileError(f"{path} is no result of mteb: {reason}") from error


def _read_task(content: Mapping[str, Any]) -> TaskScores:
    rows = tuple(
        _read_subset(split, entry)
        for split, entries in content["scores"].items()
        for entry in entries
    )
    seconds = content.get("evaluation_time")
    return TaskScores(
        str(content["task_name"]),
        rows,
        str(content["dataset_revision"]),
        content.get("mteb_version"),
        None if seconds is None else float(seconds),
    )


def _read_subset(split: str, entry: Mapping[str, Any]) -> SubsetScore:
    score = entry["main_score"]
    if not _is_finite(score):
        raise ValueError(f"main_score of {split} is {score!r}")
    numbers = {name: float(value) for name, value in entry.items() if _is_number(value)}
    return SubsetScore(split, str(entry["hf_subset"]), float(score), numbers)


def read_examples(path: Path) -> tuple[str, tuple[ExampleSet, ...]]:
    """Read what a model did with each example of a task.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    (task, sets)
        Name of the task, and one set per split and subset.

    Raises
    ------
    ResultFileError
        If a field is missing, lengths differ, or a number is not finite.
    """
    content = read_object(path)
    return _guarded(path, lambda: (str(content["task"]), _read_sets(content["sets"])))


def _read_sets(entries: Any) -> tuple[ExampleSet, ...]:
    return tuple(_read_set(entry) for entry in entries)


def _read_set(entry: Mapping[str, Any]) -> ExampleSet:
    where = f"{entry['split']}, {entry['subset']}"
    ids = tuple(map(str, entry["ids"]))
    names = ("values",) if entry["statistic"] == "mean" else ("predictions", "targets")
    columns = {name: _read_column(name, entry[name], len(ids), where) for name in names}
    if len(set(ids)) < len(ids):
        raise ValueError(f"ids of {where} are not distinct")
    if not ids:
        raise ValueError(f"{where} has no example")
    return ExampleSet(
        entry["split"], entry["subset"], entry["statistic"], float(entry["score"]), ids, **columns
    )


def _read_column(name: str, cells: Any, length: int, where: str) -> NDArray[Any]:
    column = np.asarray(cells)
    if column.shape != (length,):
        raise ValueError(
            f"{name} of {where} have shape {column.shape}, but there are {length} ids"
        )
    if name == "values" or column.dtype.kind == "f":
        column = column.astype(np.float64)
        if not np.isfinite(column).all():
            raise ValueError(f"{name} of {where} hold a number that is not finite")
    return column


def read_runs(path: Path, damaged: list[str]) -> list[RunLine]:
    """Read how runs were made.

    Parameters
    ----------
    path : Path
        A file with a JSON object on each line.
    damaged : list of str
        Gets a sentence for each line that cannot be read; the others still are.

    Returns
    -------
    list of RunLine
        In the order of the file.
    """
    runs = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            if line.strip():
                runs.append(_guarded(f"{path}, line {number},", partial(_read_run, line)))
        except ResultFileError as error:
            damaged.append(str(error))
    return runs


def _read_run(line: bytes) -> RunLine:
    entry = json.loads(line)
    encoding = tuple(
        Encoding(
            part["split"],
            part["subset"],
            int(part["n_texts"]),
            # Earlier versions did not count them apart.
            int(part.get("n_encoded", part["n_texts"])),
            int(part["n_truncated"]),
            float(part["seconds"]),
        )
        for part in entry.get("encoding", ())
    )
    seconds = entry.get("evaluation_seconds")
    return RunLine(
        entry["task"],
        dict(entry.get("settings") or {}),
        None if seconds is None else float(seconds),
        encoding,
        dict(entry.get("versions") or {}),
        dict(entry.get("machine") or {}),
        entry,
    )


def read_measurement(path: Path) -> Measurement:
    """Read a file of perplexity or bias.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Measurement
        Its kind and its figures.

    Raises
    ------
    ResultFileError
        If a field is missing.
    """
    content = read_object(path)
    return _guarded(
        path,
        lambda: Measurement(
            path.stem,
            str(content["kind"]),
            {name: _read_figure(name, entry) for name, entry in content["figures"].items()},
            content,
        ),
    )


def _read_figure(name: str, entry: Mapping[str, Any]) -> Figure:
    if not _is_finite(entry["value"]):
        raise ValueError(f"figure {name} is {entry['value']!r}")
    low, high = entry.get("low"), entry.get("high")
    return Figure(
        float(entry["value"]),
        float(low) if low is not None else None,
        float(high) if high is not None else None,
    )


def _guarded(path: Path | str, read: Callable[[], Read]) -> Read:
    try:
        return read()
    except KeyError as error:
        raise ResultFileError(f"{path} is damaged: there is no field {error}.") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ResultFileError(f"{path} is damaged: {error}.") from error


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_finite(value: Any) -> bool:
    return _is_number(value) and math.isfinite(value)


def _kind(value: Any) -> str:
    return type(value).__name__
