"""EmbeddingCache: vectors by content, row by row, kept for a session or for good."""

import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import lmdb
import numpy as np
from numpy.typing import NDArray

from skencoder.cache.keys import Space, row_keys
from skencoder.cache.records import Layout, Lengths, Vectors, as_words
from skencoder.cache.store import DTYPES, Folder, open_folder, space_fact
from skencoder.errors import CacheWarning, ParameterError
from skencoder.frames import user_stacklevel
from skencoder.session import session

SESSION_BYTES = 2 * 2**30
# Rows are copied twice on their way; this many at a time take little memory.
LOOKED_UP_AT_ONCE = 2**14
SECONDS_BEFORE_ANOTHER_TRY = 60.0
SPACE_ID_BYTES = 8

Result = TypeVar("Result")


@dataclass(frozen=True)
class CacheStats:
    """What a cache holds, and what was done with it by all processes since it was cleared.

    Parameters
    ----------
    hits, misses : int
        Texts whose vector was there, and was not.
    rows : int
        Vectors it holds.
    bytes : int
        Bytes they take, the index included.
    texts_encoded : int
        Texts that a model encoded because they were not there.
    model_loads : int
        Times a model was loaded for that.
    damaged : int
        Rows whose checksum was wrong, which were encoded again.
    """

    hits: int
    misses: int
    rows: int
    bytes: int
    texts_encoded: int
    model_loads: int
    damaged: int


@dataclass(frozen=True)
class CachedRows:
    """The answer of a cache.

    Parameters
    ----------
    vectors : float32 of shape (n_texts, width)
        Undefined where nothing was found.
    lengths : int64 of shape (n_texts,)
        Tokens of each text; undefined where nothing was found.
    found : bool of shape (n_texts,)
        What was found.
    """

    vectors: Vectors
    lengths: Lengths
    found: NDArray[np.bool_]


