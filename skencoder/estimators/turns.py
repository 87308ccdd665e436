"""Contexts of a dialogue as turns: reading them, and how much each turn counts."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from skencoder.errors import TextInputError
from skencoder.estimators.texts import BARE_STRING, read_texts


@dataclass(frozen=True)
class Turns:
    """The turns of several contexts, end to end.

    Parameters
    ----------
    texts : list of str of shape (n_turns,)
        What was said, the oldest turn of a context first.
    context : int64 of shape (n_turns,)
        The number of the context that each turn belongs to.
    age : int64 of shape (n_turns,)
        How many turns came after it in its context.
    """

    texts: list[str]
    context: NDArray[np.int64]
    age: NDArray[np.int64]

    @classmethod
    def read(cls, X: Any, name: str = "X") -> "Turns":
        """Read contexts.

        Parameters
        ----------
        X : iterable of shape (n_contexts,)
            Each a text, or its turns, the oldest first.
        name : str, default="X"
            The parameter.

        Returns
        -------
        Turns
            Of all contexts.

        Raises
        ------
        TextInputError
            If it is no collection of contexts, or one of them has no turn or what is no text.
        """
        rows = [_as_turns(name, row, given) for row, given in enumerate(_iterate(name, X))]
        if not rows:
            raise TextInputError(f"{name} is empty; at least one row is needed.")
        lengths = np.array([len(turns) for turns in rows], np.int64)
        context = np.repeat(np.arange(len(rows)), lengths)
        place = np.arange(len(context)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return cls(
            [turn for turns in rows for turn in turns], context, lengths[context] - 1 - place
        )

    @property
    def n_contexts(self) -> int:
        """How many contexts there are."""
        return int(self.context[-1]) + 1

    def weigh(self, decay: float) -> csr_array:
        """Say how much each turn counts in its context.

        Parameters
        ----------
        decay : float in [0, 1]
            By how much less a turn counts than the one after it.

        Returns
        -------
        sparse float64 of shape (n_contexts, n_turns)
            ``decay ** age``: 1 for the last turn.
        """
        weights = np.power(float(decay), self.age)
        places = (self.context, np.arange(len(self.texts)))
        return csr_array((weights, places), (self.n_contexts, len(self.texts)))


def _iterate(name: str, X: Any) -> Iterable[Any]:
    if isinstance(X, str | bytes):
        raise TextInputError(BARE_STRING)
    has_order = isinstance(X, Iterable) and not isinstance(X, Mapping | AbstractSet)
    if not has_order or hasattr(X, "columns"):
        raise TextInputError(
            f"{name} is a {type(X).__name__}; a list was expected, each row a text or a list of "
            f"texts."
        )
    rows: Iterable[Any] = X
    return rows


def _as_turns(name: str, row: int, given: Any) -> list[str]:
    turns = [given] if isinstance(given, str) else given
    if not isinstance(turns, list | tuple | np.ndarray) or not len(turns):
        raise TextInputError(
            f"Row {row} of {name} is {given!r}; a text or a list of texts was expected."
        )
    for place, turn in enumerate(turns):
        if not isinstance(turn, str | bytes):
            raise TextInputError(
                f"Text {place} in row {row} of {name} is {turn!r}; a str was expected."
            )
    return read_texts(list(turns), name=f"row {row} of {name}")
