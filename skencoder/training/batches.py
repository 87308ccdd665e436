"""From tokenized texts to batches on a device: packed, neighbours in length together."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from skencoder.batching import cut_batches, order_by_length
from skencoder.encoder import Boundaries
from skencoder.tokenization import Index, TokenizedTexts


@dataclass(frozen=True)
class PackedTexts:
    """Texts packed end to end, on a device.

    Parameters
    ----------
    input_ids : int of shape (tokens,)
        Token ids, special tokens included.
    boundaries : Boundaries
        Where each text begins.
    """

    input_ids: Tensor
    boundaries: Boundaries


def pack_texts(texts: TokenizedTexts, device: torch.device | str) -> PackedTexts:
    """Send texts to a device.

    Parameters
    ----------
    texts : TokenizedTexts
        With special tokens, each at least one token long.
    device : torch.device or str
        Where to.

    Returns
    -------
    PackedTexts
        In the same order.
    """
    input_ids = torch.from_numpy(texts.input_ids).to(device)
    return PackedTexts(input_ids, Boundaries.from_lengths(texts.lengths.tolist(), device))


def cut_by_tokens(lengths: Index, batch_tokens: int) -> list[Index]:
    """Divide texts among passes: neighbours in length, within a budget of tokens.

    Parameters
    ----------
    lengths : int64 of shape (n_texts,)
        Tokens of each text.
    batch_tokens : int
        Most tokens of a pass; a longer text is a pass of its own.

    Returns
    -------
    list of int64 arrays
        Texts of each pass; every text stands in exactly one.
    """
    order = order_by_length(lengths)
    return [order[piece] for piece in cut_batches(lengths[order], batch_tokens)]


def cut_rows(rows: Index, batch_size: int) -> list[Index]:
    """Cut rows into batches of one size, give or take one row.

    A full batch and a rest would be another thing to losses that compare the rows of a batch: a
    row that is left over alone has nothing to be compared with.

    Parameters
    ----------
    rows : int64 of shape (n_rows,)
        In order.
    batch_size : int
        Most rows of a batch.

    Returns
    -------
    list of int64 arrays
        In order; every row stands in exactly one.
    """
    return np.array_split(rows, -(-len(rows) // batch_size)) if len(rows) else []


def roomy_size(n_rows: int, batch_size: int, least: int) -> int:
    """Enlarge batches where `cut_rows` would leave some with too few rows to compare.

    Parameters
    ----------
    n_rows : int
        Rows that are cut into batches.
    batch_size : int
        Most rows of a batch that were asked for.
    least : int
        Fewest from which something is learned.

    Returns
    -------
    int
        A size at which no batch has fewer, where there are as many rows.
    """
    pieces = min(-(-n_rows // batch_size), max(1, n_rows // least))
    return max(batch_size, -(-n_rows // max(1, pieces)))


def random_rows(n_rows: int, count: int, rng: np.random.Generator) -> Index:
    """Draw rows.

    Parameters
    ----------
    n_rows : int
        What there is.
    count : int
        How many are drawn.
    rng : numpy Generator
        Draws them.

    Returns
    -------
    int64 of shape (count,)
        Each once, in rising order.
    """
    return np.sort(rng.permutation(n_rows)[:count])


def shuffled_batches(rows: Index, batch_size: int, rng: np.random.Generator) -> list[Index]:
    """Draw one pass over rows, in batches.

    Parameters
    ----------
    rows : int64 of shape (n_rows,)
        What to draw from.
    batch_size : int
        Most rows of a batch.
    rng : numpy Generator
        Draws the order.

    Returns
    -------
    list of int64 arrays
        Of one size, give or take one row; every row stands in exactly one.
    """
    return cut_rows(rng.permutation(rows), batch_size)
