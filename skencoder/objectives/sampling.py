"""Batches in which a comparison can be made: texts of one class together, equal texts apart."""

import numpy as np

from skencoder.tokenization import Index
from skencoder.training.batches import cut_rows


def class_batches(
    rows: Index, batch_size: int, rng: np.random.Generator, *, codes: Index, together: int
) -> list[Index]:
    """Draw one pass over rows, a few of one class at a time.

    Parameters
    ----------
    rows : int64 of shape (n_rows,)
        What to draw from.
    batch_size : int
        Most rows of a batch.
    rng : numpy Generator
        Draws.
    codes : int64 of shape (n_all_rows,)
        Class of each row.
    together : int
        Rows of one class that follow each other.

    Returns
    -------
    list of int64 arrays
        Every row stands in exactly one.
    """
    shuffled = rng.permutation(rows)
    found = codes[shuffled]
    by_class = np.argsort(found, kind="stable")
    starts = np.flatnonzero(np.diff(found[by_class])) + 1
    groups: list[Index] = []
    for members in np.split(shuffled[by_class], starts):
        # A single one left over joins the group before it: alone it would have no partner.
        pieces = max(1, len(members) // together)
        groups += np.array_split(members, pieces)
    order = np.concatenate([groups[place] for place in rng.permutation(len(groups))])
    return cut_rows(order, batch_size)
