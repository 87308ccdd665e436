"""Who uses a folder: a shared lock says that somebody does, an exclusive one that nobody else."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # not on Windows, where the file of a cache never shrinks
    fcntl = None  # type: ignore[assignment]

USERS_FILE = "users.lock"
COMPACT_FILE = "compact.lock"


class Users:
    """The part that this process has in using a folder.

    Parameters
    ----------
    folder : Path
        Which; waits while somebody compacts it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shared = _open(folder / USERS_FILE)
        if self._shared is not None and not _lock(self._shared, exclusive=False):
            self.leave()

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Keep everybody else out, if nobody else is there.

        Yields
        ------
        bool
            Whether this process is alone until the end.
        """
        # Only one may ask at a time: a failed try lets go of the shared lock for a moment.
        asking = _open(self._folder / COMPACT_FILE)
        try:
            first = asking is not None and _lock(asking, exclusive=True)
            mine = self._shared
            alone = first and mine is not None and _lock(mine, exclusive=True)
            yield alone
            # Where it has not left in the meantime, it is one of several again.
            if first and self._shared is not None:
                _lock(self._shared, exclusive=False)
        finally:
            if asking is not None:
                os.close(asking)

    def leave(self) -> None:
        """Use it no more."""
        if self._shared is not None:
            os.close(self._shared)
            self._shared = None


def _open(path: Path) -> int | None:
    """Open a file to lock it; None where that cannot be done."""
    if fcntl is None:
        return None
    try:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None


def _lock(descriptor: int, *, exclusive: bool) -> bool:
    how = fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH
    try:
        fcntl.flock(descriptor, how)
    except OSError:
        return False
    return True
