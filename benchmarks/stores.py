"""Places to keep rows: what each costs to write, to read at random, and on disk.

The table behind the choice made in `skencoder.cache`: rows of one size under 16-byte keys, every
store as its own documentation advises, all in one run.
"""

import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skencoder import EmbeddingCache
from skencoder.cache import Space

from .tables import format_table

ROWS = 100_000
WIDTH = 384
WRITTEN_AT_ONCE = 1_000
READ_AT_ONCE = 10_000

Keys = Sequence[bytes]
Vectors = NDArray[np.float32]


class Place(Protocol):
    """Where rows are kept."""

    def write(self, keys: Keys, vectors: Vectors) -> None:
        """Keep rows, so that a killed process does not lose them.

        Parameters
        ----------
        keys : sequence of bytes
            One for each row.
        vectors : float32 of shape (n_rows, width)
            The rows.
        """

    def read(self, keys: Keys) -> Vectors:
        """Give rows back.

        Parameters
        ----------
        keys : sequence of bytes
            All known.

        Returns
        -------
        float32 of shape (n_rows, width)
            In the order of the keys.
        """


class SqliteRows:
    """SQLite with a write-ahead log, one row per vector.

    Parameters
    ----------
    folder : Path
        An empty one.
    """

    def __init__(self, folder: Path) -> None:
        self._base = sqlite3.connect(folder / "rows.db", isolation_level=None)
        for setting in ("journal_mode=wal", "synchronous=normal", "mmap_size=2000000000"):
            self._base.execute(f"pragma {setting}")
        self._base.execute("create table rows (key blob primary key, vector blob)")

    def write(self, keys: Keys, vectors: Vectors) -> None:
        """Keep rows in one transaction.

        Parameters
        ----------
        keys : sequence of bytes
            One for each row.
        vectors : float32 of shape (n_rows, width)
            The rows.
        """
        rows = [(key, vector.tobytes()) for key, vector in zip(keys, vectors, strict=True)]
        self._base.execute("begin")
        self._base.executemany("insert or ignore into rows values (?, ?)", rows)
        self._base.execute("commit")

    def read(self, keys: Keys) -> Vectors:
        """Ask for all keys at once.

        Parameters
        ----------
        keys : sequence of bytes
            All known.

        Returns
        -------
        float32 of shape (n_rows, width)
            In the order of the keys.
        """
        marks = ",".join("?" * len(keys))
        found = dict(
            self._base.execute(f"select key, vector from rows where key in ({marks})", keys)
        )
        return _joined([found[key] for key in keys])


class LmdbRows:
    """LMDB, one value per vector.

    Parameters
    ----------
    folder : Path
        An empty one.
    """

    def __init__(self, folder: Path) -> None:
        import lmdb

        self._env: Any = lmdb.open(str(folder), map_size=2**36)

    def write(self, keys: Keys, vectors: Vectors) -> None:
        """Keep rows in one transaction.

        Parameters
        ----------
        keys : sequence of bytes
            One for each row.
        vectors : float32 of shape (n_rows, width)
            The rows.
        """
        rows = [(key, vector.tobytes()) for key, vector in zip(keys, vectors, strict=True)]
        with self._env.begin(write=True) as txn:
            txn.cursor().putmulti(rows)

    def read(self, keys: Keys) -> Vectors:
        """Ask for one key after the other.

        Parameters
        ----------
        keys : sequence of bytes
            All known.

        Returns
        -------
        float32 of shape (n_rows, width)
            In the order of the keys.
        """
        with self._env.begin(buffers=True) as txn:
            return _joined([txn.get(key) for key in keys])


class MappedRows:
    """A flat file mapped by numpy, its index in memory: fast, but for one process that never dies.

    Parameters
    ----------
    folder : Path
        An empty one.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "rows.bin"
        self._places: dict[bytes, int] = {}
        self._map: Any = None

    def write(self, keys: Keys, vectors: Vectors) -> None:
        """Append rows.

        Parameters
        ----------
        keys : sequence of bytes
            One for each row.
        vectors : float32 of shape (n_rows, width)
            The rows.
        """
        with self._path.open("ab") as stream:
            stream.write(vectors.tobytes())
        for key in keys:
            self._places[key] = len(self._places)
        self._map = None

    def read(self, keys: Keys) -> Vectors:
        """Gather rows in one step.

        Parameters
        ----------
        keys : sequence of bytes
            All known.

        Returns
        -------
        float32 of shape (n_rows, width)
            In the order of the keys.
        """
        if self._map is None:
            self._map = np.memmap(self._path, np.float32, "r").reshape(-1, WIDTH)
        found: Vectors = self._map[[self._places[key] for key in keys]]
        return found


class ArrowRows:
    """Arrow's IPC file, memory-mapped, its index in memory; written once, at the first reading.

    Parameters
    ----------
    folder : Path
        An empty one.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "rows.arrow"
        self._places: dict[bytes, int] = {}
        self._writer: Any = None
        self._rows: Any = None

    def write(self, keys: Keys, vectors: Vectors) -> None:
        """Add a batch of records.

        Parameters
        ----------
        keys : sequence of bytes
            One for each row.
        vectors : float32 of shape (n_rows, width)
            The rows.
        """
        import pyarrow as pa

        column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), WIDTH)
        batch = pa.record_batch([column], ["vector"])
        self._writer = self._writer or pa.ipc.new_file(str(self._path), batch.schema)
        self._writer.write_batch(batch)
        for key in keys:
            self._places[key] = len(self._places)

    def read(self, keys: Keys) -> Vectors:
        """Take rows by number.

        Parameters
        ----------
        keys : sequence of bytes
            All known.

        Returns
        -------
        float32 of shape (n_rows, width)
            In the order of the keys.
        """
        import pyarrow as pa

        if self._rows is None:
            self._writer.close()
            table = pa.ipc.open_file(pa.memory_map(str(self._path))).read_all()
            self._rows = table.column("vector").combine_chunks()
        taken = self._rows.take(pa.array([self._places[key] for key in keys]))
        vectors: Vectors = taken.flatten().to_numpy().reshape(-1, WIDTH)
        return vectors


