"""How a loss falls: one line per training."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .speed_plot import DOTS_PER_INCH

WIDTH, HEIGHT = 6.4, 3.6  # inches
COLOURS = ("#1f6fb4", "#d9a05b", "#5a9367", "#8b5fa8")
LEVEL_COLOUR = "#6e6e6e"
# A point of a line is a mean over about this part of the steps, or lines would hide each other.
SMOOTHED_PART = 50


@dataclass(frozen=True)
class Curve:
    """The course of a training.

    Parameters
    ----------
    name : str
        For the legend.
    x : sequence of float of length n_steps
        How far it had come.
    y : sequence of float of length n_steps
        Its loss.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]


def plot_curves(
    curves: Sequence[Curve], path: Path, *, x: str, y: str, level: tuple[str, float] | None = None
) -> None:
    """Draw trainings.

    Parameters
    ----------
    curves : sequence of Curve
        One line each.
    path : path
        File to write, its suffix decides on the format.
    x, y : str
        Names of the axes.
    level : tuple of (str, float), optional
        A dashed line to compare with, and its name.
    """
    from matplotlib.figure import Figure

    # A figure of its own, without pyplot, leaves the user's backend and open figures alone.
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    axes = figure.subplots()
    for curve, colour in zip(curves, COLOURS, strict=False):
        axes.plot(*_smooth(curve), color=colour, label=curve.name, linewidth=1.4)
    if level is not None:
        axes.axhline(level[1], color=LEVEL_COLOUR, linestyle="--", linewidth=1, label=level[0])
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_xlim(left=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=DOTS_PER_INCH)


def _smooth(curve: Curve) -> tuple[list[float], list[float]]:
    pieces = np.array_split(np.arange(len(curve.x)), min(SMOOTHED_PART, len(curve.x)))
    x, y = np.asarray(curve.x), np.asarray(curve.y)
    return [float(x[piece].mean()) for piece in pieces], [
        float(y[piece].mean()) for piece in pieces
    ]
