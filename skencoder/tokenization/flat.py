"""Token ids of many texts in two arrays: all ids end to end, and where each text begins.

How texts become ids stands in the files beside this one; how they are cut in `windows`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class TokenizedTexts:
    """Token ids of several texts, end to end.

    Parameters
    ----------
    input_ids : int32 of shape (tokens,)
        Token ids.
    offsets : int64 of shape (n_texts + 1,)
        Where each text begins, in tokens; the last entry is ``tokens``.
    """

    input_ids: Ids
    offsets: Index

    @property
    def lengths(self) -> Index:
        """Tokens of each text, int64 of shape (n_texts,)."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take_rows(self, rows: Index) -> "TokenizedTexts":
        """Copy some texts out, in the order asked for.

        Parameters
        ----------
        rows : int64 of shape (n_taken,)
            Which texts; one may be asked for several times.

        Returns
        -------
        TokenizedTexts
            One entry per row.
        """
        return TokenizedTexts(self.input_ids[self.places_of(rows)], offsets_of(self.lengths[rows]))

    def places_of(self, rows: Index) -> Index:
        """Say where the tokens of some texts stand.

        Parameters
        ----------
        rows : int64 of shape (n_taken,)
            Which texts; one may be asked for several times.

        Returns
        -------
        int64 of shape (tokens,)
            Places in ``input_ids``, text by text in the order asked for.
        """
        starts = self.offsets[rows]
        return spans(starts, self.offsets[rows + 1] - starts)


def offsets_of(lengths: Index) -> Index:
    """Say where each of several pieces begins when they lie end to end.

    Parameters
    ----------
    lengths : int64 of shape (n_pieces,)
        Of each piece, in tokens.

    Returns
    -------
    int64 of shape (n_pieces + 1,)
        The last entry is the sum.
    """
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def spans(starts: Index, lengths: Index) -> Index:
    """List the places of several pieces, one piece after the other.

    Parameters
    ----------
    starts, lengths : int64 of shape (n_pieces,)
        Where each piece begins and how long it is.

    Returns
    -------
    int64 of shape (tokens,)
        ``starts[0], starts[0] + 1, ...``, then the next piece's.
    """
    offsets = offsets_of(lengths)
    places = np.arange(offsets[-1])
    places += np.repeat(starts - offsets[:-1], lengths)
    return places


def end_to_end(parts: Sequence[TokenizedTexts]) -> TokenizedTexts:
    """Put several lots of texts one after the other.

    Parameters
    ----------
    parts : sequence of TokenizedTexts
        In order; there may be none.

    Returns
    -------
    TokenizedTexts
        All their texts.
    """
    if len(parts) == 1:
        return parts[0]
    none = TokenizedTexts(np.zeros(0, np.int32), np.zeros(1, np.int64))
    parts = [none, *parts]
    lengths = np.concatenate([part.lengths for part in parts])
    return TokenizedTexts(np.concatenate([part.input_ids for part in parts]), offsets_of(lengths))
