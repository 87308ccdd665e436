"""Taking turns: every engine is timed in every round, so that all meet the same disturbances."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

logger = logging.getLogger(__name__)

# Does its work once and says how many seconds it took.
Timed = Callable[[], float]
Times = dict[str, list[float]]
PAUSE = 0.25


def take_turns(actions: Mapping[str, Timed], *, rounds: int, pause: float = PAUSE) -> Times:
    """Time everything in every round.

    The order is turned round after each round, so that nothing always runs on a processor
    that another one has warmed up.

    Parameters
    ----------
    actions : mapping of str to callable
        Warmed up; each does its work and returns seconds.
    rounds : int
        How often.
    pause : float, default=0.25
        Seconds of rest before each; libraries keep their threads busy for up to 0.2 s after
        their work, which would slow down whatever comes next.

    Returns
    -------
    dict of str to list of float
        Seconds of each round, by name.
    """
    seconds: Times = {name: [] for name in actions}
    for number in range(rounds):
        for name in list(actions)[:: 1 if number % 2 == 0 else -1]:
            time.sleep(pause)
            seconds[name].append(actions[name]())
        logger.info("round %d of %d done", number + 1, rounds)
    return seconds


def seconds_of(call: Callable[..., Any], *arguments: Any) -> float:
    """Time one call.

    Parameters
    ----------
    call : callable
        What is timed.
    *arguments : any
        What it is given.

    Returns
    -------
    float
        Wall time in seconds.
    """
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start


def seconds_of_one(call: Callable[[list[str]], Any], texts: Sequence[str]) -> float:
    """Time calls with a single text each.

    Parameters
    ----------
    call : callable
        What is timed.
    texts : sequence of str
        At least one.

    Returns
    -------
    float
        Median wall time of a call in seconds.
    """
    return median(seconds_of(call, [text]) for text in texts)
