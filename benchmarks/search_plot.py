"""The figures of a search run as a chart: how fast, and how much of what is near is found."""

from pathlib import Path
from typing import TYPE_CHECKING

from .search_engines import BASELINE, ENGINES, OWN
from .search_report import SearchReport, SetSearch
from .speed_plot import (
    BAR_HEIGHT,
    BASELINE_COLOUR,
    DOTS_PER_INCH,
    MARGIN_HEIGHT,
    OWN_COLOUR,
    PANEL_WIDTH,
    PEER_COLOUR,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_search(report: SearchReport, path: Path) -> None:
    """Draw a search run.

    Parameters
    ----------
    report : SearchReport
        What was measured.
    path : path
        File to write, its suffix decides on the format.
    """
    from matplotlib.figure import Figure

    n_engines = max(len(measured.engines) for measured in report.sets)
    size = (PANEL_WIDTH * len(report.sets) + 2, BAR_HEIGHT * n_engines + MARGIN_HEIGHT)
    # A figure of its own, without pyplot, leaves the user's backend and open figures alone.
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(1, len(report.sets), squeeze=False)[0]
    for panel, measured in zip(axes, report.sets, strict=True):
        _draw_set(panel, measured)
    machine = report.machine
    figure.suptitle(
        f"{machine['cpu']}, {machine['threads']} threads; in brackets: times as fast as plain "
        f"{BASELINE}, and recall",
        fontsize="medium",
    )
    figure.savefig(path, dpi=DOTS_PER_INCH)


def _draw_set(panel: "Axes", measured: SetSearch) -> None:
    speeds = measured.engines
    rates = [speed.queries_per_second for speed in speeds]
    spread = [
        [speed.queries_per_second - speed.slowest for speed in speeds],
        [speed.fastest - speed.queries_per_second for speed in speeds],
    ]
    names, colours = zip(*((s.engine, _colour_of(s.engine)) for s in speeds), strict=True)
    panel.barh(names, rates, xerr=spread, color=colours, capsize=2, error_kw={"linewidth": 0.8})
    for row, speed in enumerate(speeds):
        label = f" {speed.queries_per_second:.0f}  ({speed.rounds.ratio:.1f}x, {speed.recall:.3f})"
        panel.text(speed.fastest, row, label, va="center", fontsize="small")
    panel.invert_yaxis()
    panel.set_xscale("log")
    panel.margins(x=0.6, y=0.02)
    panel.spines[["top", "right"]].set_visible(False)
    panel.set_xlabel("queries per second: median, slowest and fastest round")
    panel.set_title(
        f"{measured.name}: {measured.n_documents} documents, {measured.n_features} dimensions",
        fontsize="medium",
    )


def _colour_of(engine: str) -> str:
    if engine == BASELINE:
        return BASELINE_COLOUR
    return OWN_COLOUR if ENGINES[engine].library == OWN else PEER_COLOUR
