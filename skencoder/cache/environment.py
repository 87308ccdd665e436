"""Opening an LMDB environment: once per process, again after a fork, read-only if need be."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakSet

import lmdb

from skencoder.cache.users import Users

# Address space, not memory and not disk; what a file may grow to. Halved where there is less.
MAP_BYTES = 2**40
LEAST_MAP_BYTES = 2**28
MAX_READERS = 1022
# A new environment maps its lock file; on a disk without room, touching it would end the process.
LEAST_FREE_BYTES = 2**20
DATA_FILE = "data.mdb"
SECONDS_BEFORE_FORK = 10.0
_DATABASES = (b"index", b"blocks", b"facts")


@dataclass(frozen=True)
class Handle:
    """An open environment.

    Parameters
    ----------
    env : lmdb.Environment
        Of this process.
    users : Users
        Who else uses the folder.
    inode : int
        Of the file that is open.
    index, blocks, facts : lmdb database
        Key to place, number to rows, name to something small.
    """

    env: Any
    users: Users
    inode: int
    index: Any
    blocks: Any
    facts: Any

    def used_bytes(self, txn: Any) -> int:
        """Count the bytes that are in use.

        Parameters
        ----------
        txn : lmdb.Transaction
            As it sees them.

        Returns
        -------
        int
            Pages of all databases, in bytes.
        """
        stats = [txn.stat(database) for database in (self.index, self.blocks, self.facts)]
        pages = ("branch_pages", "leaf_pages", "overflow_pages")
        return sum(stat["psize"] * sum(stat[name] for name in pages) for stat in stats)

    def close(self) -> None:
        """Close it."""
        self.env.close()
        self.users.leave()


class Environment:
    """A folder that holds an LMDB environment.

    Parameters
    ----------
    folder : Path
        Where it is, or will be made.
    durable : bool
        Whether what was written outlives a power failure; a killed process it outlives anyway.
    read_only : bool, default=False
        Whether nothing may be written even where that is possible.
    """

    def __init__(self, folder: Path, *, durable: bool, read_only: bool = False) -> None:
        self.folder = folder
        self.durable = durable
        self.read_only = read_only
        self._idle = threading.Condition()
        self._handle: Handle | None = None
        self._running = 0
        self._forking = False
        _environments.add(self)

    @contextmanager
    def begin(self, *, write: bool = False) -> Iterator[tuple[Any, Handle]]:
        """Run a transaction; it is committed at the end, or undone by an error.

        Parameters
        ----------
        write : bool, default=False
            Whether it writes; only one does at a time.

        Yields
        ------
        lmdb.Transaction
            What it reads are memoryviews that are valid until its end.
        Handle
            The environment's databases.

        Raises
        ------
        OSError
            If the folder or its files cannot be used.
        lmdb.Error
            If the files are no environment, or a damaged one.
        """
        with self._idle:
            self._idle.wait_for(lambda: not self._forking, SECONDS_BEFORE_FORK)
            handle = self._opened()
            self._running += 1
        try:
            with handle.env.begin(write=write, buffers=True) as txn:
                yield txn, handle
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def compact(self) -> bool:
        """Give the room of dropped rows back to the disk, if nobody else uses the folder.

        Returns
        -------
        bool
            Whether it was done; other rows take that room in any case.
        """
        with self._idle:
            handle = self._opened()
            if self._running or self._forking:
                return False
            with handle.users.alone() as alone:
                return alone and self._replace(handle)

    def rest(self) -> bool:
        """Close it if nobody uses it just now; the next use opens it again.

        Returns
        -------
        bool
            Whether it was open, and is not any more.
        """
        # Whoever opens another environment holds its lock, and must not wait for this one's.
        if not self._idle.acquire(blocking=False):
            return False
        try:
            if self._handle is None or self._running:
                return False
            self._handle.close()
            self._handle = None
            return True
        finally:
            self._idle.release()

    def hold(self) -> None:
        """Let no transaction begin, and wait for those that run: a child inherits none of them."""
        with self._idle:
            self._forking = True
            self._idle.wait_for(lambda: not self._running, SECONDS_BEFORE_FORK)

    def go_on(self) -> None:
        """Let transactions begin again."""
        with self._idle:
            self._forking = False
            self._idle.notify_all()

    def forget(self) -> None:
        """Close what was inherited by fork; the parent's is not touched."""
        self._idle = threading.Condition()
        self._running = 0
        self._forking = False
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def _opened(self) -> Handle:
        """Give what is open, unless somebody has deleted or replaced the file."""
        if self._handle is not None and not self._running:
            try:
                same = (self.folder / DATA_FILE).stat().st_ino == self._handle.inode
            except OSError:
                same = False
            if not same:
                self._handle.close()
                self._handle = None
        self._handle = self._handle or self._open()
        return self._handle

    def _replace(self, handle: Handle) -> bool:
        copy = self.folder / "compact"
        shutil.rmtree(copy, ignore_errors=True)
        try:
            copy.mkdir()
            handle.env.copy(str(copy), compact=True)
            _flush(copy / DATA_FILE)
            handle.env.close()
            self._handle = None
            (copy / DATA_FILE).replace(self.folder / DATA_FILE)
            _flush(self.folder)
        except (lmdb.Error, OSError):
            # Compacting takes room for a moment, which may be what there is none of.
            return False
        finally:
            shutil.rmtree(copy, ignore_errors=True)
            if self._handle is None:
                handle.users.leave()
        return True

    def _open(self) -> Handle:
        read_only = self.read_only or not self._make_folder()
        users = Users(self.folder)
        env = None
        try:
            env = _open_lmdb(self.folder, self.durable, read_only)
            _check_size(env, self.folder / DATA_FILE, read_only)
            if not read_only:
                env.reader_check()
            databases = [env.open_db(name, create=not read_only) for name in _DATABASES]
            inode = (self.folder / DATA_FILE).stat().st_ino
        except BaseException:
            if env is not None:
                env.close()
            users.leave()
            raise
        return Handle(env, users, inode, *databases)

    def _make_folder(self) -> bool:
        """Make the folder where it is missing, and tell whether it can be written."""
        new = not (self.folder / DATA_FILE).exists()
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(self.folder, os.W_OK)
        if new and not writable:
            raise PermissionError(f"{self.folder} cannot be written")
        if new and shutil.disk_usage(self.folder).free < LEAST_FREE_BYTES:
            raise OSError(f"the disk of {self.folder} is full")
        return writable


