"""What was done with a cache, counted over all processes, without a lock or a write to wait for.

Each process has a line of numbers of its own in a small mapped file; the lines of those that are
gone are added up in the first.
"""

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

NAMES = ("hits", "misses", "texts_encoded", "model_loads", "damaged")
LINES = 512
_FILE = "counters"
_WIDTH = 8  # 64 bytes: a line of the processor's cache
_BYTES = LINES * _WIDTH * 8


class Counters:
    """The counters of a folder.

    Parameters
    ----------
    folder : Path
        Where their file is; counted in memory only where it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        self._lock = threading.Lock()
        self._line: NDArray[np.int64] | None = None
        self._is_shared = False
        _counters.add(self)

    def add(self, **numbers: int) -> None:
        """Count.

        Parameters
        ----------
        **numbers : int
            How much is added, by the names in ``NAMES``.
        """
        with self._lock:
            if self._line is None:
                self._line = self._claim()
            for name, number in numbers.items():
                self._line[1 + NAMES.index(name)] += number

    def total(self) -> dict[str, int]:
        """Add up what all processes counted.

        Returns
        -------
        dict of str to int
            By the names in ``NAMES``.
        """
        with self._lock:
            lines = self._map("r")
            sums = np.zeros(_WIDTH, np.int64) if lines is None else lines.sum(0)
            if self._line is not None and not self._is_shared:
                sums = sums + self._line
        return dict(zip(NAMES, map(int, sums[1:]), strict=False))

    def reset(self) -> None:
        """Begin again at zero, for all processes."""
        with self._lock:
            lines = self._map("r+")
            if lines is not None:
                lines[:, 1:] = 0
            if self._line is not None:
                self._line[1:] = 0

    def forget(self) -> None:
        """Leave the line that was inherited by fork to the parent."""
        self._lock = threading.Lock()
        self._line = None

    def _claim(self) -> NDArray[np.int64]:
        self._is_shared = True
        with suppress(OSError, NotImplementedError), FileLock(f"{self._path}.lock"):
            self._make_file()
            lines = self._map("r+")
            line = None if lines is None else _free_line(lines)
            if line is not None:
                return line
        self._is_shared = False
        return np.zeros(_WIDTH, np.int64)

    def _make_file(self) -> None:
        if self._path.exists() and self._path.stat().st_size == _BYTES:
            return
        # Written and not only mapped: a mapped hole on a full disk would end the process.
        draft = self._path.with_name(f"{_FILE}.new")
        draft.write_bytes(bytes(_BYTES))
        draft.replace(self._path)

    def _map(self, mode: Any) -> NDArray[np.int64] | None:
        try:
            if self._path.stat().st_size != _BYTES:
                return None
            lines = np.memmap(self._path, np.int64, mode, shape=(LINES, _WIDTH))
        except (OSError, ValueError):
            return None
        return np.asarray(lines, np.int64)


def _free_line(lines: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Take the line of this process or of one that is gone, whose numbers go to the first line."""
    owners = lines[1:, 0]
    for place in [*np.flatnonzero(owners == os.getpid()), *np.flatnonzero(owners != os.getpid())]:
        line: NDArray[np.int64] = lines[1 + place]
        if not _is_running(int(line[0])):
            lines[0, 1:] += line[1:]
            line[1:] = 0
            line[0] = os.getpid()
        if line[0] == os.getpid():
            return line
    return None


def _is_running(pid: int) -> bool:
    if pid == 0:
        return False
    if os.name == "nt":
        return True  # asking would end it there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


_counters: WeakSet[Counters] = WeakSet()


def _forget_all() -> None:
    for counters in list(_counters):
        counters.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
