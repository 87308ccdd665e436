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

try:
    import fcntl
except ImportError:  # not on Windows, where the file of a cache never shrinks
    fcntl = None  # type: ignore[assignment]

# Address space, not memory and not disk; what a file may grow to. Halved where there is less.
MAP_BYTES = 2**40
LEAST_MAP_BYTES = 2**28
MAX_READERS = 1022
# A new environment maps its lock file; on a disk without room, touching it would end the process.
LEAST_FREE_BYTES = 2**20
DATA_FILE = "data.mdb"
USERS_FILE = "users.lock"
_DATABASES = (b"index", b"blocks", b"facts")


@dataclass(frozen=True)
class Handle:
    """An open environment.

    Parameters
    ----------
    env : lmdb.Environment
        Of this process.
    users : int or None
        Descriptor of the file whose shared lock says that somebody uses the folder.
    index, blocks, facts : lmdb database
        Key to place, number to rows, name to something small.
    """

    env: Any
    users: int | None
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
        if self.users is not None:
            os.close(self.users)


class Environment:
    """A folder that holds an LMDB environment.

    Parameters
    ----------
    folder : Path
        Where it is, or will be made.
    durable : bool
        Whether what was written outlives a power failure; a killed process it outlives anyway.
    """

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.folder = folder
        self.durable = durable
        self._lock = threading.Lock()
        self._handle: Handle | None = None
        self._running = 0
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
        with self._lock:
            handle = self._handle = self._handle or self._open()
            self._running += 1
        try:
            with handle.env.begin(write=write, buffers=True) as txn:
                yield txn, handle
        finally:
            with self._lock:
                self._running -= 1

    def close(self) -> None:
        """Close it where nobody is in the middle of something; the next use opens it again."""
        with self._lock:
            if self._handle is not None and not self._running:
                self._handle.close()
                self._handle = None

    def forget(self) -> None:
        """Close what was inherited by fork; the parent's is not touched."""
        self._lock = threading.Lock()
        self._running = 0
        self.close()

    def compact(self) -> bool:
        """Give the room of dropped rows back to the disk, if nobody else uses the folder.

        Returns
        -------
        bool
            Whether it was done; other rows take that room in any case.
        """
        with self._lock:
            handle = self._handle = self._handle or self._open()
            if self._running or not _lock_alone(handle.users):
                return False
            copy = self.folder / "compact"
            shutil.rmtree(copy, ignore_errors=True)
            try:
                copy.mkdir()
                handle.env.copy(str(copy), compact=True)
                handle.env.close()
                (copy / DATA_FILE).replace(self.folder / DATA_FILE)
            finally:
                shutil.rmtree(copy, ignore_errors=True)
                # Those who wait for the lock open the new file.
                handle.close()
                self._handle = None
            return True

    def _open(self) -> Handle:
        read_only = not self._make_folder()
        users = _lock_shared(self.folder / USERS_FILE)
        env = _open_lmdb(self.folder, self.durable, read_only)
        try:
            _check_size(env, self.folder / DATA_FILE)
            env.reader_check()
            databases = [env.open_db(name, create=not read_only) for name in _DATABASES]
        except BaseException:
            env.close()
            raise
        return Handle(env, users, *databases)

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


def _lock_shared(path: Path) -> int | None:
    """Say that this process uses the folder; None where that cannot be said."""
    if fcntl is None:
        return None
    try:
        users = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    fcntl.flock(users, fcntl.LOCK_SH)
    return users


def _lock_alone(users: int | None) -> bool:
    if fcntl is None or users is None:
        return False
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        # A failed try may have let go of the lock that was held.
        fcntl.flock(users, fcntl.LOCK_SH)
        return False
    return True


def _open_lmdb(folder: Path, durable: bool, read_only: bool) -> Any:
    size = MAP_BYTES
    while True:
        try:
            return lmdb.open(
                str(folder),
                map_size=size,
                readonly=read_only,
                lock=not read_only,
                sync=durable,
                metasync=durable,
                max_dbs=len(_DATABASES),
                max_readers=MAX_READERS,
                mode=0o600,
            )
        except (lmdb.MemoryError, MemoryError):
            size //= 2
            if size < LEAST_MAP_BYTES:
                raise


def _check_size(env: Any, path: Path) -> None:
    """Refuse a file that was cut short: reading beyond its end would end the process."""
    expected = (env.info()["last_pgno"] + 1) * env.stat()["psize"]
    found = path.stat().st_size
    if found < expected:
        raise lmdb.CorruptedError(f"{path} has {found} bytes, but says it has {expected}")


_environments: WeakSet[Environment] = WeakSet()


def _forget_all() -> None:
    for environment in list(_environments):
        environment.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
