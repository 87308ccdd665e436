"""What a scaling run found out, as data, as JSON and as tables; nothing is measured here."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from .tables import MISSING, format_table

MEBIBYTE = 1024**2


@dataclass(frozen=True)
class Point:
    """One measurement of a curve.

    Parameters
    ----------
    size : int
        Texts, tokens of a text, or threads.
    n_texts, tokens : int
        What was encoded.
    seconds : tuple of float
        Wall time of each round.
    peak_bytes : int or None
        Most private memory beyond what is in use between calls.
    """

    size: int
    n_texts: int
    tokens: int
    seconds: tuple[float, ...]
    peak_bytes: int | None

    @property
    def microseconds_per_token(self) -> float:
        """Median time by token."""
        return median(self.seconds) / self.tokens * 1e6


@dataclass(frozen=True)
class Curve:
    """How the cost of one engine grows.

    Parameters
    ----------
    engine : str
        Name of the engine.
    points : tuple of Point
        By growing size.
    exponent : float or None
        Slope of log time against log size: for the number of texts 1 is linear growth, for
        their length (the same tokens altogether) 0, for threads -1 is ideal. None for a single
        point.
    """

    engine: str
    points: tuple[Point, ...]
    exponent: float | None


@dataclass(frozen=True)
class ScalingReport:
    """Everything a scaling run found out.

    Parameters
    ----------
    settings : dict
        What was asked for.
    machine : dict
        As `environment.describe_machine` gives it.
    versions : dict
        As `environment.package_versions` gives it.
    texts, lengths, threads : tuple of Curve
        By number of texts, tokens of a text (the same tokens altogether), and threads.
    left_out : dict of str to str
        What could not be measured, and why.
    """

    settings: dict[str, Any]
    machine: dict[str, Any]
    versions: dict[str, str | None]
    texts: tuple[Curve, ...]
    lengths: tuple[Curve, ...]
    threads: tuple[Curve, ...]
    left_out: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Write everything as JSON.

        Returns
        -------
        str
            Indented, with a final newline.
        """
        return json.dumps(asdict(self), indent=2, default=str) + "\n"


def format_scaling(report: ScalingReport) -> str:
    """Show the figures of a scaling run.

    Parameters
    ----------
    report : ScalingReport
        What was measured.

    Returns
    -------
    str
        Three tables, the exponents, and what was left out.
    """
    machine, settings = report.machine, report.settings
    parts = [f"{settings['model']} on {machine['gpu'] or machine['cpu']}"]
    parts += [_format_curves("short texts, by their number", "texts", report.texts)]
    title = "the same number of tokens in texts of different length"
    parts += [_format_curves(title, "tokens of a text", report.lengths)]
    parts += [_format_curves("mixed texts, by threads", "threads", report.threads)]
    left_out = [f"left out: {name}, {reason}" for name, reason in report.left_out.items()]
    return "\n\n".join([*parts, *left_out])


def _format_curves(title: str, size: str, curves: Sequence[Curve]) -> str:
    header = ("engine", size, "seconds", "tokens/s", "peak MiB")
    rows = [_point_row(curve.engine, point) for curve in curves for point in curve.points]
    exponents = ", ".join(
        f"{curve.engine} {curve.exponent:.2f}" for curve in curves if curve.exponent is not None
    )
    lines = [title, format_table(header, rows)]
    return "\n".join([*lines, f"time grows with the power: {exponents}"] if exponents else lines)


def _point_row(engine: str, point: Point) -> tuple[str, ...]:
    seconds = median(point.seconds)
    peak = MISSING if point.peak_bytes is None else f"{point.peak_bytes / MEBIBYTE:.0f}"
    return engine, str(point.size), f"{seconds:.3f}", f"{point.tokens / seconds:.0f}", peak
