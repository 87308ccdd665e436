"""A chart of a speed run: one panel per set of texts, one bar per engine."""

from pathlib import Path
from typing import TYPE_CHECKING

from skencoder.errors import ParameterError

from .engines import BASELINE, ENGINES, OWN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .speed_report import SetSpeed, SpeedReport

SUFFIXES = (".png", ".svg", ".pdf")
BASELINE_COLOUR, OWN_COLOUR, PEER_COLOUR = "#6e6e6e", "#1f6fb4", "#d9a05b"
PANEL_WIDTH, BAR_HEIGHT, MARGIN_HEIGHT = 4.8, 0.36, 1.5  # inches
DOTS_PER_INCH = 150


def check_plot_path(path: Path) -> None:
    """Refuse a chart file that could not be written after the measurement.

    Parameters
    ----------
    path : path
        Where the chart shall go.

    Raises
    ------
    ParameterError
        If the suffix is not one of a picture format, or the folder does not exist.
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    import matplotlib  # noqa: F401

    if path.suffix not in SUFFIXES:
        raise ParameterError(f"plot={str(path)!r}: expected a name that ends in {SUFFIXES}.")


def plot_speed(report: "SpeedReport", path: Path) -> None:
    """Draw a speed run.

    Parameters
    ----------
    report : SpeedReport
        What was measured.
    path : path
        File to write, its suffix decides on the format.
    """
    from matplotlib.figure import Figure

    n_engines = max(len(measured.engines) for measured in report.sets)
    width = PANEL_WIDTH * len(report.sets) + 2  # for the names
    size = (width, BAR_HEIGHT * n_engines + MARGIN_HEIGHT)
    # A figure of its own, without pyplot, leaves the user's backend and open figures alone.
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(1, len(report.sets), squeeze=False)[0]
    for panel, measured in zip(axes, report.sets, strict=True):
        _draw_set(panel, measured)
    for panel in axes[1:]:
        panel.set_yticklabels([])
    figure.suptitle(_title(report), fontsize="medium")
    figure.savefig(path, dpi=DOTS_PER_INCH)


def _title(report: "SpeedReport") -> str:
    machine = report.machine
    where = machine["gpu"] or machine["cpu"]
    return (
        f"{report.settings['model']} on {where}, {machine['threads']} threads; in brackets: "
        f"times as fast as {BASELINE} in float32"
    )


def colour_of(engine: str) -> str:
    """Choose the colour of an engine.

    Parameters
    ----------
    engine : str
        Name of the engine.

    Returns
    -------
    str
        Grey for the baseline, blue for this package, sand for the others.
    """
    if engine == BASELINE:
        return BASELINE_COLOUR
    entry = ENGINES.get(engine)
    return OWN_COLOUR if entry is not None and entry.library == OWN else PEER_COLOUR


def _draw_set(panel: "Axes", measured: "SetSpeed") -> None:
    speeds = measured.engines
    rates = [speed.texts_per_second for speed in speeds]
    spread = [
        [speed.texts_per_second - speed.slowest for speed in speeds],
        [speed.fastest - speed.texts_per_second for speed in speeds],
    ]
    names = [speed.engine for speed in speeds]
    colours = [colour_of(name) for name in names]
    panel.barh(names, rates, xerr=spread, color=colours, capsize=2, error_kw={"linewidth": 0.8})
    for row, speed in enumerate(speeds):
        label = f" {speed.texts_per_second:.0f}  ({speed.ratio:.2f}x)"
        panel.text(speed.fastest, row, label, va="center", fontsize="small")
    panel.invert_yaxis()
    panel.margins(x=0.45, y=0.02)
    panel.set_xlim(left=0)
    panel.spines[["top", "right"]].set_visible(False)
    panel.set_xlabel("texts per second: median, slowest and fastest round")
    panel.set_title(
        f"{measured.name}: median {measured.median_tokens:.0f} tokens", fontsize="medium"
    )
