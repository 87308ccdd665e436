"""A bar over tasks with the remaining time, on a terminal; log lines are written above it."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def task_bar(total: int) -> Iterator[Callable[[], None]]:
    """Show how many tasks are done until the end of a block.

    Parameters
    ----------
    total : int
        Tasks to run.

    Yields
    ------
    callable
        To be called after each task.
    """
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    shown = total > 1 and sys.stderr.isatty()
    with ExitStack() as stack:
        bar = stack.enter_context(
            tqdm(total=total, desc="Tasks", unit=" tasks", file=sys.stderr, disable=not shown)
        )
        if shown:
            stack.enter_context(logging_redirect_tqdm([logging.getLogger(__package__)]))

        def advance() -> None:
            bar.update()

        yield advance
