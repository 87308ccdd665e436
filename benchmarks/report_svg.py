"""Pieces of an SVG drawing as text; colours are the page's own, and follow light and dark.

Drawings are `WIDTH` wide, so that their letters can still be read on a telephone.
"""

from collections.abc import Iterable
from html import escape
from math import ceil, floor, log10

WIDTH = 380
LETTER = 7.4  # width of a letter at the size of the labels, about
STEPS = (1, 2, 2.5, 5, 10)
SHORTEST = 4


def element(tag: str, content: Iterable[str] | str = (), **attributes: object) -> str:
    """Write an element.

    Parameters
    ----------
    tag : str
        Its name.
    content : iterable of str, or str
        Elements, already written; or a text, which is escaped.
    **attributes : object
        Its attributes; a trailing underscore is dropped, others become hyphens, and numbers are
        rounded to a tenth.

    Returns
    -------
    str
        Escaped.
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_show(value))}"'
        for name, value in attributes.items()
    )
    inner = escape(content) if isinstance(content, str) else "".join(content)
    return f"<{tag}{written}>{inner}</{tag}>"


def _show(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def drawing(name: str, title: str, description: str, height: float, parts: Iterable[str]) -> str:
    """Put parts together, with words for those who cannot see them.

    Parameters
    ----------
    name : str
        Short, unique in the page.
    title, description : str
        What it shows, and what can be seen.
    height : float
        In units of which it is `WIDTH` wide.
    parts : iterable of str
        Elements.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    head = [
        element("title", title, id=f"{name}-title"),
        element("desc", description, id=f"{name}-desc"),
    ]
    return element(
        "svg",
        [*head, *parts],
        viewBox=f"0 0 {WIDTH} {height:.0f}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )


def label(text: str, x: float, y: float, *, class_: str = "label", anchor: str = "start") -> str:
    """Write a label, cut where it would not fit; the whole text shows where one points.

    Parameters
    ----------
    text : str
        Its text.
    x, y : float
        Where it is anchored.
    class_ : str, default="label"
        Of the style sheet.
    anchor : {"start", "middle", "end"}, default="start"
        Which end is there.

    Returns
    -------
    str
        A ``<text>`` element.
    """
    room = {"start": WIDTH - x, "end": x}.get(anchor, WIDTH)
    inner = shortened(text, shorten(text, room))
    return element("text", inner, x=x, y=y, class_=class_, text_anchor=anchor)


def shortened(text: str, shown: str) -> list[str]:
    """Write what is shown of a text, and where one points, all of it.

    Parameters
    ----------
    text, shown : str
        All, and what is shown.

    Returns
    -------
    list of str
        What stands in a ``<text>`` element.
    """
    whole = [element("title", text)] if shown != text else []
    return [*whole, escape(shown)]


def shorten(text: str, room: float) -> str:
    """Cut a text to what fits.

    Parameters
    ----------
    text : str
        The text.
    room : float
        Units there are.

    Returns
    -------
    str
        It, or its beginning and an ellipsis.
    """
    most = max(SHORTEST, int(room / LETTER))
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Choose round numbers in a range.

    Parameters
    ----------
    low, high : float
        The range; high is larger.
    about : int, default=5
        How many are wanted.

    Returns
    -------
    list of float
        Multiples of 1, 2, 2.5 or 5 times a power of ten.
    """
    raw = (high - low) / about
    power = 10.0 ** floor(log10(raw))
    step = next(power * factor for factor in STEPS if power * factor >= raw * (1 - 1e-9))
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [place * step for place in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Choose round numbers in a range of a logarithmic axis.

    Parameters
    ----------
    low, high : float
        The range, above 0.

    Returns
    -------
    list of float
        1, 2 and 5 times powers of ten; powers alone where there would be many, and evenly spaced
        ones where there would be one.
    """
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    many = len(powers) > len(STEPS) - 1
    found = [factor * 10.0**p for p in powers for factor in ((1,) if many else (1, 2, 5))]
    inside = [tick for tick in found if low <= tick <= high]
    return inside if len(inside) > 1 else ticks(low, high, about=4)
