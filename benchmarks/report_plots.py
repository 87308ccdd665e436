"""The pictures of a report: scores with intervals, average ranks, quality against cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from .pareto_plot import ParetoPanel, ParetoPoint, pareto_front
from .ranks import Ranks, groups_not_told_apart
from .report_content import Picture
from .report_svg import (
    LETTER,
    WIDTH,
    drawing,
    element,
    label,
    log_ticks,
    shorten,
    shortened,
    ticks,
)

MARGIN, ROW, FOOT = 14.0, 38.0, 34.0
DOT = 5
# Of a scatter plot.
LEFT, RIGHT, TOP, HEIGHT, LINE = 52.0, 16.0, 16.0, 300.0, 15.0
SHIFTS = (0, *(sign * step / 2 for step in range(1, 17) for sign in (-1, 1)))
LONGEST_LABEL = 180.0


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
class _Axis:
    """From numbers to places, in a straight line."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
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
    axis = _Axis(*_widen(min(ends + marked), max(ends + marked)), MARGIN, WIDTH - MARGIN)
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


def _widen(low: float, high: float) -> tuple[float, float]:
    extra = (high - low) * 0.08 or abs(high) * 0.05 or 0.5
    return low - extra, high + extra


def _tell(bar: Bar) -> str:
    known = bar.low is not None and bar.high is not None
    shown = bar.shown or f"{bar.value:.4f}"
    return f"{shown} ({bar.low:.4f} to {bar.high:.4f})" if known else shown


def _scale(axis: _Axis, bottom: float) -> list[str]:
    parts = []
    for tick in ticks(axis.low, axis.high):
        x = axis.place(tick)
        parts.append(element("line", x1=x, x2=x, y1=0, y2=bottom, class_="grid"))
        parts.append(label(f"{tick:.6g}", x, bottom + 18, class_="tick", anchor="middle"))
    return parts


def _draw_bar(axis: _Axis, bar: Bar, top: float) -> list[str]:
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
    axis, bottom = _Axis(0.8, len(labels) + 0.2, MARGIN, right), len(order) * ROW + 8
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


def draw_pareto(name: str, panel: ParetoPanel, quality: str) -> Picture:
    """Draw quality against a cost; a line joins the models that none beats in both.

    Parameters
    ----------
    name : str
        Of the picture.
    panel : ParetoPanel
        The models; every cost is above 0.
    quality : str
        What the vertical axis shows.

    Returns
    -------
    Picture
        With the horizontal axis logarithmic.
    """
    points = panel.points
    lows = [p.quality if p.low is None else p.low for p in points]
    highs = [p.quality if p.high is None else p.high for p in points]
    low, high = _widen(*(log10(f(p.cost for p in points)) for f in (min, max)))
    x_axis = _Axis(low, high, LEFT, WIDTH - RIGHT)
    y_axis = _Axis(*_widen(min(lows), max(highs)), TOP + HEIGHT, TOP)
    front = pareto_front(points, more_is_better=panel.more_is_better)
    parts = [*_pareto_scales(x_axis, y_axis), *_pareto_titles(panel.title, quality)]
    line = " ".join(
        f"{x_axis.place(log10(p.cost)):.1f},{y_axis.place(p.quality):.1f}" for p in front
    )
    parts.append(element("polyline", points=line, class_="front"))
    parts += _pareto_points(x_axis, y_axis, points, front)
    title = f"{quality[:1].upper()}{quality[1:]} against {panel.title}"
    told = "; ".join(f"{p.label} {p.quality:.4f} at {p.cost:.4g}" for p in points)
    told = f"{told}. Beaten by none in both: {', '.join(p.label for p in front)}."
    return Picture(name, title, told, drawing(name, title, told, TOP + HEIGHT + 52, parts))


def _pareto_scales(x_axis: _Axis, y_axis: _Axis) -> list[str]:
    parts = []
    for tick in log_ticks(10**x_axis.low, 10**x_axis.high):
        x = x_axis.place(log10(tick))
        parts.append(element("line", x1=x, x2=x, y1=TOP, y2=TOP + HEIGHT, class_="grid"))
        parts.append(label(f"{tick:g}", x, TOP + HEIGHT + 18, class_="tick", anchor="middle"))
    for tick in ticks(y_axis.low, y_axis.high):
        y = y_axis.place(tick)
        parts.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(label(f"{tick:.4g}", LEFT - 6, y + 4, class_="tick", anchor="end"))
    return parts


def _pareto_titles(cost: str, quality: str) -> list[str]:
    middle = (LEFT + WIDTH - RIGHT) / 2
    return [
        label(cost, middle, TOP + HEIGHT + 40, class_="axis", anchor="middle"),
        label(quality, LEFT, TOP - 4, class_="axis"),
    ]


def _pareto_points(
    x_axis: _Axis, y_axis: _Axis, points: Sequence[ParetoPoint], front: Sequence[ParetoPoint]
) -> list[str]:
    parts, taken = [], []
    places = [(x_axis.place(log10(p.cost)), y_axis.place(p.quality), p) for p in points]
    for x, y, point in places:
        y1, y2 = y, y
        if point.low is not None and point.high is not None:
            y1, y2 = y_axis.place(point.high), y_axis.place(point.low)
            parts.append(element("line", x1=x, x2=x, y1=y1, y2=y2, class_="interval"))
        class_ = "dot" if point in front else "beaten"
        parts.append(element("circle", cx=x, cy=y, r=DOT, class_=class_))
        taken.append(_Box(x - DOT, min(y1, y - DOT), x + DOT, max(y2, y + DOT)))
    for x, y, point in sorted(places, key=lambda place: place[1]):
        parts.append(_place_label(point.label, x, y, taken))
    return parts


@dataclass(frozen=True)
class _Box:
    """What stands in a drawing already."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "_Box") -> bool:
        beside = self.right < other.left or other.right < self.left
        return not (beside or self.bottom < other.top or other.bottom < self.top)


def _place_label(text: str, x: float, y: float, taken: list[_Box]) -> str:
    """Write a name beside its point, moved to where nothing else stands, if there is such."""
    on_right = x < WIDTH / 2
    shown = shorten(text, min(LONGEST_LABEL, (WIDTH - x if on_right else x) - 12))
    width = LETTER * len(shown)
    left = x + 9 if on_right else x - 9 - width
    boxes = [
        _Box(left, level, left + width, level + LINE)
        for shift in SHIFTS
        if TOP <= (level := y - LINE / 2 + shift * LINE) <= TOP + HEIGHT - LINE
    ]
    free = (box for box in boxes if not any(box.meets(other) for other in taken))
    box = next(free, boxes[0])
    taken.append(box)
    return element(
        "text",
        shortened(text, shown),
        x=x + 9 if on_right else x - 9,
        y=box.top + LINE - 3,
        class_="label",
        text_anchor="start" if on_right else "end",
    )
