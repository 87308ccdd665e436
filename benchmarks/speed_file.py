"""The file that ``speed --json`` writes, read again."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .errors import MissingDataError, ResultFileError
from .result_files import read_object
from .speed_report import EngineMemory, GemmSpeed, SetSpeed, SpeedReport
from .speed_statistics import EngineSpeed, Rounds


def read_speed(path: Path) -> SpeedReport:
    """Read what a speed run found out.

    Parameters
    ----------
    path : path
        What was given to ``speed --json``.

    Returns
    -------
    SpeedReport
        As the run gave it.

    Raises
    ------
    MissingDataError
        If there is no such file.
    ResultFileError
        If it is damaged, or of another command.
    """
    if not path.is_file():
        raise MissingDataError(f"speed: there is no file {path}; `speed --json` writes one.")
    content = read_object(path)
    if "sets" not in content:
        raise ResultFileError(
            f"{path} has no field 'sets'; expected what `speed --json` writes, without --scaling."
        )
    try:
        report = _read(content)
        _check(asdict(report))
    except (KeyError, TypeError, ValueError) as error:
        raise ResultFileError(f"{path} is damaged: {error}.") from error
    return report


def _read(content: Mapping[str, Any]) -> SpeedReport:
    read = {
        "sets": tuple(_read_set(entry) for entry in content["sets"]),
        "latency": tuple(Rounds(**_tuples(entry)) for entry in content["latency"]),
        "memory": tuple(EngineMemory(**_tuples(entry)) for entry in content["memory"]),
    }
    report = SpeedReport(**{**content, **read})
    for name in ("settings", "machine", "versions", "left_out"):
        if not isinstance(getattr(report, name), dict):
            raise TypeError(f"{name} is no object")
    return report


def _read_set(entry: Mapping[str, Any]) -> SetSpeed:
    engines = tuple(EngineSpeed(**_tuples(one)) for one in entry["engines"])
    if not engines:
        raise ValueError("a set of texts without an engine")
    gemm = tuple(GemmSpeed(**_tuples(one)) for one in entry["gemm"])
    return SetSpeed(**{**entry, "engines": engines, "gemm": gemm})


def _tuples(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(cell) if isinstance(cell, list) else cell for key, cell in entry.items()}


def _check(report: Mapping[str, Any]) -> None:
    """Refuse a figure that is no finite number; names and descriptions may be anything."""
    figures = {
        *("n_texts", "median_tokens", "ratio", "ratio_low", "ratio_high", "texts_per_second"),
        *("slowest", "fastest", "worst_cosine", "mean_cosine", "gemm_share", "peak_bytes"),
        "seconds",
    }
    # None is what was not measured.
    optional = {"gemm_share", "peak_bytes"}
    entries = [*report["sets"], *report["latency"], *report["memory"]]
    entries += [engine for one in report["sets"] for engine in one["engines"]]
    for entry in entries:
        for name in figures.intersection(entry):
            cells = entry[name] if isinstance(entry[name], tuple) else (entry[name],)
            for cell in cells:
                if not _is_figure(cell) and not (cell is None and name in optional):
                    raise ValueError(f"{name} is {cell!r}, expected a finite number")


def _is_figure(cell: object) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell)
