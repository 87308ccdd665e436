"""Sizes rounded up, so that few shapes serve all batches; texts nobody asked for fill the rest.

There is still no padding inside a text: tokens that fill a bucket form texts of their own at the
end, whose vectors are dropped. What is done with a bucket stands in graphs.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from skencoder.encoder.packing import Boundaries
from skencoder.encoder.ragged import RaggedRun

# Steps per doubling: fewer make fewer shapes and more filling. A filled token costs a whole
# forward pass; a filled text costs one token; the longest text is only a limit.
TOKEN_STEPS, TEXT_STEPS, LENGTH_STEPS = 8, 4, 4
LEAST_TOKENS, LEAST_LENGTH = 16, 8
# Attention may lay a bucket out as texts times longest: at most this many times its tokens, or
# this many places in all.
MOST_PLACES_PER_TOKEN, FREE_PLACES = 2, 4096


@dataclass(frozen=True)
class Bucket:
    """The shape that a batch is filled up to.

    Parameters
    ----------
    tokens : int
        Of all texts together.
    texts : int
        Texts, at least one of them a filling one.
    longest : int
        No text has more tokens.
    """

    tokens: int
    texts: int
    longest: int

    @classmethod
    def around(cls, lengths: Sequence[int], limit: int) -> "Bucket | None":
        """Choose the bucket of a batch.

        Parameters
        ----------
        lengths : sequence of int of shape (batch,)
            Tokens of each text.
        limit : int
            Most tokens that the encoder takes in one text.

        Returns
        -------
        Bucket or None
            None where the texts differ so much in length that one block of them is mostly empty.
        """
        used = sum(lengths)
        longest = min(limit, round_up(max(*lengths, LEAST_LENGTH), LENGTH_STEPS))
        # Filling texts of one token could not take what rounding the tokens up leaves over.
        if longest < 2:  # noqa: PLR2004
            return None
        texts = round_up(len(lengths) + 1, TEXT_STEPS)
        bucket = cls(_tokens_for(used, texts - len(lengths)), texts, longest)
        while bucket.tokens - used > (bucket.texts - len(lengths)) * longest:
            texts = round_up(bucket.texts + 1, TEXT_STEPS)
            bucket = cls(_tokens_for(used, texts - len(lengths)), texts, longest)
        places = bucket.texts * longest
        return bucket if places <= max(MOST_PLACES_PER_TOKEN * used, FREE_PLACES) else None

    def pack(self, input_ids: Tensor, lengths: Sequence[int], *, pinned: bool = False) -> Tensor:
        """Fill a batch up, all in one tensor, so that it is sent to a device at once.

        Parameters
        ----------
        input_ids : int of shape (tokens,)
            Token ids on the host, texts packed end to end.
        lengths : sequence of int of shape (batch,)
            Tokens of each text; `around` gave this bucket for them.
        pinned : bool, default=False
            Whether to use memory from which a GPU copies while the host goes on.

        Returns
        -------
        int32 of shape (self.tokens + self.texts + 1,)
            Ids, then ``cu_seqlens``, on the host.
        """
        packed = torch.zeros(self.tokens + self.texts + 1, dtype=torch.int32, pin_memory=pinned)
        packed[: len(input_ids)] = input_ids
        filling, texts = self.tokens - len(input_ids), self.texts - len(lengths)
        each, longer = divmod(filling, texts)
        whole = [*lengths, *[each + 1] * longer, *[each] * (texts - longer)]
        starts = packed[self.tokens + 1 :]
        torch.cumsum(torch.tensor(whole, dtype=torch.int32), 0, dtype=torch.int32, out=starts)
        return packed

    def unpack(self, packed: Tensor) -> tuple[Tensor, Boundaries]:
        """Read ids and boundaries out of what `pack` gave, without asking the device.

        Parameters
        ----------
        packed : int32 of shape (self.tokens + self.texts + 1,)
            On any device.

        Returns
        -------
        int32 of shape (self.tokens,)
            Token ids.
        Boundaries
            Of ``self.texts`` texts, of whose lengths the host knows only the limits.
        """
        block = RaggedRun(0, self.texts, self.longest, self.tokens)
        return packed[: self.tokens], Boundaries(packed[self.tokens :], (block,))


def _tokens_for(used: int, filling_texts: int) -> int:
    return max(LEAST_TOKENS, round_up(used + filling_texts, TOKEN_STEPS))


def round_up(number: int, steps: int) -> int:
    """Round a size up, so that few remain.

    Parameters
    ----------
    number : int
        At least 1.
    steps : int
        Sizes from one power of two to the next.

    Returns
    -------
    int
        At most ``1 + 1 / steps`` times as large.
    """
    step = max(1, (1 << (number.bit_length() - 1)) // steps)
    return -(-number // step) * step
