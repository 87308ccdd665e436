"""A vector as it is stored: key, number of tokens, numbers, checksum, in 64-bit words."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Vectors = NDArray[np.float32]
Lengths = NDArray[np.int64]

KEY_WORDS = 2
# Makes a record of nothing but zeros wrong.
_CHECKSUM_OF_ZEROS = np.uint64(0x5AFE_C0DE_0DD5_EED5)


@dataclass(frozen=True)
class Layout:
    """Shape of a record.

    Parameters
    ----------
    width : int
        Numbers in a vector.
    dtype : {"float32", "float16"}
        Of each.
    """

    width: int
    dtype: str

    @property
    def vector_words(self) -> int:
        """Words that a vector takes, the last one filled up with zeros."""
        return -(-self.width * np.dtype(self.dtype).itemsize // 8)

    @property
    def words(self) -> int:
        """Words that a record takes."""
        return KEY_WORDS + 1 + self.vector_words + 1

    def checksums(self, records: Words) -> Words:
        """Add up all words but the last, each times an odd number, modulo 2 ** 64.

        Any change of one word changes the sum; other damage goes unseen once in 2 ** 64 times.

        Parameters
        ----------
        records : uint64 of shape (n_rows, words)
            Filled but for the last word.

        Returns
        -------
        uint64 of shape (n_rows,)
            One checksum per record.
        """
        sums: Words = records[:, :-1] @ _weights(self.words - 1) + _CHECKSUM_OF_ZEROS
        return sums

    def pack(self, keys: Sequence[bytes], vectors: Vectors, lengths: Lengths) -> Words:
        """Make records.

        Parameters
        ----------
        keys : sequence of bytes of shape (n_rows,)
            16 bytes each.
        vectors : float32 of shape (n_rows, width)
            What is stored.
        lengths : int64 of shape (n_rows,)
            Tokens of each text.

        Returns
        -------
        uint64 of shape (n_rows, words)
            With checksums.
        """
        records = np.zeros((len(keys), self.words), np.uint64)
        records[:, :KEY_WORDS] = as_words(keys)
        records[:, KEY_WORDS] = lengths
        stored = np.ascontiguousarray(vectors, self.dtype).view(np.uint8)
        records[:, KEY_WORDS + 1 : -1].view(np.uint8)[:, : stored.shape[1]] = stored
        records[:, -1] = self.checksums(records)
        return records

    def is_whole(self, records: Words, keys: Words) -> NDArray[np.bool_]:
        """Tell which records are what was asked for, undamaged.

        Parameters
        ----------
        records : uint64 of shape (n_rows, words)
            As read.
        keys : uint64 of shape (n_rows, 2)
            What was asked for.

        Returns
        -------
        bool of shape (n_rows,)
            False for damaged ones and those of another key.
        """
        whole: NDArray[np.bool_] = self.checksums(records) == records[:, -1]
        whole &= (records[:, :KEY_WORDS] == keys).all(1)
        return whole

    def unpack(self, records: Words) -> tuple[Vectors, Lengths]:
        """Take records apart.

        Parameters
        ----------
        records : uint64 of shape (n_rows, words)
            Whole ones.

        Returns
        -------
        float32 of shape (n_rows, width)
            The vectors, a copy.
        int64 of shape (n_rows,)
            Tokens of each text.
        """
        stored = np.ascontiguousarray(records[:, KEY_WORDS + 1 : -1]).view(self.dtype)
        vectors = stored[:, : self.width].astype(np.float32, copy=False)
        return vectors, records[:, KEY_WORDS].astype(np.int64)


def as_words(keys: Sequence[bytes]) -> Words:
    """Give keys as numbers.

    Parameters
    ----------
    keys : sequence of bytes of shape (n_rows,)
        16 bytes each.

    Returns
    -------
    uint64 of shape (n_rows, 2)
        The same bytes.
    """
    return np.frombuffer(b"".join(keys), np.uint64).reshape(-1, KEY_WORDS)


# Not a cached property: before Python 3.12 those share a lock, which a fork may find taken.
@lru_cache
def _weights(number: int) -> Words:
    return _mix(np.arange(1, number + 1, dtype=np.uint64)) | np.uint64(1)


def _mix(numbers: Words) -> Words:
    """Spread counting numbers over all 64 bits (SplitMix64, Steele et al. 2014)."""
    state = numbers * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
