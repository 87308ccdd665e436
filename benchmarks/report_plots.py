"""The pictures of a report: numbers with intervals, and average ranks.

Quality against cost is drawn in `report_pareto`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .ranks import Ranks, groups_not_told_apart
from .report_content import Picture
from .report_svg import (
    LETTER,
    WIDTH,
    drawing,
    element,
    label,
    shorten,
    shortened,
    ticks,
)

MARGIN, ROW, FOOT = 14.0, 38.0, 34.0
DOT = 5


@dataclass(frozen=True)
class Bar:
    """A number with its interval.

    Parameters
    ----------
    label : str
        What it is of.
    value : float
        The number.
    low, high : float or None
        Its interval, if there is one.
    shown : str
        The number in words.
    """

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    shown: str = ""


@dataclass(frozen=True)
class Axis:
    """From numbers to places, in a straight line.

    Parameters
    ----------
    low, high : float
        Numbers at both ends.
    start, end : float
        Their places.
    """

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """Say where a number stands.

        Parameters
        ----------
        value : float
            The number.

        Returns
        -------
        float
            In units of the drawing.
        """
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def draw_intervals(
    name: str, title: str, bars: Sequence[Bar], *, reference: float | None = None
) -> Picture:
    """Draw numbers and their intervals below each other.

    Parameters
    ----------
    name, title : str
        Of the picture.
    bars : sequence of Bar
        At least one, drawn in this order.
    reference : float, optional
        A number to mark, such as 0 for no effect.

    Returns
    -------
    Picture
        With the numbers in its description.
    """
    marked = [] if reference is None else [reference]
    ends = [v for bar in bars for v in (bar.value, bar.low, bar.high) if v is not None]
    axis = Axis(*widen(min(ends + marked), max(ends + marked)), MARGIN, WIDTH - MARGIN)
    bottom = len(bars) * ROW + 8
    parts = _scale(axis, bottom)
    if reference is not None:
        x = axis.place(reference)
        parts.append(element("line", x1=x, x2=x, y1=0, y2=bottom, class_="reference"))
    for row, bar in enumerate(bars):
        parts += _draw_bar(axis, bar, row * ROW)
    told = "; ".join(f"{bar.label} {_tell(bar)}" for bar in bars)
    svg = drawing(name, title, told, bottom + FOOT, parts)
    return Picture(name, title, told, svg)


def widen(low: float, high: float) -> tuple[float, float]:
    """Leave room at both ends of a range.

    Parameters
    ----------
    low, high : float
        The range; both may be the same.

    Returns
    -------
    (low, high)
        A range of some width.
    """
    extra = (high - low) * 0.08 or abs(high) * 0.05 or 0.5
    return low - extra, high + extra


def _tell(bar: Bar) -> str:
    known = bar.low is not None and bar.high is not None
    shown = bar.shown or f"{bar.value:.4f}"
    return f"{shown} ({bar.low:.4f} to {bar.high:.4f})" if known else shown


def _scale(axis: Axis, bottom: float) -> list[str]:
    parts = []
    for tick in ticks(axis.low, axis.high):
        x = axis.place(tick)
        parts.append(element("line", x1=x, x2=x, y1=0, y2=bottom, class_="grid"))
        parts.append(label(f"{tick:.6g}", x, bottom + 18, class_="tick", anchor="middle"))
    return parts


def _draw_bar(axis: Axis, bar: Bar, top: float) -> list[str]:
    y, shown = top + 26, bar.shown or f"{bar.value:.4f}"
    room = WIDTH - 2 * MARGIN - LETTER * (len(shown) + 2)
    parts = [
        _name(bar.label, MARGIN, top + 14, room),
        label(shown, WIDTH - MARGIN, top + 14, class_="value", anchor="end"),
    ]
    if bar.low is not None and bar.high is not None:
        x1, x2 = axis.place(bar.low), axis.place(bar.high)
        parts.append(element("line", x1=x1, x2=x2, y1=y, y2=y, class_="interval"))
    parts.append(element("circle", cx=axis.place(bar.value), cy=y, r=DOT, class_="dot"))
    return parts


def _name(text: str, x: float, y: float, room: float) -> str:
    return element("text", shortened(text, shorten(text, room)), x=x, y=y, class_="label")


def draw_ranks(name: str, labels: Sequence[str], ranks: Ranks) -> Picture:
    """Draw average ranks; a line joins models that no test tells apart.

    Parameters
    ----------
    name : str
        Of the picture.
    labels : sequence of str of length n_models
        The models.
    ranks : Ranks
        In the same order.

    Returns
    -------
    Picture
        Best model first.

    References
    ----------
    .. [1] Demsar (2006), Statistical comparisons of classifiers over multiple data sets, JMLR 7.
    """
    order = sorted(range(len(labels)), key=lambda row: ranks.average[row])
    groups = groups_not_told_apart(ranks.average, ranks.critical_difference)
    right = WIDTH - MARGIN - 12.0 * len(groups)
    axis, bottom = Axis(0.8, len(labels) + 0.2, MARGIN, right), len(order) * ROW + 8
    parts = []
    for rank in range(1, len(labels) + 1):
        x = axis.place(rank)
        parts.append(element("line", x1=x, x2=x, y1=0, y2=bottom, class_="grid"))
        parts.append(label(str(rank), x, bottom + 18, class_="tick", anchor="middle"))
    for place, row in enumerate(order):
        text, shown = labels[row], f"{ranks.average[row]:.2f}"
        room = right - MARGIN - LETTER * (len(shown) + 2)
        parts += [
            _name(text, MARGIN, place * ROW + 14, room),
            label(shown, right, place * ROW + 14, class_="value", anchor="end"),
            element(
                "circle",
                cx=axis.place(ranks.average[row]),
                cy=place * ROW + 26,
                r=DOT,
                class_="dot",
            ),
        ]
    for column, group in enumerate(groups, 1):
        x, rows = right + 12.0 * column, [order.index(row) for row in group]
        y1, y2 = min(rows) * ROW + 12, max(rows) * ROW + 28
        parts.append(element("line", x1=x, x2=x, y1=y1, y2=y2, class_="group"))
    title = f"Average ranks over {ranks.n_tasks} tasks (1 is best)"
    told = _tell_ranks(labels, ranks, order, groups)
    return Picture(name, title, told, drawing(name, title, told, bottom + FOOT, parts))


def _tell_ranks(
    labels: Sequence[str], ranks: Ranks, order: Sequence[int], groups: Sequence[tuple[int, ...]]
) -> str:
    told = "; ".join(f"{labels[row]} {ranks.average[row]:.2f}" for row in order)
    joined = "; ".join(" and ".join(labels[row] for row in group) for group in groups)
    apart = f"Not told apart: {joined}." if groups else "All are told apart."
    return f"{told}. Critical difference {ranks.critical_difference:.2f}, Nemenyi, 0.05. {apart}"
