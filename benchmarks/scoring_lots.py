"""Work cut into lots of about ten seconds, by what it costs and how fast the last lot was."""

import time
from collections.abc import Callable, Iterator, Sequence

# What is finished is kept after each lot, so a kill costs about this, or a single text.
SECONDS_PER_LOT = 10.0
# A short lot says little of how fast a long one is.
LARGEST_GROWTH = 4


def cut_lots(
    costs: Sequence[float], clock: Callable[[], float] = time.perf_counter
) -> Iterator[range]:
    """Cut work into lots; each is to be done before the next is asked for.

    Parameters
    ----------
    costs : sequence of float of length n
        Of each piece, in any unit that time grows with.
    clock : callable, optional
        Gives the time, in seconds.

    Yields
    ------
    range
        The pieces of a lot: one at first, then as many as `SECONDS_PER_LOT` seem enough for, one
        at least. Each piece is in exactly one.
    """
    start, budget, largest = 0, 0.0, 0.0
    while start < len(costs):
        stop, cost = start + 1, costs[start]
        while stop < len(costs) and cost + costs[stop] <= budget:
            cost += costs[stop]
            stop += 1
        began = clock()
        yield range(start, stop)
        seconds = max(clock() - began, 1e-3)
        start, largest = stop, max(largest, cost)
        budget = min(SECONDS_PER_LOT * cost / seconds, LARGEST_GROWTH * largest)
