"""As many threads for every search engine, whichever way it chooses their number."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from .environment import pinned_threads


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Limit all libraries until the end of a block.

    Those that are loaded already are told, those that come later read variables, and those that
    ask for nothing but cores, as usearch does, find only so many, where the system can tell them.

    Parameters
    ----------
    threads : int
        How many.

    Yields
    ------
    None
        Nothing.
    """
    with pinned_threads(threads), threadpool_limits(threads), _limited_cores(threads):
        yield


@contextmanager
def _limited_cores(n_cores: int) -> Iterator[None]:
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:n_cores])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
