"""A chart of a scaling run: time and memory by texts, time by length, speed by threads."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from .engines import BASELINE
from .speed_plot import BASELINE_COLOUR, DOTS_PER_INCH, OWN_COLOUR
from .speed_scaling_report import MEBIBYTE, Curve, Point, ScalingReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (9.0, 7.0)  # inches
MARKERS = "os^D"


def plot_scaling(report: ScalingReport, path: Path) -> None:
    """Draw a scaling run.

    Parameters
    ----------
    report : ScalingReport
        What was measured.
    path : path
        File to write, its suffix decides on the format.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    (time, memory), (length, threads) = figure.subplots(2, 2)
    _draw(time, report.texts, _seconds, ("texts", "seconds"))
    time.set(xscale="log", yscale="log", title="number of texts: time")
    _draw(memory, report.texts, _mebibytes, ("texts", "MiB beyond the weights"))
    memory.set(xscale="log", ylim=(0, None), title="number of texts: peak memory")
    _draw(length, report.lengths, _microseconds, ("tokens of a text", "microseconds per token"))
    length.set_xscale("log", base=2)
    length.set(ylim=(0, None), title="length of texts: time per token")
    _draw(threads, report.threads, _rate, ("threads", "tokens per second"))
    threads.set(ylim=(0, None), title="threads: speed")
    threads.set_xticks(sorted({p.size for curve in report.threads for p in curve.points}))
    handles, labels = time.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    machine = report.machine
    where = machine["gpu"] or machine["cpu"]
    figure.suptitle(f"{report.settings['model']} on {where}", fontsize="medium")
    figure.savefig(path, dpi=DOTS_PER_INCH)


def _draw(
    panel: "Axes",
    curves: Sequence[Curve],
    value: Callable[[Point], float],
    labels: tuple[str, str],
) -> None:
    for index, curve in enumerate(curves):
        panel.plot(
            [point.size for point in curve.points],
            [value(point) for point in curve.points],
            marker=MARKERS[index % len(MARKERS)],
            color=BASELINE_COLOUR if curve.engine == BASELINE else OWN_COLOUR,
            alpha=1 / (1 + 0.5 * max(0, index - 1)),
            label=curve.engine,
        )
    panel.set_xlabel(labels[0])
    panel.set_ylabel(labels[1])
    panel.spines[["top", "right"]].set_visible(False)


def _seconds(point: Point) -> float:
    return median(point.seconds)


def _mebibytes(point: Point) -> float:
    return float("nan") if point.peak_bytes is None else point.peak_bytes / MEBIBYTE


def _microseconds(point: Point) -> float:
    return point.microseconds_per_token


def _rate(point: Point) -> float:
    return point.tokens / median(point.seconds)
