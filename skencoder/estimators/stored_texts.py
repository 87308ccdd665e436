"""Texts in a file, of which only those are read that are asked for, and texts beside them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import IndexFileError

TEXTS, STARTS = "documents.txt", "documents.starts.npy"
# Part of all texts that may be left out and still be there.
MOST_LEFT_OUT = 0.2


class StoredTexts(Sequence[str]):
    """Texts end to end in a mapped file.

    Parameters
    ----------
    content : uint8 of shape (n_bytes,)
        All texts in UTF-8.
    starts : int64 of shape (n_texts + 1,)
        Where each begins, in bytes; the last entry is ``n_bytes``.

    Raises
    ------
    IndexFileError
        By a text that is no UTF-8, when it is read.
    """

    def __init__(self, content: NDArray[np.uint8], starts: NDArray[np.int64]) -> None:
        self._content = content
        self._starts = starts

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return [self[place] for place in range(*row.indices(len(self)))]
        row = range(len(self))[row]
        start, stop = self._starts[row], self._starts[row + 1]
        try:
            return self._content[start:stop].tobytes().decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise IndexFileError(
                f"{TEXTS} of a saved retriever is damaged: text {row} is not UTF-8 ({error}). Fit "
                f"and save the retriever again."
            ) from error


class Texts(Sequence[str]):
    """Texts of several sequences, one after the other, of which some may be left out.

    Parameters
    ----------
    texts : sequence of str of shape (n_texts,)
        The first.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._parts = [texts]
        self._starts = [0]
        # Of the places, of all parts one after the other, those that are not left out.
        self._rows = np.arange(len(texts))

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return [self[place] for place in range(*row.indices(len(self)))]
        place = int(self._rows[row])
        part = bisect_right(self._starts, place) - 1
        return self._parts[part][place - self._starts[part]]

    def add(self, texts: Sequence[str]) -> None:
        """Append texts.

        Parameters
        ----------
        texts : sequence of str of shape (n_added,)
            The texts.
        """
        start = self._starts[-1] + len(self._parts[-1])
        self._parts.append(texts)
        self._starts.append(start)
        self._rows = np.concatenate([self._rows, np.arange(start, start + len(texts))])

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Leave all others out.

        Parameters
        ----------
        rows : int64 of shape (n_kept,)
            Which stay, ascending.
        """
        self._rows = self._rows[rows]
        in_memory = [(p, places) for p, places in self._split() if not isinstance(p, StoredTexts)]
        n_there = sum(len(part) for part, _ in in_memory)
        n_kept = sum(len(places) for _, places in in_memory)
        if n_kept < (1 - MOST_LEFT_OUT) * n_there:
            self._compact()

    def _split(self) -> Iterator[tuple[Sequence[str], NDArray[np.int64]]]:
        """Give each part, and which of its texts are not left out."""
        for part, start in zip(self._parts, self._starts, strict=True):
            low, high = np.searchsorted(self._rows, [start, start + len(part)])
            yield part, self._rows[low:high] - start

    def _compact(self) -> None:
        """Forget what is left out; texts of a file stay where they are."""
        kept = [
            (part, places)
            if isinstance(part, StoredTexts)
            else ([part[place] for place in places.tolist()], np.arange(len(places)))
            for part, places in self._split()
        ]
        self._parts = [part for part, _ in kept]
        self._starts = np.cumsum([0, *map(len, self._parts[:-1])]).tolist()
        rows = [start + places for start, (_, places) in zip(self._starts, kept, strict=True)]
        self._rows = np.concatenate(rows)

    def __getstate__(self) -> dict[str, Any]:
        # A pickle holds no texts that were taken out, not even those of a file.
        whole = len(self) == self._starts[-1] + len(self._parts[-1])
        return self.__dict__ if whole else Texts([*self]).__dict__


def write_texts(folder: Path, texts: Sequence[str]) -> None:
    """Write texts.

    Parameters
    ----------
    folder : Path
        Where their two files shall be.
    texts : sequence of str of shape (n_texts,)
        The texts.
    """
    starts = np.zeros(len(texts) + 1, np.int64)
    with (folder / TEXTS).open("wb") as stream:
        for row, text in enumerate(texts):
            starts[row + 1] = starts[row] + stream.write(text.encode("utf-8", "surrogatepass"))
    np.save(folder / STARTS, starts, allow_pickle=False)


def map_texts(folder: Path, n_texts: int) -> StoredTexts:
    """Open texts that `write_texts` wrote, without reading them.

    Parameters
    ----------
    folder : Path
        Where their files are.
    n_texts : int
        How many there must be.

    Returns
    -------
    StoredTexts
        Mapped from the file.

    Raises
    ------
    IndexFileError
        If the files are missing, or are not whole.
    """
    try:
        starts = np.load(folder / STARTS, allow_pickle=False)
        n_bytes = (folder / TEXTS).stat().st_size
        # An empty file cannot be mapped.
        content = np.memmap(folder / TEXTS, np.uint8, "r") if n_bytes else np.empty(0, np.uint8)
    except (OSError, ValueError, EOFError) as error:
        raise IndexFileError(f"{folder} has no documents that can be read: {error}") from error
    if starts.shape != (n_texts + 1,) or starts.dtype != np.int64 or starts[-1] != n_bytes:
        raise IndexFileError(
            f"{folder / TEXTS} has {n_bytes} bytes and {folder / STARTS} the shape "
            f"{starts.shape}, which is not what was saved of {n_texts} documents; save the "
            f"retriever again."
        )
    return StoredTexts(content, starts)