class CacheRows:
    """`EmbeddingCache`: LMDB with rows in blocks, hashing, checksums and counting included.

    Parameters
    ----------
    folder : Path
        An empty one.
    """

    def __init__(self, folder: Path) -> None:
        self._cache = EmbeddingCache(folder)
        self._space = Space(
            fingerprint="a benchmark",
            pooling="mean",
            layer=6,
            prompt="",
            max_length=256,
            overflow="cut",
            precision="float32",
            dtype="float32",
        )

    def write(self, keys: Keys, vectors: Vectors) -> None:
        """Keep rows under texts made of the keys.

        Parameters
        ----------
        keys : sequence of bytes
            One for each row.
        vectors : float32 of shape (n_rows, width)
            The rows.
        """
        lengths = np.zeros(len(keys), np.int64)
        self._cache.put(self._space, _texts(keys), vectors, lengths)

    def read(self, keys: Keys) -> Vectors:
        """Look texts up.

        Parameters
        ----------
        keys : sequence of bytes
            All known.

        Returns
        -------
        float32 of shape (n_rows, width)
            In the order of the keys.
        """
        return self._cache.get(self._space, _texts(keys), WIDTH).vectors


PLACES: dict[str, Callable[[Path], Place]] = {
    "SQLite, a row per vector": SqliteRows,
    "LMDB, a value per vector": LmdbRows,
    "numpy memory map": MappedRows,
    "Arrow memory map": ArrowRows,
    "EmbeddingCache (LMDB, blocks)": CacheRows,
}


@dataclass(frozen=True)
class StoreSpeed:
    """What one place costs.

    Parameters
    ----------
    name : str
        Which.
    written, read : float
        Rows per second; reading is the median over batches drawn at random.
    bytes_per_row : float
        On disk, of 1,536 that the numbers take.
    """

    name: str
    written: float
    read: float
    bytes_per_row: float


def run_stores(rows: int = ROWS) -> list[StoreSpeed]:
    """Time all places, one after the other.

    Parameters
    ----------
    rows : int, default=100000
        Vectors of 384 float32 each.

    Returns
    -------
    list of StoreSpeed
        One for each place.
    """
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((rows, WIDTH), dtype=np.float32)
    keys = [rng.bytes(16) for _ in range(rows)]
    return [_time(name, make, keys, vectors) for name, make in PLACES.items()]


def format_stores(speeds: list[StoreSpeed]) -> str:
    """Write the speeds as a table.

    Parameters
    ----------
    speeds : list of StoreSpeed
        What was measured.

    Returns
    -------
    str
        One line per place.
    """
    lines = [
        [one.name, f"{one.written:,.0f}", f"{one.read:,.0f}", f"{one.bytes_per_row:,.0f}"]
        for one in speeds
    ]
    return format_table(["place", "rows/s written", "rows/s read", "bytes/row"], lines)


def _time(name: str, make: Callable[[Path], Place], keys: Keys, vectors: Vectors) -> StoreSpeed:
    folder = Path(tempfile.mkdtemp())
    try:
        place = make(folder)
        start = time.perf_counter()
        for first in range(0, len(keys), WRITTEN_AT_ONCE):
            place.write(
                keys[first : first + WRITTEN_AT_ONCE], vectors[first : first + WRITTEN_AT_ONCE]
            )
        written = len(keys) / (time.perf_counter() - start)
        read = _time_reading(place, keys, vectors)
        used = sum(path.stat().st_blocks * 512 for path in folder.rglob("*"))
        return StoreSpeed(name, written, read, used / len(keys))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _time_reading(place: Place, keys: Keys, vectors: Vectors) -> float:
    order = np.random.default_rng(1).permutation(len(keys))
    seconds = []
    for first in range(0, len(keys), READ_AT_ONCE):
        rows = order[first : first + READ_AT_ONCE]
        asked = [keys[row] for row in rows]
        start = time.perf_counter()
        found = place.read(asked)
        seconds.append((time.perf_counter() - start) / len(rows))
        if not np.array_equal(found, vectors[rows]):
            raise RuntimeError("a store gave other rows than were written")
    return 1 / statistics.median(seconds)


def _joined(values: list[Any]) -> Vectors:
    return np.frombuffer(b"".join(values), np.float32).reshape(-1, WIDTH)


def _texts(keys: Keys) -> list[str]:
    return [key.hex() * 2 for key in keys]
