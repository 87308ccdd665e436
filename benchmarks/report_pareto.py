"""Quality against cost as a picture of a report; names are put where nothing else stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from .pareto_plot import ParetoPanel, ParetoPoint, pareto_front
from .report_content import Picture
from .report_plots import DOT, Axis, widen
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

LEFT, RIGHT, TOP, HEIGHT, LINE = 52.0, 16.0, 16.0, 300.0, 15.0
# Lines that a name may be moved up or down.
SHIFTS = (0, *(sign * step / 2 for step in range(1, 17) for sign in (-1, 1)))
LONGEST_LABEL = 180.0


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
    low, high = widen(*(log10(f(p.cost for p in points)) for f in (min, max)))
    x_axis = Axis(low, high, LEFT, WIDTH - RIGHT)
    y_axis = Axis(*widen(min(lows), max(highs)), TOP + HEIGHT, TOP)
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


def _pareto_scales(x_axis: Axis, y_axis: Axis) -> list[str]:
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
    x_axis: Axis, y_axis: Axis, points: Sequence[ParetoPoint], front: Sequence[ParetoPoint]
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
