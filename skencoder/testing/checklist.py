"""The checklist, and what a check is: a named function with its place in it."""

from collections.abc import Callable
from dataclasses import dataclass

from skencoder.testing.case import Case

ITEMS = {
    1: "constructor",
    2: "parameters",
    3: "fitting",
    4: "tags and state",
    5: "feature names and containers",
    6: "input",
    7: "invariance",
    8: "persistence",
    9: "routing and tensors",
    10: "callbacks and progress",
    11: "display",
    12: "threads and processes",
}


@dataclass(frozen=True)
class TextCheck:
    """One check.

    Parameters
    ----------
    name : str
        That of its function.
    item : int
        Number in the checklist `ITEMS`.
    description : str
        What holds if it passes, one line.
    function : callable
        Raises if it does not hold, and ``SkipTest`` if it cannot be tried.
    """

    name: str
    item: int
    description: str
    function: Callable[[Case], None]


def text_check(item: int) -> Callable[[Callable[[Case], None]], TextCheck]:
    """Make a check of a function; its docstring's first line becomes the description.

    Parameters
    ----------
    item : int
        Number in the checklist `ITEMS`.

    Returns
    -------
    callable
        From function to `TextCheck`.
    """

    def make(function: Callable[[Case], None]) -> TextCheck:
        description = (function.__doc__ or "").strip().split("\n", maxsplit=1)[0]
        return TextCheck(function.__name__, item, description, function)

    return make