class EmbeddingCache:
    """Vectors that were computed once, for whoever asks for them again.

    A row is found by a 128-bit hash of the text and of everything else that its vector depends on;
    the text is not stored. Threads and processes may share a cache. Where it cannot be written or
    read, texts are encoded and a `CacheWarning` says so once.

    Parameters
    ----------
    path : str or Path, default=None
        A folder that keeps the vectors for good. None is the session's: temporary, shared by this
        process and its workers, removed at exit.
    max_bytes : int, default=None
        Most bytes that the vectors may take; the oldest are dropped. None is 2 GiB for a session,
        and no bound for a folder.
    dtype : {"float32", "float16"}, default="float32"
        In what vectors are stored. Half the bytes cost about 3 digits; such rows are never given
        to those who asked for float32.

    Raises
    ------
    ParameterError
        If a parameter cannot be used.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from skencoder import EmbeddingCache, EncoderVectorizer
    >>> cache = EmbeddingCache(mkdtemp())
    >>> vectorizer = EncoderVectorizer(cache=cache)
    >>> vectors = vectorizer.fit_transform(["a text", "another", "a text"])
    >>> again = vectorizer.fit_transform(["another", "a text"])
    >>> cache.stats().texts_encoded, cache.stats().hits
    (2, 2)
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        max_bytes: int | None = None,
        dtype: str = "float32",
    ) -> None:
        if dtype not in DTYPES:
            raise ParameterError(f"dtype must be one of {', '.join(DTYPES)}; got {dtype!r}.")
        if max_bytes is not None and (type(max_bytes) is not int or max_bytes < 1):
            raise ParameterError(
                f"max_bytes must be a positive integer or None; got {max_bytes!r}."
            )
        if path is not None and (not isinstance(path, str | Path) or not str(path).strip()):
            raise ParameterError(f"path must name a folder or be None; got {path!r}.")
        self.path = None if path is None else Path(path).expanduser().resolve()
        self.max_bytes = SESSION_BYTES if path is None and max_bytes is None else max_bytes
        self.dtype = dtype

    @property
    def folder(self) -> Path:
        """Where the vectors are.

        Raises
        ------
        OSError
            If there is no place for temporary files.
        """
        return session().folder / "vectors" if self.path is None else self.path

    @property
    def is_session(self) -> bool:
        """Whether it ends with the session."""
        return self.path is None

    def get(
        self, space: Space, texts: Sequence[str], width: int, *, count: bool = True
    ) -> CachedRows:
        """Look texts up.

        Parameters
        ----------
        space : Space
            What the vectors depend on beside the text.
        texts : sequence of str of shape (n_texts,)
            Without lone surrogates.
        width : int
            Numbers in a vector.
        count : bool, default=True
            Whether hits, misses and damage are counted, and damage is warned of.

        Returns
        -------
        CachedRows
            What was found.
        """
        layout, n_texts = Layout(width, self.dtype), len(texts)
        rows = CachedRows(
            np.empty((n_texts, width), np.float32),
            np.empty(n_texts, np.int64),
            np.zeros(n_texts, bool),
        )
        n_damaged = 0
        for start in range(0, n_texts, LOOKED_UP_AT_ONCE):
            here = slice(start, start + LOOKED_UP_AT_ONCE)
            keys = row_keys(space, texts[here])
            n_damaged += self._read(partial(_look_up, rows, here, layout, keys), 0)
        if count:
            if n_damaged:
                self._tell_damage(n_damaged)
            n_hits = int(rows.found.sum())
            self.count(hits=n_hits, misses=n_texts - n_hits)
        return rows

    def put(self, space: Space, texts: Sequence[str], vectors: Vectors, lengths: Lengths) -> None:
        """Keep vectors; when this returns, they are on disk.

        Vectors that are not finite in the cache's dtype are left out.

        Parameters
        ----------
        space : Space
            What the vectors depend on beside the text.
        texts : sequence of str of shape (n_texts,)
            Without lone surrogates.
        vectors : float32 of shape (n_texts, width)
            Of these texts.
        lengths : int64 of shape (n_texts,)
            Tokens of these texts.
        """
        layout = Layout(vectors.shape[1], self.dtype)
        with np.errstate(over="ignore"):
            finite = np.isfinite(vectors.astype(self.dtype, copy=False)).all(1)
        rows = np.flatnonzero(finite)
        keys = row_keys(space, [texts[row] for row in rows.tolist()])
        records = layout.pack(keys, vectors[rows], lengths[rows])
        space_id = space.digest[:SPACE_ID_BYTES]

        def write(folder: Folder) -> None:
            if folder.store.get_fact(space_fact(space_id)) is None:
                described = asdict(space) | {"width": layout.width}
                folder.store.put_fact(space_fact(space_id), described)
            folder.store.put(space_id, layout, records, self.max_bytes)

        if len(rows):
            self._write(write)

    def count(self, **numbers: int) -> None:
        """Count what was done for this cache.

        Parameters
        ----------
        **numbers : int
            Such as ``texts_encoded`` and ``model_loads``.
        """
        self._read(lambda folder: folder.counters.add(**numbers), None)

    def get_fact(self, name: str) -> dict[str, Any] | None:
        """Give back something small that was kept under a name.

        Parameters
        ----------
        name : str
            As it was put.

        Returns
        -------
        dict or None
            None where there is nothing.
        """
        return self._read(lambda folder: folder.store.get_fact(name), None)

    def put_fact(self, name: str, fact: dict[str, Any]) -> None:
        """Keep something small under a name.

        Parameters
        ----------
        name : str
            At most 400 bytes.
        fact : dict
            What JSON can hold.
        """
        self._write(lambda folder: folder.store.put_fact(name, fact))

    def stats(self) -> CacheStats:
        """Say what the cache holds and what was done with it.

        Returns
        -------
        CacheStats
            Of all processes that use it.
        """

        def ask(folder: Folder) -> CacheStats:
            rows, used = folder.store.size()
            return CacheStats(rows=rows, bytes=used, **folder.counters.total())

        return self._read(ask, CacheStats(0, 0, 0, 0, 0, 0, 0))

    def clear(self) -> None:
        """Drop everything, and begin to count at zero."""

        def empty(folder: Folder) -> None:
            folder.store.clear()
            folder.counters.reset()

        self._write(empty)

    def prune(self, max_bytes: int) -> None:
        """Drop the oldest rows.

        Parameters
        ----------
        max_bytes : int
            What the rest may take, in bytes. The room is given back to the disk where no other
            process uses the cache, and else to later rows.

        Raises
        ------
        ParameterError
            If it is no number of bytes.
        """
        if type(max_bytes) is not int or max_bytes < 0:
            raise ParameterError(f"max_bytes must be an integer from 0 on; got {max_bytes!r}.")
        self._write(lambda folder: folder.store.prune(max_bytes))

    def _read(self, action: Callable[[Folder], Result], otherwise: Result) -> Result:
        trouble = _troubles[self.path]
        if trouble.is_recent("used"):
            return otherwise
        try:
            return action(open_folder(self.folder, durable=not self.is_session))
        except (lmdb.Error, OSError) as error:
            if trouble.is_new("used"):
                self._warn("used", error)
            return otherwise

    def _write(self, action: Callable[[Folder], None]) -> None:
        trouble = _troubles[self.path]
        if trouble.is_recent("written") or trouble.is_recent("used"):
            return
        try:
            action(open_folder(self.folder, durable=not self.is_session))
        except (lmdb.Error, OSError) as error:
            if trouble.is_new("written"):
                self._warn("written", error)

    def _warn(self, what: str, error: Exception) -> None:
        where = "of this session" if self.path is None else f"at {self.path}"
        warnings.warn(
            f"The cache {where} cannot be {what} ({error}). Texts are encoded all the same, and "
            f"their vectors are not kept; choose another folder, make room, or cache=None.",
            CacheWarning,
            stacklevel=user_stacklevel(),
        )

    def _tell_damage(self, n_damaged: int) -> None:
        self.count(damaged=n_damaged)
        warnings.warn(
            f"{n_damaged} rows of the cache at {self.folder} are damaged; their texts are encoded "
            f"again. 'python -m skencoder.cache verify' counts them all.",
            CacheWarning,
            stacklevel=user_stacklevel(),
        )

    def __repr__(self) -> str:
        path = None if self.path is None else str(self.path)
        return f"EmbeddingCache({path!r}, max_bytes={self.max_bytes}, dtype={self.dtype!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EmbeddingCache) and self.__getstate__() == other.__getstate__()

    def __hash__(self) -> int:
        return hash((self.path, self.max_bytes, self.dtype))

    def __sklearn_clone__(self) -> "EmbeddingCache":
        # A place that estimators share.
        return self

    def __getstate__(self) -> dict[str, Any]:
        path = None if self.path is None else str(self.path)
        return {"path": path, "max_bytes": self.max_bytes, "dtype": self.dtype}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]


class _Trouble:
    """When something went wrong with a cache; for a while it is not tried again."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def is_recent(self, what: str) -> bool:
        since = self._since.get(what)
        return since is not None and time.monotonic() - since < SECONDS_BEFORE_ANOTHER_TRY

    def is_new(self, what: str) -> bool:
        """Note it down, and tell whether it is the first trouble at all."""
        new = not self._since
        self._since[what] = time.monotonic()
        return new


# Estimators come and go; of a folder there is one, and one warning.
_troubles: defaultdict[Path | None, _Trouble] = defaultdict(_Trouble)


def _look_up(
    rows: CachedRows, here: slice, layout: Layout, keys: list[bytes], folder: Folder
) -> int:
    """Fill in what is there, and count what is damaged."""
    records, found = folder.store.get(keys, layout)
    whole = found & layout.is_whole(records, as_words(keys))
    rows.vectors[here], rows.lengths[here] = layout.unpack(records)
    rows.found[here] = whole
    return int(found.sum() - whole.sum())
