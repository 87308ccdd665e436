"""Rows on disk: an LMDB environment that threads and processes share.

Rows that are written together stand together in a block; an index says where a key's row is.
Blocks are numbered in the order of writing, so the oldest are the first. LMDB writes a transaction
whole or not at all; the checksums in the rows guard against what else happens to the file.
"""

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder.cache.counters import Counters
from skencoder.cache.environment import Environment, Handle
from skencoder.cache.keys import KEY_BYTES
from skencoder.cache.records import KEY_WORDS, Layout, Words
from skencoder.fork_lock import ForkLock

# Small enough to be dropped one by one when room is needed.
BLOCK_BYTES = 2**20
# What is left when a bound is passed, so that not every write has to make room.
KEPT_WHEN_FULL = 0.9
BLOCKS_AT_ONCE = 64
# What a row takes in the index, whose pages are not all full.
INDEX_BYTES = 100
# What a write takes besides, in pages that it fills in part.
PAGES_BYTES = 2**14
DTYPES = ("float32", "float16")
_PLACE = struct.Struct("=QQ")
_NOWHERE = _PLACE.pack(2**64 - 1, 0)
_HEADER = struct.Struct("=8sQQQ")


@dataclass(frozen=True)
class Block:
    """Rows that were written together.

    Parameters
    ----------
    number : int
        In the order of writing.
    space_id : bytes
        First 8 bytes of the digest of the rows' space.
    layout : Layout
        Of a row.
    records : uint64 of shape (n_rows, words)
        The rows; valid as long as the transaction they were read in.
    """

    number: int
    space_id: bytes
    layout: Layout
    records: Words

    @property
    def n_whole(self) -> int:
        """Rows that are undamaged."""
        return int(self.layout.is_whole(self.records, self.records[:, :KEY_WORDS]).sum())


