"""A lock that a child made by fork finds open, whoever held it in the parent."""

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

Lock = AbstractContextManager[Any]


class ForkLock:
    """Gives the lock of this process.

    Parameters
    ----------
    make : callable, default=threading.Lock
        Makes a lock.
    """

    def __init__(self, make: Callable[[], Lock] = threading.Lock) -> None:
        self._make = make
        self._renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        # Another thread may have held the old one when the process was forked.
        self._lock = self._make()

    @property
    def mine(self) -> Lock:
        """The lock; who has entered it leaves that same one, even if a fork comes in between."""
        return self._lock
