"""Which texts are encoded together: sorted by length, within a budget of tokens."""

import threading

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]


def order_by_length(lengths: Index) -> Index:
    """Put the longest texts first, so that the memory they need is known at the start.

    Parameters
    ----------
    lengths : int64 of shape (n_texts,)
        Tokens of each text.

    Returns
    -------
    int64 of shape (n_texts,)
        Rows in the order of encoding; equal lengths keep their order.
    """
    return np.argsort(-lengths, kind="stable")


def cut_batches(lengths: Index, batch_tokens: int) -> list[slice]:
    """Cut ordered texts into batches of neighbours.

    Parameters
    ----------
    lengths : int64 of shape (n_texts,)
        Tokens of each text, at least 1, in the order of encoding.
    batch_tokens : int
        Most tokens of a batch; a longer text is a batch of its own.

    Returns
    -------
    list of slice
        In order; every text stands in exactly one.
    """
    ends = np.cumsum(lengths)
    batches: list[slice] = []
    start = 0
    while start < len(lengths):
        used = ends[start - 1] if start else 0
        fitting = int(np.searchsorted(ends, used + batch_tokens, side="right"))
        batches.append(slice(start, max(fitting, start + 1)))
        start = batches[-1].stop
    return batches


class TokenBudget:
    """The most tokens of a batch, which is halved where memory runs out and stays so.

    Threads may share it.

    Attributes
    ----------
    most : int or None
        Tokens; None where memory never ran out.
    """

    def __init__(self) -> None:
        self.most: int | None = None
        self._lock = threading.Lock()

    def within(self, batch_tokens: int) -> int:
        """Give what is left of a budget.

        Parameters
        ----------
        batch_tokens : int
            Most tokens of a batch, as wished.

        Returns
        -------
        int
            At most that.
        """
        return batch_tokens if self.most is None else min(self.most, batch_tokens)

    def halve(self, tokens: int) -> None:
        """Remember that a batch was too large.

        Parameters
        ----------
        tokens : int
            Its tokens.
        """
        with self._lock:
            self.most = max(1, min(self.within(tokens), tokens // 2))
