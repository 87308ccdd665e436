"""Texts packed end to end, and where each begins. There is no padding in the core."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import torch
from torch import Tensor


@dataclass(frozen=True)
class Run:
    """Neighbouring texts of one length, which attention can take as one block.

    Parameters
    ----------
    start : int
        Index of the first token, in tokens.
    batch : int
        Number of texts.
    sequence : int
        Length of each of them, in tokens.
    """

    start: int
    batch: int
    sequence: int

    @property
    def stop(self) -> int:
        """Index one past the last token."""
        return self.start + self.batch * self.sequence


@dataclass(frozen=True)
class Boundaries:
    """Where each text of a packed batch begins, worked out once for all layers.

    Parameters
    ----------
    cu_seqlens : int32 of shape (batch + 1,)
        Where each text begins, in tokens; the last entry is ``tokens``.
    runs : tuple of Run
        Neighbouring texts of equal length, in order.
    """

    cu_seqlens: Tensor
    runs: tuple[Run, ...]

    @classmethod
    def from_lengths(
        cls, lengths: Sequence[int], device: torch.device | str = "cpu"
    ) -> "Boundaries":
        """Count up text lengths.

        Parameters
        ----------
        lengths : sequence of int of shape (batch,)
            Tokens of each text, known on the host, so that no device has to be asked.
        device : torch.device or str, default="cpu"
            Where ``cu_seqlens`` is needed.

        Returns
        -------
        Boundaries
            Of ``batch`` texts.

        Raises
        ------
        ValueError
            If there is no text or a text has no token.
        """
        if not lengths or min(lengths) < 1:
            raise ValueError(
                f"Every text needs at least one token; got lengths {list(lengths)[:10]}."
            )
        cu_seqlens = torch.zeros(len(lengths) + 1, dtype=torch.int32)
        torch.cumsum(torch.tensor(lengths, dtype=torch.int32), 0, out=cu_seqlens[1:])
        return cls(cu_seqlens.to(device), _find_runs(lengths))

    @classmethod
    def from_cu_seqlens(cls, cu_seqlens: Tensor) -> "Boundaries":
        """Read the lengths back from ``cu_seqlens`` (waits for its device).

        Parameters
        ----------
        cu_seqlens : int of shape (batch + 1,)
            Where each text begins, in tokens; the last entry is ``tokens``.

        Returns
        -------
        Boundaries
            On the device of ``cu_seqlens``.

        Raises
        ------
        ValueError
            If it does not begin with 0 or a text has no token.
        """
        starts = cu_seqlens.tolist()
        if not starts or starts[0] != 0:
            raise ValueError(f"cu_seqlens must begin with 0; got {starts[:10]}.")
        lengths = [stop - start for start, stop in pairwise(starts)]
        return cls.from_lengths(lengths, cu_seqlens.device)

    @property
    def lengths(self) -> Tensor:
        """Tokens of each text, int32 of shape (batch,)."""
        return self.cu_seqlens.diff()

    @property
    def n_tokens(self) -> int:
        """Tokens of all texts."""
        return self.runs[-1].stop

    @property
    def longest(self) -> int:
        """Length of the longest text, in tokens."""
        return max(run.sequence for run in self.runs)

    def position_ids(self) -> Tensor:
        """Place of each token in its own text, counted from 0.

        Returns
        -------
        int32 of shape (tokens,)
            On the device of ``cu_seqlens``.
        """
        tokens = self.n_tokens
        starts = self.cu_seqlens[:-1].repeat_interleave(self.lengths, output_size=tokens)
        return torch.arange(tokens, dtype=torch.int32, device=starts.device) - starts


def _find_runs(lengths: Sequence[int]) -> tuple[Run, ...]:
    runs: list[Run] = []
    start = 0
    for sequence, group in groupby(lengths):
        runs.append(Run(start, sum(1 for _ in group), sequence))
        start = runs[-1].stop
    return tuple(runs)
