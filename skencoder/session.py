"""A folder that a process and its workers share for as long as the process lives.

Workers of multiprocessing, loky and fork find it by their parent's process id, their own workers
by the environment. It is removed at exit; what a crash left behind is removed at the next start.
"""

import atexit
import os
import shutil
import stat
import tempfile
from multiprocessing import parent_process
from multiprocessing.util import Finalize
from pathlib import Path

from filelock import FileLock, Timeout

from skencoder.fork_lock import ForkLock

# Processes of another layout of the folder do not meet.
LAYOUT = 1
ENVIRONMENT = "SKENCODER_SESSION"
SECONDS_TO_WAIT = 10.0
_LOCK_FILE = "owner.lock"


class Session:
    """The folder of one process.

    Parameters
    ----------
    folder : Path
        Where it is.
    lock : FileLock or None
        Held while the owner lives; None in a worker.
    """

    def __init__(self, folder: Path, lock: FileLock | None) -> None:
        self.folder = folder
        self._lock = lock

    @property
    def is_own(self) -> bool:
        """Whether this process owns the folder, and does not only share it."""
        return self._lock is not None

    def remove(self) -> None:
        """Delete the folder, if it is this process's own."""
        if self._lock is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._lock.release()
            self._lock = None


_current: dict[int, Session] = {}
_guard = ForkLock()


def session() -> Session:
    """Give this process's session, or that of the process it works for.

    Returns
    -------
    Session
        Found or made.

    Raises
    ------
    OSError
        If no folder can be made among the temporary files.
    """
    pid = os.getpid()
    with _guard.mine:
        if pid not in _current:
            inherited = [former.folder for former in _current.values()]
            _current.clear()
            _current[pid] = _find(inherited) or _make()
            os.environ[ENVIRONMENT] = str(_current[pid].folder)
        return _current[pid]


def _base() -> Path:
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"skencoder-{user}-{LAYOUT}"


def _find(inherited: list[Path]) -> Session | None:
    """Look for the living session of a process that this one works for."""
    base, parent, folders = _base(), parent_process(), inherited
    # A program that was merely started from another one is on its own.
    if parent is not None:
        named = Path(os.environ.get(ENVIRONMENT, ""))
        folders = [*inherited, base / str(parent.pid), *([named] if named.parent == base else [])]
    ours = (folder for folder in folders if _is_ours(base) and _is_ours(folder))
    return next((Session(folder, None) for folder in ours if is_alive(folder)), None)


def is_alive(folder: Path, *, unsure: bool = False) -> bool:
    """Tell whether the owner of a session's folder is still there.

    Parameters
    ----------
    folder : Path
        Where the session would be.
    unsure : bool, default=False
        The answer where the system does not say.

    Returns
    -------
    bool
        False where there is no such folder.
    """
    lock = folder / _LOCK_FILE
    if not lock.is_file():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return unsure


def _make() -> Session:
    base = _base()
    base.mkdir(mode=0o700, exist_ok=True)
    if not _is_ours(base):
        raise PermissionError(
            f"{base} belongs to someone else, or others may write there; set TMPDIR to a folder "
            f"of yours."
        )
    try:
        # Between the folder and its lock nobody may take it for one that was left behind.
        with FileLock(base / "guard.lock", timeout=SECONDS_TO_WAIT):
            _remove_left_behind(base)
            return _make_folder(base / str(os.getpid()))
    except (Timeout, NotImplementedError) as error:
        raise OSError(f"{base} cannot be locked: {error}") from error


def _make_folder(folder: Path) -> Session:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    # Somebody who asks whether we live holds the lock for a moment.
    lock = FileLock(folder / _LOCK_FILE, timeout=SECONDS_TO_WAIT)
    lock.acquire()
    made = Session(folder, lock)
    atexit.register(_remove_at_exit, made, os.getpid())
    # A worker of multiprocessing leaves without atexit.
    Finalize(None, _remove_at_exit, (made, os.getpid()), exitpriority=0)
    return made


def _remove_at_exit(made: Session, pid: int) -> None:
    # A child made by fork inherits the registration, but not the folder.
    if os.getpid() == pid:
        made.remove()


def _is_ours(folder: Path) -> bool:
    """Tell whether a folder is this user's and nobody else may write there."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    mine = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    closed = os.name == "nt" or not status.st_mode & 0o077
    return stat.S_ISDIR(status.st_mode) and mine and closed


def _remove_left_behind(base: Path) -> None:
    for folder in base.iterdir():
        if folder.is_dir() and not is_alive(folder, unsure=True):
            shutil.rmtree(folder, ignore_errors=True)
