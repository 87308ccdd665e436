"""Quality against speed and size: which models no other beats in both."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .speed_plot import DOTS_PER_INCH, OWN_COLOUR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL_WIDTH, NAMES_WIDTH, HEIGHT = 4.6, 2.4, 4.0  # inches
BEATEN_COLOUR = "#9a9a9a"
# Part of an axis within which two numbers cover each other.
NEAR = 0.04


@dataclass(frozen=True)
class ParetoPoint:
    """A model in the picture.

    Parameters
    ----------
    label : str
        The model.
    cost : float
        What the horizontal axis shows.
    quality : float
        What the vertical axis shows; higher is better.
    low, high : float or None
        Interval of the quality.
    """

    label: str
    cost: float
    quality: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ParetoPanel:
    """One panel of the picture.

    Parameters
    ----------
    title : str
        Of the horizontal axis.
    more_is_better : bool
        Of the horizontal axis.
    points : tuple of ParetoPoint
        The models.
    """

    title: str
    more_is_better: bool
    points: tuple[ParetoPoint, ...]


def pareto_front(points: Sequence[ParetoPoint], *, more_is_better: bool) -> list[ParetoPoint]:
    """Find the points that no other beats in one respect without losing in the other.

    Parameters
    ----------
    points : sequence of ParetoPoint
        Models.
    more_is_better : bool
        Whether a larger ``cost`` is better, as with speed.

    Returns
    -------
    list of ParetoPoint
        From the best in cost to the best in quality.
    """
    sign = 1 if more_is_better else -1
    front: list[ParetoPoint] = []
    for point in sorted(points, key=lambda point: (-sign * point.cost, -point.quality)):
        if not front or point.quality > front[-1].quality:
            front.append(point)
    return front


def plot_pareto(panels: Sequence[ParetoPanel], quality: str, path: Path) -> None:
    """Draw quality against costs.

    Parameters
    ----------
    panels : sequence of ParetoPanel
        Side by side; at least one.
    quality : str
        Title of the vertical axis.
    path : path
        File to write, its suffix decides on the format.
    """
    from matplotlib.figure import Figure

    # Names would cover each other, so points have numbers, the best model the first.
    known = {point.label: point.quality for panel in panels for point in panel.points}
    names = sorted(known, key=lambda label: -known[label])
    # A figure of its own, without pyplot, leaves the user's backend and open figures alone.
    figure = Figure(
        figsize=(PANEL_WIDTH * len(panels) + NAMES_WIDTH, HEIGHT), layout="constrained"
    )
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for panel, drawn in zip(axes, panels, strict=True):
        _draw_panel(panel, drawn, names)
    axes[0].set_ylabel(quality)
    rows = [f"{number}  {label}" for number, label in enumerate(names, 1)]
    blank = axes[0].plot([], [], linestyle="none")[0]
    figure.legend(
        [blank] * len(rows), rows, loc="outside right upper", frameon=False, handlelength=0
    )
    figure.savefig(path, dpi=DOTS_PER_INCH)


def _draw_panel(axes: "Axes", panel: ParetoPanel, names: Sequence[str]) -> None:
    front = pareto_front(panel.points, more_is_better=panel.more_is_better)
    axes.plot(
        [point.cost for point in front],
        [point.quality for point in front],
        color=OWN_COLOUR,
        linewidth=1,
        linestyle="--",
    )
    for point in panel.points:
        colour, level = (OWN_COLOUR, 3) if point in front else (BEATEN_COLOUR, 2)
        if point.low is not None and point.high is not None:
            axes.plot(
                [point.cost] * 2, [point.low, point.high], color=colour, linewidth=1, zorder=level
            )
        axes.plot(point.cost, point.quality, "o", color=colour, zorder=level)
    for group in _close_together(panel.points):
        numbers = ", ".join(str(names.index(point.label) + 1) for point in group)
        place = (group[0].cost, group[0].quality)
        axes.annotate(numbers, place, xytext=(5, 4), textcoords="offset points")
    axes.set_xscale("log")
    axes.margins(x=0.1, y=0.08)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(panel.title)


def _close_together(points: Sequence[ParetoPoint]) -> list[list[ParetoPoint]]:
    """Group points whose numbers would cover each other, best first."""
    logs = [math.log(point.cost) for point in points]
    width = max(logs) - min(logs)
    height = max(p.quality for p in points) - min(p.quality for p in points)
    groups: list[list[ParetoPoint]] = []
    for point in sorted(points, key=lambda point: -point.quality):
        for group in groups:
            near = abs(math.log(point.cost / group[0].cost)) <= NEAR * width
            if near and group[0].quality - point.quality <= NEAR * height:
                group.append(point)
                break
        else:
            groups.append([point])
    return groups
