"""Axes to draw on, without pyplot: no window, no global state, no backend is chosen."""

from io import BytesIO
from typing import TYPE_CHECKING, Any

from skencoder.errors import MissingExtraError, ParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def open_axes(ax: Any, size: tuple[float, float]) -> "Axes":
    """Give the axes to draw on.

    Parameters
    ----------
    ax : matplotlib Axes or None
        The user's own; None makes a figure.
    size : tuple of 2 float
        Width and height of that figure, in inches.

    Returns
    -------
    matplotlib Axes
        In a figure of its own whose layout makes room for what stands around it, or the user's.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    ParameterError
        If ``ax`` is something else.
    """
    try:
        from matplotlib.axes import Axes
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            "Displays are drawn by matplotlib, which is not installed: "
            "pip install 'skencoder[plot]'."
        ) from error
    if ax is None:
        return Figure(figsize=size, layout="constrained").subplots()
    if not isinstance(ax, Axes):
        raise ParameterError(
            f"ax must be matplotlib Axes or None; got a {type(ax).__name__}. Of several axes give "
            f"one."
        )
    return ax


def to_png(display: Any) -> bytes | None:
    """Draw for a notebook, which shows only figures that pyplot has made.

    Parameters
    ----------
    display : display
        Drawn or not.

    Returns
    -------
    bytes or None
        An image; None where the user gave the axes, whose figure shows itself.
    """
    if not getattr(display, "owns_figure_", False):
        return None
    stream = BytesIO()
    display.figure_.savefig(stream, format="png", dpi=100)
    return stream.getvalue()
