"""Masked copies of windows, packed into batches within a budget of tokens.

They are made when they are asked for: a text of n tokens has n copies of up to the encoder's
limit, which are never all there at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skencoder.batching import TokenBudget
from skencoder.errors import MaskingError
from skencoder.pseudo_likelihood.masking import Copies, Mask
from skencoder.tokenization import Ids, Index


@dataclass(frozen=True)
class CopyBatch:
    """Masked copies, end to end.

    Parameters
    ----------
    input_ids : int32 of shape (tokens,)
        With special tokens and masks.
    lengths : int64 of shape (copies,)
        Tokens of each copy.
    positions : int64 of shape (scored,)
        Where in ``input_ids`` a score is read.
    targets : int32 of shape (scored,)
        The token that stands there in the text.
    sources : int64 of shape (scored,)
        The place of that token among the tokens of all texts.
    """

    input_ids: Ids
    lengths: Index
    positions: Index
    targets: Ids
    sources: Index

    def halves(self) -> "tuple[CopyBatch, CopyBatch]":
        """Cut the batch in two.

        Returns
        -------
        pair of CopyBatch
            The first half of its copies, and the rest.
        """
        copies = len(self.lengths) // 2
        tokens = int(self.lengths[:copies].sum())
        scored = int(np.searchsorted(self.positions, tokens))
        return (
            CopyBatch(
                self.input_ids[:tokens],
                self.lengths[:copies],
                self.positions[:scored],
                self.targets[:scored],
                self.sources[:scored],
            ),
            CopyBatch(
                self.input_ids[tokens:],
                self.lengths[copies:],
                self.positions[scored:] - tokens,
                self.targets[scored:],
                self.sources[scored:],
            ),
        )


@dataclass(frozen=True)
class MaskedWindow:
    """One window and its copies.

    Parameters
    ----------
    framed : int32 of shape (length,)
        Its ids between the special tokens.
    lead : int
        Special tokens before it.
    start : int
        Place of its first token among the tokens of all texts.
    copies : Copies
        What is masked in each, and scored.
    """

    framed: Ids
    lead: int
    start: int
    copies: Copies

    @property
    def cost(self) -> int:
        """Tokens of all its copies."""
        return len(self.copies) * len(self.framed)

    def make(self, rows: slice, mask_id: int) -> CopyBatch:
        """Write some of the copies down.

        Parameters
        ----------
        rows : slice
            Which copies.
        mask_id : int
            The mask's id.

        Returns
        -------
        CopyBatch
            These copies.
        """
        masked, scored = (
            self._frame(part) for part in (self.copies.masked(rows), self.copies.scored(rows))
        )
        # (copies, length)
        input_ids = np.where(masked, np.int32(mask_id), self.framed)
        copy, place = np.nonzero(scored)
        return CopyBatch(
            input_ids=input_ids.ravel(),
            lengths=np.full(len(masked), len(self.framed), np.int64),
            positions=copy * len(self.framed) + place,
            targets=self.framed[place],
            sources=place - self.lead + self.start,
        )

    def _frame(self, body: Mask) -> Mask:
        framed: NDArray[np.bool_] = np.zeros((len(body), len(self.framed)), bool)
        framed[:, self.lead : self.lead + body.shape[1]] = body
        return framed


def pack_copies(
    windows: Iterator[MaskedWindow], mask_id: int, batch_tokens: int, budget: TokenBudget
) -> Iterator[CopyBatch]:
    """Pack the copies of windows into batches.

    Parameters
    ----------
    windows : iterator of MaskedWindow
        In the order of encoding, equal lengths together.
    mask_id : int
        The mask's id.
    batch_tokens : int
        Most tokens of a batch; a longer copy is a batch of its own.
    budget : TokenBudget
        What is left of that where memory ran out; asked for each batch.

    Yields
    ------
    CopyBatch
        Every copy stands in exactly one.
    """
    parts: list[CopyBatch] = []
    used = 0
    for window in windows:
        done, length = 0, len(window.framed)
        while done < len(window.copies):
            room = (budget.within(batch_tokens) - used) // length
            if room < 1 and used:
                yield join(parts)
                parts, used = [], 0
                continue
            take = min(max(room, 1), len(window.copies) - done)
            parts.append(window.make(slice(done, done + take), mask_id))
            done, used = done + take, used + take * length
    if parts:
        yield join(parts)


def join(parts: list[CopyBatch]) -> CopyBatch:
    """Put several lots of copies one after the other.

    Parameters
    ----------
    parts : list of CopyBatch
        At least one.

    Returns
    -------
    CopyBatch
        All their copies.
    """
    before = np.cumsum([0, *(len(part.input_ids) for part in parts[:-1])])
    return CopyBatch(
        input_ids=np.concatenate([part.input_ids for part in parts]),
        lengths=np.concatenate([part.lengths for part in parts]),
        positions=np.concatenate(
            [part.positions + base for part, base in zip(parts, before, strict=True)]
        ),
        targets=np.concatenate([part.targets for part in parts]),
        sources=np.concatenate([part.sources for part in parts]),
    )


def check_masked(batch: CopyBatch) -> None:
    """Refuse copies in which a token can be read where it is to be guessed.

    Parameters
    ----------
    batch : CopyBatch
        Masked copies.

    Raises
    ------
    MaskingError
        If a token that is scored still stands in its place.
    """
    seen = batch.input_ids[batch.positions] == batch.targets
    if seen.any():
        raise MaskingError(
            f"{int(seen.sum())} of {len(seen)} tokens to be scored stand unmasked in the input "
            f"(id {int(batch.targets[seen][0])}); their probability would be about 1 and mean "
            f"nothing. The mask token of this checkpoint is an ordinary token of its texts: "
            f"check mask_token in its tokenizer_config.json."
        )
