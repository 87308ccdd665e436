"""Which texts are encoded together: sorted by length, within a budget of tokens."""

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]


def plan_batches(lengths: Index, batch_tokens: int) -> list[Index]:
    """Group texts of similar length, longest first, so that memory is known at the start.

    Parameters
    ----------
    lengths : int64 of shape (n_texts,)
        Tokens of each text, at least 1.
    batch_tokens : int
        Most tokens of a batch; a longer text is a batch of its own.

    Returns
    -------
    list of int64 arrays of shape (batch,)
        Rows of each batch; every row stands in exactly one. Equal lengths keep their order.
    """
    order = np.argsort(-lengths, kind="stable")
    ends = np.cumsum(lengths[order])
    cuts: list[int] = []
    start = 0
    while start < len(order):
        used = ends[start - 1] if start else 0
        fitting = int(np.searchsorted(ends, used + batch_tokens, side="right"))
        start = max(fitting, start + 1)
        cuts.append(start)
    return np.split(order, cuts[:-1])
