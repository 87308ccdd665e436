"""Which piece or pieces of a text are encoded, where it is longer than the encoder reads.

Special tokens are put around the pieces in `tokenizer`.
"""

from dataclasses import dataclass

import numpy as np

from skencoder.tokenization.flat import Index, TokenizedTexts, offsets_of


@dataclass(frozen=True)
class Windows:
    """Pieces of texts, each short enough for the encoder.

    Parameters
    ----------
    rows : int64 of shape (n_windows,)
        The text each piece is of.
    starts, stops : int64 of shape (n_windows,)
        Where it begins and ends in the flat ids, in tokens.
    leads : int64 of shape (n_windows,)
        Tokens from the beginning of its text put before it, such as a prompt's.
    """

    rows: Index
    starts: Index
    stops: Index
    leads: Index


def plan_windows(texts: TokenizedTexts, limit: int, overlap: int | None, lead: int = 0) -> Windows:
    """Decide which piece or pieces of each text are encoded.

    Parameters
    ----------
    texts : TokenizedTexts
        Without special tokens.
    limit : int
        Longest piece, in tokens, the lead included.
    overlap : int or None
        Tokens that neighbouring pieces share; None takes the first piece only.
    lead : int, default=0
        Tokens at the beginning of a text that is cut, such as a prompt's, put before each of its
        pieces.

    Returns
    -------
    Windows
        In row order; every text has at least one, an empty text an empty one.
    """
    leads = np.zeros_like(texts.lengths)
    if overlap is not None:
        leads[texts.lengths > limit] = lead
    bodies, room = texts.lengths - leads, limit - leads
    if overlap is None:
        counts, step = np.ones_like(bodies), np.zeros_like(bodies)
    else:
        step = room - overlap
        counts = 1 + np.maximum(0, -(-(bodies - room) // step))
    rows = np.repeat(np.arange(len(texts)), counts)
    places = np.arange(counts.sum()) - np.repeat(offsets_of(counts)[:-1], counts)
    starts = texts.offsets[rows] + leads[rows] + places * step[rows]
    stops = np.minimum(starts + room[rows], texts.offsets[rows + 1])
    return Windows(rows, starts, stops, leads[rows])
