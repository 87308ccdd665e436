"""A bar with the remaining time for texts whose cost grows with the square of their length."""

import sys
from collections.abc import Sequence
from types import TracebackType


class ScoringBar:
    """Shows how much of the work is done, on standard error if that is a terminal.

    Parameters
    ----------
    lengths : sequence of int
        Characters of the texts that are to be scored.
    """

    def __init__(self, lengths: Sequence[int]) -> None:
        self._lengths = lengths
        self._lot = 0.0
        self._before = self._shown = 0.0

    def __enter__(self) -> "ScoringBar":
        from tqdm import tqdm

        self._bar = tqdm(
            total=_cost(self._lengths),
            desc=f"Scoring {len(self._lengths)} texts",
            file=sys.stderr,
            disable=not (self._lengths and sys.stderr.isatty()),
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
            self._move(_cost(self._lengths))
        self._bar.close()

    def begin(self, lengths: Sequence[int]) -> None:
        """Hear which texts come next.

        Parameters
        ----------
        lengths : sequence of int
            Their characters.
        """
        self._before += self._lot
        self._lot = _cost(lengths)
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


def _cost(lengths: Sequence[int]) -> float:
    # As many copies as tokens, each as long as the text, up to about a window's 2,000 characters.
    return float(sum(length * min(length, 2000) for length in lengths))
