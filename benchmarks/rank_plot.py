"""Average ranks as a critical-difference picture: models that no test tells apart are joined.

After Demsar (2006), Statistical comparisons of classifiers over multiple data sets, JMLR 7.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .ranks import groups_not_told_apart
from .speed_plot import DOTS_PER_INCH, OWN_COLOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from .ranks import Ranks

WIDTH, HEIGHT, LINE_HEIGHT, MARGIN = 8.0, 1.5, 0.3, 0.55  # inches, ranks
FIRST_NAME, NAME_STEP = 1.0, 1.0
GROUP_STEP, END = 0.28, 0.06


def plot_ranks(labels: "Sequence[str]", ranks: "Ranks", path: Path) -> None:
    """Draw average ranks.

    Parameters
    ----------
    labels : sequence of str of length n_models
        The models.
    ranks : Ranks
        In the same order.
    path : path
        File to write, its suffix decides on the format.
    """
    from matplotlib.figure import Figure

    groups = groups_not_told_apart(ranks.average, ranks.critical_difference)
    rows = (len(labels) + 1) // 2
    height = HEIGHT + LINE_HEIGHT * (rows + GROUP_STEP * len(groups))
    # A figure of its own, without pyplot, leaves the user's backend and open figures alone.
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots()
    top = 0.35 + GROUP_STEP * len(groups)
    _draw_scale(axes, len(labels), ranks)
    _draw_names(axes, labels, ranks, top)
    _draw_groups(axes, groups, ranks)
    axes.set_ylim(top + NAME_STEP * rows, -2.1)
    axes.set_axis_off()
    figure.savefig(path, dpi=DOTS_PER_INCH)


def _draw_scale(axes: "Axes", n_models: int, ranks: "Ranks") -> None:
    axes.plot([1, n_models], [0, 0], color="black", linewidth=1)
    for rank in range(1, n_models + 1):
        axes.plot([rank, rank], [0, -0.2], color="black", linewidth=1)
        axes.text(rank, -0.3, str(rank), ha="center", va="bottom", fontsize="small")
    # A difference wider than the scale is drawn as wide as the scale, and told.
    reach = min(ranks.critical_difference, n_models - 1)
    wider = "" if reach == ranks.critical_difference else ", wider than the scale"
    axes.errorbar(1 + reach / 2, -1.25, xerr=reach / 2, color="black", capsize=3, linewidth=1)
    axes.text(
        1 + reach / 2,
        -1.4,
        f"critical difference {ranks.critical_difference:.2f}{wider} ({ranks.n_tasks} tasks)",
        ha="center",
        va="bottom",
        fontsize="small",
    )


def _draw_names(axes: "Axes", labels: "Sequence[str]", ranks: "Ranks", top: float) -> None:
    """Put the better half on the left, the others on the right, lines never crossing."""
    n_models = len(labels)
    order = np.argsort(ranks.average, kind="stable")
    n_left = (n_models + 1) // 2
    for place, row in enumerate(order):
        on_left = place < n_left
        level = top + NAME_STEP * (place if on_left else n_models - 1 - place) + 0.4
        edge = 1 - MARGIN / 2 if on_left else n_models + MARGIN / 2
        rank = ranks.average[row]
        axes.plot([rank, rank, edge], [0, level, level], color="#6e6e6e", linewidth=1)
        axes.plot(rank, 0, "o", color=OWN_COLOUR, markersize=4, zorder=3)
        name = f"{labels[row]}  {rank:.2f}" if on_left else f"{rank:.2f}  {labels[row]}"
        side = "right" if on_left else "left"
        axes.annotate(
            name,
            (edge, level),
            xytext=(-4 if on_left else 4, 0),
            textcoords="offset points",
            ha=side,
            va="center",
            fontsize="small",
        )


def _draw_groups(axes: "Axes", groups: "Sequence[tuple[int, ...]]", ranks: "Ranks") -> None:
    for place, group in enumerate(groups, 1):
        reach = [ranks.average[group[0]] - END, ranks.average[group[-1]] + END]
        level = GROUP_STEP * place
        axes.plot(reach, [level, level], color=OWN_COLOUR, linewidth=4, solid_capstyle="butt")
