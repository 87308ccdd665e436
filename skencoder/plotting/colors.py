"""Colours that colour-blind readers tell apart, and markers for those who see none."""

from typing import NamedTuple

# Okabe & Ito (2008), Color universal design, without its yellow, which is pale on white.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#000000", "#D55E00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#BBBBBB"
MOST_STYLES = len(COLORS) * len(MARKERS)


class Style(NamedTuple):
    """How the points of one label are drawn.

    Parameters
    ----------
    color : str
        As in HTML.
    marker : str
        As in matplotlib.
    """

    color: str
    marker: str


def style_of(rank: int) -> Style:
    """Choose colour and marker.

    Parameters
    ----------
    rank : int
        Of the label, from 0, below `MOST_STYLES`.

    Returns
    -------
    Style
        Different for each: the first seven differ in both colour and marker.
    """
    turn, color = divmod(rank, len(COLORS))
    return Style(COLORS[color], MARKERS[(color + turn) % len(MARKERS)])