class Store:
    """Reads and writes rows.

    Parameters
    ----------
    environment : Environment
        Where they lie.
    """

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def get(self, keys: Sequence[bytes], layout: Layout) -> tuple[Words, NDArray[np.bool_]]:
        """Read rows.

        Parameters
        ----------
        keys : sequence of bytes of shape (n_rows,)
            16 bytes each.
        layout : Layout
            What their rows look like.

        Returns
        -------
        uint64 of shape (n_rows, words)
            The rows; those that were not found are left undefined.
        bool of shape (n_rows,)
            Which were found, in whatever condition.
        """
        records = np.empty((len(keys), layout.words), np.uint64)
        found = np.zeros(len(keys), bool)
        with self.environment.begin() as (txn, handle):
            get = txn.cursor(handle.index).get
            places = np.frombuffer(b"".join([get(k, _NOWHERE) for k in keys]), np.uint64)
            places = places.reshape(-1, 2)
            for number, rows in _by_block(places[:, 0]):
                value = txn.get(_number(number), db=handle.blocks)
                block = None if value is None else parse_block(number, value)
                if block is None or block.layout != layout:
                    continue
                within = places[rows, 1].astype(np.intp)
                there = within < len(block.records)
                records[rows[there]] = block.records[within[there]]
                found[rows[there]] = True
        return records, found

    def put(self, space_id: bytes, layout: Layout, records: Words, limit: int | None) -> None:
        """Write rows in one transaction; when this returns, they are there.

        Parameters
        ----------
        space_id : bytes
            First 8 bytes of the digest of their space.
        layout : Layout
            What they look like.
        records : uint64 of shape (n_rows, words)
            The rows.
        limit : int or None
            Most bytes that all rows may take; the oldest are dropped.
        """
        step = max(1, BLOCK_BYTES // (layout.words * 8))
        row_bytes = layout.words * 8 + INDEX_BYTES
        if limit is not None:
            records = records[-max(1, int(limit * KEPT_WHEN_FULL - PAGES_BYTES) // row_bytes) :]
        with self.environment.begin(write=True) as (txn, handle):
            if limit is not None:
                _make_room(txn, handle, limit, len(records) * row_bytes + PAGES_BYTES)
            number = _last_number(txn, handle.blocks) + 1
            index = txn.cursor(handle.index)
            for start in range(0, len(records), step):
                part = records[start : start + step]
                value = _pack_block(space_id, layout, part)
                txn.put(_number(number), value, db=handle.blocks, append=True)
                places = [_PLACE.pack(number, row) for row in range(len(part))]
                index.putmulti(list(zip(_keys(part), places, strict=True)))
                number += 1

    def prune(self, max_bytes: int) -> None:
        """Drop the oldest rows until the rest takes no more than this.

        Parameters
        ----------
        max_bytes : int
            What may remain, in bytes.
        """
        more = True
        while more:
            with self.environment.begin(write=True) as (txn, handle):
                for _ in range(BLOCKS_AT_ONCE):
                    more = handle.used_bytes(txn) > max_bytes and _drop_oldest(txn, handle)
                    if not more:
                        break
        self.environment.compact()

    def clear(self) -> None:
        """Drop all rows and facts."""
        with self.environment.begin(write=True) as (txn, handle):
            for database in (handle.index, handle.blocks, handle.facts):
                txn.drop(database, delete=False)
        self.environment.compact()

    def blocks(self) -> Iterator[Block | None]:
        """Go through all blocks, oldest first, as they are at the beginning.

        Yields
        ------
        Block or None
            None for one that cannot be read.
        """
        with self.environment.begin() as (txn, handle):
            for key, value in txn.cursor(handle.blocks):
                yield parse_block(int.from_bytes(bytes(key), "big"), value)

    def size(self) -> tuple[int, int]:
        """Measure what is there.

        Returns
        -------
        int
            Rows in the index.
        int
            Bytes in use.
        """
        with self.environment.begin() as (txn, handle):
            return int(txn.stat(handle.index)["entries"]), handle.used_bytes(txn)

    def put_fact(self, name: str, fact: dict[str, Any]) -> None:
        """Keep something small under a name.

        Parameters
        ----------
        name : str
            At most 400 bytes in UTF-8.
        fact : dict
            What JSON can hold.
        """
        content = json.dumps(fact).encode()
        with self.environment.begin(write=True) as (txn, handle):
            checked = zlib.crc32(content).to_bytes(4, "big") + content
            txn.put(name.encode(), checked, db=handle.facts)

    def get_fact(self, name: str) -> dict[str, Any] | None:
        """Give back what is kept under a name.

        Parameters
        ----------
        name : str
            As it was put.

        Returns
        -------
        dict or None
            None where there is nothing, or it is damaged.
        """
        with self.environment.begin() as (txn, handle):
            value = txn.get(name.encode(), db=handle.facts)
            checksum, content = (bytes(value[:4]), bytes(value[4:])) if value else (b"", b"")
        if checksum != zlib.crc32(content).to_bytes(4, "big"):
            return None
        fact: dict[str, Any] = json.loads(content)
        return fact


@dataclass(frozen=True)
class Folder:
    """A cache's folder, as one process uses it.

    Parameters
    ----------
    store : Store
        Its rows.
    counters : Counters
        What was done with them.
    """

    store: Store
    counters: Counters


_folders: dict[Path, Folder] = {}
_guard = ForkLock()


def open_folder(path: Path, *, durable: bool, read_only: bool = False) -> Folder:
    """Give a folder, the same object whenever this process asks.

    Parameters
    ----------
    path : Path
        Absolute.
    durable : bool
        Whether what was written outlives a power failure.
    read_only : bool, default=False
        Whether nothing may be written; counts for the first who asks.

    Returns
    -------
    Folder
        Opened when it is used; LMDB allows one environment per folder and process.
    """
    with _guard.mine:
        if path not in _folders:
            environment = Environment(path, durable=durable, read_only=read_only)
            _folders[path] = Folder(Store(environment), Counters(path))
        return _folders[path]


def space_fact(space_id: bytes) -> str:
    """Name the fact that describes a space.

    Parameters
    ----------
    space_id : bytes
        First 8 bytes of its digest.

    Returns
    -------
    str
        For `Store.get_fact`.
    """
    return f"space/{space_id.hex()}"


def parse_block(number: int, value: memoryview) -> Block | None:
    """Read a block's header.

    Parameters
    ----------
    number : int
        The block's.
    value : memoryview
        Its bytes.

    Returns
    -------
    Block or None
        None if the header does not fit the bytes.
    """
    if len(value) < _HEADER.size:
        return None
    space_id, width, dtype, n_rows = _HEADER.unpack_from(value)
    if dtype >= len(DTYPES):
        return None
    layout = Layout(width, DTYPES[dtype])
    if _HEADER.size + n_rows * layout.words * 8 != len(value):
        return None
    records = np.frombuffer(value, np.uint64, offset=_HEADER.size).reshape(n_rows, layout.words)
    return Block(number, space_id, layout, records)


def _pack_block(space_id: bytes, layout: Layout, records: Words) -> bytes:
    # Width and dtype are in the header, so that a block explains itself.
    header = _HEADER.pack(space_id, layout.width, DTYPES.index(layout.dtype), len(records))
    return header + records.tobytes()


def _make_room(txn: Any, handle: Handle, limit: int, n_bytes: int) -> None:
    if handle.used_bytes(txn) + n_bytes > limit:
        while handle.used_bytes(txn) + n_bytes > limit * KEPT_WHEN_FULL:
            if not _drop_oldest(txn, handle):
                return


def _drop_oldest(txn: Any, handle: Handle) -> bool:
    """Drop a block and the places that point into it; False where there is none."""
    cursor = txn.cursor(handle.blocks)
    if not cursor.first():
        return False
    number = int.from_bytes(bytes(cursor.key()), "big")
    block = parse_block(number, cursor.value())
    for key in _keys(block.records) if block is not None else ():
        place = txn.get(key, db=handle.index)
        # The key may have been written again since, to a younger block.
        if place is not None and _PLACE.unpack(place)[0] == number:
            txn.delete(key, db=handle.index)
    return bool(cursor.delete())


def _keys(records: Words) -> list[bytes]:
    joined = np.ascontiguousarray(records[:, :KEY_WORDS]).tobytes()
    return [joined[start : start + KEY_BYTES] for start in range(0, len(joined), KEY_BYTES)]


def _by_block(numbers: Words) -> Iterator[tuple[int, NDArray[np.intp]]]:
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    cuts = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    for rows in np.split(order, cuts) if len(order) else ():
        number = int(numbers[rows[0]])
        if number != 2**64 - 1:
            yield number, rows


def _number(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _last_number(txn: Any, blocks: Any) -> int:
    cursor = txn.cursor(blocks)
    return int.from_bytes(bytes(cursor.key()), "big") if cursor.last() else -1
