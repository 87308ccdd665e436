"""The vectors of an index: in memory or mapped from a file, appended to, with rows taken out.

A row's number is its place in memory, its position its place among the rows that are left. Numbers
have gaps where rows were removed; both have the same order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import ParameterError

Vectors = NDArray[np.float32]
Norms = NDArray[np.float64]
Numbers = NDArray[np.int64]

# Rows whose norms are computed together: 12 MiB in float64 at 384 features.
NORM_ROWS = 4096
# Part of all rows.
MOST_REMOVED = 0.2


@dataclass(frozen=True)
class Block:
    """Rows that lie together.

    Parameters
    ----------
    first : int
        Number of the first.
    vectors : float32 of shape (n_rows, n_features)
        The rows.
    norms : float64 of shape (n_rows,)
        Their lengths.
    removed : int64 of shape (n_removed,)
        Which of them are gone, counted from the first.
    """

    first: int
    vectors: Vectors
    norms: Norms
    removed: Numbers


class Rows:
    """Vectors with their lengths.

    Parameters
    ----------
    vectors : float32 of shape (n_rows, n_features)
        In memory, or mapped from a file, from which they are read block by block.
    norms : float64 of shape (n_rows,), optional
        Their lengths, where they are known.
    mapped : bool, default=False
        Whether the vectors are those of a file, and stay there even where many are removed.

    Raises
    ------
    ParameterError
        If a vector has NaN or infinity.
    """

    def __init__(
        self, vectors: Vectors, norms: Norms | None = None, *, mapped: bool = False
    ) -> None:
        self._parts = [vectors]
        self._mapped = mapped
        self.norms = row_norms(vectors) if norms is None else norms
        self._kept: Numbers | None = None
        self._removed: Numbers = np.empty(0, np.int64)

    @property
    def n_features(self) -> int:
        """Width of a vector."""
        return int(self._parts[0].shape[1])

    def __len__(self) -> int:
        return len(self.norms) if self._kept is None else len(self._kept)

    def append(self, vectors: Vectors) -> None:
        """Add rows at the end.

        Parameters
        ----------
        vectors : float32 of shape (n_rows, n_features)
            Finite.

        Raises
        ------
        ParameterError
            If a vector has NaN or infinity.
        """
        norms = row_norms(vectors)
        first = len(self.norms)
        self.norms = np.concatenate([self.norms, norms])
        if self._kept is not None:
            new = np.arange(first, first + len(norms))
            self._kept = np.concatenate([self._kept, new])
        # A part is copied only together with as many new rows, so no row is copied often.
        fixed = self._parts[:1] if self._mapped else []
        parts, merged = self._parts[len(fixed) :], [vectors]
        while parts and len(parts[-1]) <= sum(map(len, merged)):
            merged.insert(0, parts.pop())
        self._parts = [*fixed, *parts, np.concatenate(merged)]

    def remove(self, positions: Numbers) -> None:
        """Take rows out.

        Parameters
        ----------
        positions : int64 of shape (n_removed,)
            Each once.
        """
        numbers = self.numbers()
        self._removed = np.union1d(self._removed, numbers[positions])
        self._kept = np.delete(numbers, positions)

    @property
    def sparse(self) -> bool:
        """Whether so many rows are removed that the others should move together."""
        return len(self._removed) > MOST_REMOVED * len(self.norms)

    def compact(self) -> None:
        """Copy the rows that are left together, which changes their numbers.

        Where rows are mapped from a file, all stay where they are.
        """
        if self._kept is None or self._mapped:
            return
        self._parts = [self.take(self._kept)]
        self.norms, self._kept = self.norms[self._kept], None
        self._removed = np.empty(0, np.int64)

    def numbers(self) -> Numbers:
        """List the numbers of the rows that are left.

        Returns
        -------
        int64 of shape (n_rows,)
            Ascending; a row's position is its place here.
        """
        return np.arange(len(self.norms)) if self._kept is None else self._kept

    def by_number(self, values: Numbers | None) -> Numbers | None:
        """Turn what is known of the rows that are left into what is known of all numbers.

        Parameters
        ----------
        values : int64 of shape (n_rows,) or None
            By position.

        Returns
        -------
        int64 of shape (n_numbers,) or None
            By number; 0 for rows that are gone.
        """
        if values is None or self._kept is None:
            return values
        spread = np.zeros(len(self.norms), np.int64)
        spread[self._kept] = values
        return spread

    def positions(self, numbers: Numbers) -> Numbers:
        """Turn numbers into positions.

        Parameters
        ----------
        numbers : int64 of any shape
            Of rows that are left.

        Returns
        -------
        int64 of the same shape
            Their positions.
        """
        if self._kept is None:
            return numbers
        return np.searchsorted(self._kept, numbers).astype(np.int64)

    def take(self, numbers: Numbers) -> Vectors:
        """Copy some rows.

        Parameters
        ----------
        numbers : int64 of shape (n_taken,)
            Any order, also repeated.

        Returns
        -------
        float32 of shape (n_taken, n_features)
            The rows.
        """
        if len(self._parts) == 1:
            return self._parts[0][numbers]
        ends = np.cumsum([len(part) for part in self._parts])
        taken = np.empty((len(numbers), self.n_features), np.float32)
        of_part = np.searchsorted(ends, numbers, side="right")
        for index, part in enumerate(self._parts):
            mine = of_part == index
            taken[mine] = part[numbers[mine] - (ends[index] - len(part))]
        return taken

    def blocks(
        self, n_rows: int, *, multiple: int = 1, without: Numbers | None = None
    ) -> Iterator[Block]:
        """Go through all rows in the order of their numbers.

        Parameters
        ----------
        n_rows : int
            Most rows in a block.
        multiple : int, default=1
            A block has a multiple of so many rows, or fewer.
        without : int64 of shape (n_left_out,), optional
            Numbers of rows that count as removed.

        Yields
        ------
        Block
            Views, so that mapped rows are read when they are computed with.
        """
        gone = self._removed if without is None else np.union1d(self._removed, without)
        start = 0
        for part in self._parts:
            whole = len(part) - len(part) % multiple
            for first, last in pairwise(sorted({*range(0, whole, n_rows), whole, len(part)})):
                begin, end = start + first, start + last
                low, high = np.searchsorted(gone, [begin, end])
                norms = self.norms[begin:end]
                yield Block(begin, part[first:last], norms, gone[low:high] - begin)
            start += len(part)

    def kept_blocks(self, n_rows: int) -> Iterator[tuple[Vectors, Norms]]:
        """Go through the rows that are left, in order.

        Parameters
        ----------
        n_rows : int
            Most rows in a block.

        Yields
        ------
        vectors : float32 of shape (n_rows, n_features)
            Some rows.
        norms : float64 of shape (n_rows,)
            Their lengths.
        """
        for block in self.blocks(n_rows):
            kept = np.delete(np.arange(len(block.norms)), block.removed)
            yield block.vectors[kept], block.norms[kept]

    def kept_norms(self) -> Norms:
        """List the lengths of the rows that are left.

        Returns
        -------
        float64 of shape (n_rows,)
            By position.
        """
        return self.norms[self.numbers()]


def row_norms(vectors: Vectors, name: str = "vectors") -> Norms:
    """Compute the lengths of vectors, which shows whether they are finite too.

    Parameters
    ----------
    vectors : float32 of shape (n_rows, n_features)
        Any numbers.
    name : str, default="vectors"
        The parameter, for messages.

    Returns
    -------
    float64 of shape (n_rows,)
        Finite: squares of float32 numbers do not overflow in float64.

    Raises
    ------
    ParameterError
        If a vector has NaN or infinity.
    """
    norms = np.empty(len(vectors))
    for first in range(0, len(vectors), NORM_ROWS):
        block = vectors[first : first + NORM_ROWS].astype(np.float64)
        # Not a matrix product, which may add up equal rows in different orders.
        norms[first : first + NORM_ROWS] = np.sqrt((block * block).sum(axis=1))
    finite = np.isfinite(norms)
    if not finite.all():
        raise ParameterError(
            f"{name} has NaN or infinity in row {int(np.argmin(finite))}; vectors must be finite "
            "float32 numbers."
        )
    return norms
