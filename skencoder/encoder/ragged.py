"""Neighbouring texts of unequal length as one block, and where padding puts their tokens.

Only the limits of such a block are known on the host; its lengths are read on the device, so that
nothing waits for it. Texts of equal length stand in packing.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from skencoder.encoder.packing import Run

# A block may be padded by this part of its tokens, or by this many, whichever is more: below
# that, one call more costs a GPU more than the padding does.
PADDED_SHARE, PADDED_TOKENS = 0.25, 1024


@dataclass(frozen=True)
class RaggedRun(Run):
    """Neighbouring texts of at most ``sequence`` tokens each, ``tokens`` in all.

    Parameters
    ----------
    start : int
        Index of the first token, in tokens.
    batch : int
        Number of texts.
    sequence : int
        Most tokens of any of them.
    tokens : int
        Tokens of all together.
    """

    tokens: int

    @property
    def stop(self) -> int:
        """Index one past the last token."""
        return self.start + self.tokens


def merge_runs(runs: Iterable[Run]) -> list[Run]:
    """Join neighbouring runs while little padding makes a rectangle of them.

    Parameters
    ----------
    runs : iterable of Run
        In order.

    Returns
    -------
    list of Run
        The same texts in fewer blocks; `RaggedRun` where lengths differ.
    """
    blocks: list[Run] = []
    for run in runs:
        joined = _join(blocks[-1], run) if blocks else None
        if joined is None:
            blocks.append(run)
        else:
            blocks[-1] = joined
    return blocks


def _join(block: Run, run: Run) -> RaggedRun | None:
    batch, sequence = block.batch + run.batch, max(block.sequence, run.sequence)
    tokens = run.stop - block.start
    padding = batch * sequence - tokens
    if padding > max(PADDED_SHARE * tokens, PADDED_TOKENS):
        return None
    return RaggedRun(block.start, batch, sequence, tokens)


@dataclass(frozen=True)
class Rectangle:
    """A block's tokens laid out as (batch, sequence), each text from the left.

    Parameters
    ----------
    rows : int64 of shape (batch * sequence,)
        Which of the block's tokens stands at each place; padding repeats a text's last one.
    real : bool of shape (batch, sequence)
        False at padding.
    places : int64 of shape (tokens,)
        Where each of the block's tokens stands.
    """

    rows: Tensor
    real: Tensor
    places: Tensor

    @classmethod
    def of(cls, lengths: Tensor, sequence: int, tokens: int) -> "Rectangle":
        """Lay texts out without asking the device for their lengths.

        Parameters
        ----------
        lengths : int of shape (batch,)
            Tokens of each text, at least 1.
        sequence : int
            Width of the rectangle; no text is longer.
        tokens : int
            Sum of the lengths.

        Returns
        -------
        Rectangle
            On the device of ``lengths``.
        """
        lengths = lengths.long()
        starts = lengths.cumsum(0) - lengths
        columns = torch.arange(sequence, device=lengths.device)
        real = columns < lengths[:, None]
        rows = starts[:, None] + torch.minimum(columns, lengths[:, None] - 1)
        # Token t of a text that begins at s stands s' - s further right, s' its row's beginning.
        shift = torch.arange(len(lengths), device=lengths.device) * sequence - starts
        places = torch.arange(tokens, device=lengths.device)
        places = places + shift.repeat_interleave(lengths, output_size=tokens)
        return cls(rows.flatten(), real, places)
