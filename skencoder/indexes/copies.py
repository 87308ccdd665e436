"""Rows that cannot be among the k nearest, as k equal rows stand before them."""

from collections import Counter
from hashlib import blake2b

import numpy as np

from skencoder.indexes.rows import Numbers, Rows

# Rows read together.
READ_AT_ONCE = 4096


def later_copies(rows: Rows, n_neighbors: int, ranks: Numbers | None) -> Numbers:
    """Find the rows before which enough equal ones stand.

    A corpus may hold the same text thousands of times; all its rows tie, and of ties the first
    count.

    Parameters
    ----------
    rows : Rows
        What is searched.
    n_neighbors : int
        How many equal rows are enough.
    ranks : int64 of shape (n_numbers,) or None
        By number, which of equal rows comes first; None is the one with the lower number.

    Returns
    -------
    int64 of shape (n_copies,)
        Their numbers.
    """
    numbers = rows.numbers()
    # Equal rows are equally long, so only these need to be read.
    _, inverse, counts = np.unique(rows.norms[numbers], return_inverse=True, return_counts=True)
    suspects = numbers[counts[inverse] > n_neighbors]
    if ranks is not None:
        suspects = suspects[np.argsort(ranks[suspects])]
    seen: Counter[bytes] = Counter()
    later = []
    for first in range(0, len(suspects), READ_AT_ONCE):
        part = suspects[first : first + READ_AT_ONCE]
        for number, vector in zip(part, rows.take(part), strict=True):
            content = blake2b(vector, digest_size=16).digest()
            seen[content] += 1
            if seen[content] > n_neighbors:
                later.append(number)
    return np.array(later, dtype=np.int64)
