"""Which windows a long text is read in, and in which of them each token gets its score.

Nothing is dropped and nothing is scored twice. What is masked in a window stands in `masking`.
"""

from dataclasses import dataclass

import numpy as np

from skencoder.tokenization import Index, TokenizedTexts


@dataclass(frozen=True)
class ScoringWindows:
    """Pieces of texts, each short enough for the encoder.

    Parameters
    ----------
    rows : int64 of shape (n_windows,)
        The text each piece is of.
    starts, stops : int64 of shape (n_windows,)
        Where it begins and ends in the flat ids, in tokens.
    firsts, lasts : int64 of shape (n_windows,)
        First token that gets its score here, and the first one after, in the flat ids.
    """

    rows: Index
    starts: Index
    stops: Index
    firsts: Index
    lasts: Index

    @property
    def lengths(self) -> Index:
        """Tokens of each window, int64 of shape (n_windows,)."""
        return self.stops - self.starts

    def counts(self, n_texts: int) -> Index:
        """Count the windows of each text.

        Parameters
        ----------
        n_texts : int
            How many texts there are.

        Returns
        -------
        int64 of shape (n_texts,)
            0 for a text without a token.
        """
        return np.bincount(self.rows, minlength=n_texts).astype(np.int64)


def plan_scoring_windows(texts: TokenizedTexts, limit: int, stride: int) -> ScoringWindows:
    """Lay windows over texts; a token is scored where it has the most context on both sides.

    Each window begins ``stride`` tokens after the one before; the last one ends with its text, so
    that it is as long as the others.

    Parameters
    ----------
    texts : TokenizedTexts
        Without special tokens.
    limit : int
        Longest window, in tokens.
    stride : int
        From one window's beginning to the next one's, in tokens, at most ``limit``.

    Returns
    -------
    ScoringWindows
        In row order; a text without a token has none.
    """
    parts = [_plan_text(int(length), limit, stride) for length in texts.lengths]
    counts = np.fromiter(map(len, parts), np.int64, len(parts))
    rows = np.repeat(np.arange(len(texts)), counts)
    starts, stops, firsts, lasts = np.concatenate([np.zeros((0, 4), np.int64), *parts]).T
    base = texts.offsets[rows]
    return ScoringWindows(rows, starts + base, stops + base, firsts + base, lasts + base)


def _plan_text(length: int, limit: int, stride: int) -> Index:
    if not length:
        return np.zeros((0, 4), np.int64)
    last = max(length - limit, 0)
    starts: Index = np.unique(np.arange(0, last + stride, stride).clip(max=last))
    stops = np.minimum(starts + limit, length)
    # Halfway through what two windows share, the context lost in one is won in the other.
    firsts = (starts[1:] + stops[:-1] - 1) // 2 + 1
    return np.stack([starts, stops, np.append(0, firsts), np.append(firsts, length)], axis=1)
