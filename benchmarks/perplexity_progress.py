"""A bar with the remaining time, on a terminal, for texts of which each costs what it costs."""

import sys
from collections.abc import Sequence
from types import TracebackType


class ScoringBar:
    """Shows how much of the work is done, on standard error if that is a terminal.

    Parameters
    ----------
    costs : sequence of float
        Of the texts that are to be scored, in any unit that time grows with.
    """

    def __init__(self, costs: Sequence[float]) -> None:
        self._costs = costs
        self._lot = 0.0
        self._before = self._shown = 0.0

    def __enter__(self) -> "ScoringBar":
        from tqdm import tqdm

        self._bar = tqdm(
            total=sum(self._costs),
            desc=f"Scoring {len(self._costs)} texts",
            file=sys.stderr,
            disable=not (self._costs and sys.stderr.isatty()),
            bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed} passed, {remaining} left",
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._move(sum(self._costs))
        self._bar.close()

    def begin(self, costs: Sequence[float]) -> None:
        """Hear which texts come next.

        Parameters
        ----------
        costs : sequence of float
            Theirs.
        """
        self._before += self._lot
        self._lot = sum(costs)
        self._move(self._before)

    def advance(self, share: float) -> None:
        """Hear how much of these is done.

        Parameters
        ----------
        share : float
            From 0 to 1.
        """
        self._move(self._before + share * self._lot)

    def _move(self, place: float) -> None:
        self._bar.update(place - self._shown)
        self._shown = place