def _open_lmdb(folder: Path, durable: bool, read_only: bool) -> Any:
    size = MAP_BYTES
    while True:
        try:
            return lmdb.open(
                str(folder),
                map_size=size,
                readonly=read_only,
                # A reader without the lock file is unseen by writers; where the folder cannot be
                # written there is no other way.
                lock=not read_only or os.access(folder / "lock.mdb", os.W_OK),
                sync=durable,
                metasync=durable,
                max_dbs=len(_DATABASES),
                max_readers=MAX_READERS,
                mode=0o600,
            )
        except (lmdb.Error, MemoryError) as error:
            if not _lacks_addresses(error) or size <= LEAST_MAP_BYTES:
                raise
            if not _close_idle():
                size //= 2


def _lacks_addresses(error: Exception) -> bool:
    return isinstance(error, MemoryError | lmdb.MemoryError) or "allocate" in str(error)


def _close_idle() -> bool:
    """Close what nobody uses just now, and tell whether that was any."""
    return any([environment.rest() for environment in list(_environments)])


def _check_size(env: Any, path: Path, read_only: bool) -> None:
    """See to it that every page is in the file: reading beyond its end would end the process.

    LMDB leaves out pages at the end that nothing refers to. A file that was cut short gets zeros,
    which LMDB and the rows' checksums tell from what was written.
    """

    def missing() -> int:
        expected = (env.info()["last_pgno"] + 1) * env.stat()["psize"]
        return int(expected) if path.stat().st_size < expected else 0

    if not missing():
        return
    if read_only:
        raise lmdb.CorruptedError(f"{path} is shorter than it says")
    # While this transaction runs, nobody else lets the file grow.
    with env.begin(write=True):
        size = missing()
        if size:
            os.truncate(path, size)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_environments: WeakSet[Environment] = WeakSet()
_held: list[Environment] = []


def _before_fork() -> None:
    # Held until after the fork, so that none comes or goes in between.
    _held[:] = list(_environments)
    for environment in _held:
        environment.hold()


def _after_fork_in_parent() -> None:
    for environment in _held:
        environment.go_on()
    _held.clear()


def _after_fork_in_child() -> None:
    for environment in _held:
        environment.forget()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
