"""Which tokens of a window are masked together, and which of these are scored: arrays only.

Where the windows of a text lie stands in `windows`; how copies become batches in `copies`.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skencoder.tokenization import Ids, Index

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class WindowTokens:
    """The tokens of one window, special ones around it left out.

    Parameters
    ----------
    words : int64 of shape (body,)
        Number of the word that each token is a piece of.
    scored : bool of shape (body,)
        Which tokens get their score in this window.
    drawn : bool of shape (body,)
        Which tokens were drawn for the masked-LM loss.
    """

    words: Index
    scored: Mask
    drawn: Mask


class Copies(Protocol):
    """Copies of a window that differ in what is masked."""

    def __len__(self) -> int:
        """Count the copies."""

    def masked(self, rows: slice) -> Mask:
        """Say what is masked in some of the copies.

        Parameters
        ----------
        rows : slice
            Which copies.

        Returns
        -------
        bool of shape (copies, body)
            True where a mask goes.
        """

    def scored(self, rows: slice) -> Mask:
        """Say what is scored in some of the copies.

        Parameters
        ----------
        rows : slice
            Which copies.

        Returns
        -------
        bool of shape (copies, body)
            True where a score is read.
        """


@dataclass(frozen=True)
class MaskedSpans:
    """Copies in each of which neighbouring tokens are masked.

    Parameters
    ----------
    body : int
        Tokens of the window.
    mask : int64 of shape (copies, 2)
        First token that is masked, and the first one after.
    score : int64 of shape (copies, 2)
        First token that is scored, and the first one after.
    """

    body: int
    mask: Index
    score: Index

    def __len__(self) -> int:
        return len(self.mask)

    def masked(self, rows: slice) -> Mask:
        """Say what is masked in some of the copies.

        Parameters
        ----------
        rows : slice
            Which copies.

        Returns
        -------
        bool of shape (copies, body)
            True where a mask goes.
        """
        return _between(self.mask[rows], self.body)

    def scored(self, rows: slice) -> Mask:
        """Say what is scored in some of the copies.

        Parameters
        ----------
        rows : slice
            Which copies.

        Returns
        -------
        bool of shape (copies, body)
            True where a score is read.
        """
        return _between(self.score[rows], self.body)


@dataclass(frozen=True)
class OneCopy:
    """All drawn tokens are masked in one copy.

    Parameters
    ----------
    drawn : bool of shape (body,)
        What is masked.
    read : bool of shape (body,)
        What is scored of it.
    """

    drawn: Mask
    read: Mask

    def __len__(self) -> int:
        return int(self.read.any())

    def masked(self, rows: slice) -> Mask:
        """Say what is masked in some of the copies.

        Parameters
        ----------
        rows : slice
            Which copies.

        Returns
        -------
        bool of shape (copies, body)
            True where a mask goes.
        """
        return self.drawn[None][: len(self)][rows]

    def scored(self, rows: slice) -> Mask:
        """Say what is scored in some of the copies.

        Parameters
        ----------
        rows : slice
            Which copies.

        Returns
        -------
        bool of shape (copies, body)
            True where a score is read.
        """
        return self.read[None][: len(self)][rows]


def mask_tokens(window: WindowTokens) -> MaskedSpans:
    """Mask one token at a time.

    Parameters
    ----------
    window : WindowTokens
        Its tokens.

    Returns
    -------
    MaskedSpans
        One copy per scored token.

    References
    ----------
    .. [1] Salazar, Liang, Nguyen & Kirchhoff (2020), Masked language model scoring,
       arXiv:1910.14659.
    """
    spans = _singles(window)
    return MaskedSpans(len(window.words), spans, spans)


def mask_word_left_to_right(window: WindowTokens) -> MaskedSpans:
    """Mask a token and the later pieces of its word, so that they cannot give it away.

    Parameters
    ----------
    window : WindowTokens
        Its tokens.

    Returns
    -------
    MaskedSpans
        One copy per scored token.

    References
    ----------
    .. [1] Kauf & Ivanova (2023), A better way to do masked language model scoring,
       arXiv:2305.10588.
    """
    score = _singles(window)
    _, stops = _word_bounds(window.words)
    mask = np.stack([score[:, 0], stops[score[:, 0]]], axis=1)
    return MaskedSpans(len(window.words), mask, score)


def mask_words(window: WindowTokens) -> MaskedSpans:
    """Mask a word at a time, all its pieces together.

    Parameters
    ----------
    window : WindowTokens
        Its tokens.

    Returns
    -------
    MaskedSpans
        One copy per word with a scored token.
    """
    places = np.flatnonzero(window.scored)
    starts, stops = _word_bounds(window.words)
    firsts = np.flatnonzero(np.diff(starts[places], prepend=-1))
    lasts = np.append(firsts[1:], len(places))[: len(firsts)] - 1
    score = np.stack([places[firsts], places[lasts] + 1], axis=1)
    mask = np.stack([starts[score[:, 0]], stops[score[:, 0]]], axis=1)
    return MaskedSpans(len(window.words), mask, score)


def mask_drawn(window: WindowTokens) -> OneCopy:
    """Mask all tokens that were drawn, as in training.

    Parameters
    ----------
    window : WindowTokens
        Its tokens.

    Returns
    -------
    OneCopy
        No copy where nothing was drawn.
    """
    return OneCopy(window.drawn, window.drawn & window.scored)


MASKINGS: dict[str, Callable[[WindowTokens], Copies]] = {
    "pll": mask_tokens,
    "pll-word-l2r": mask_word_left_to_right,
    "whole-word": mask_words,
    "mlm-loss": mask_drawn,
}
# Scores only part of a text's tokens, drawn at random.
DRAWING = "mlm-loss"


def draw_tokens(input_ids: Ids, ordinary: Mask, probability: float, seed: int) -> Mask:
    """Draw the tokens of a text that are masked for the masked-LM loss.

    The draw depends on the text's own ids and the seed, on no other text.

    Parameters
    ----------
    input_ids : int32 of shape (tokens,)
        Of one text.
    ordinary : bool of shape (tokens,)
        Which may be drawn.
    probability : float
        Share of these that is drawn, rounded; at least one is.
    seed : int
        Of the draw.

    Returns
    -------
    bool of shape (tokens,)
        True for the drawn ones.
    """
    drawn = np.zeros(len(input_ids), bool)
    places = np.flatnonzero(ordinary)
    if not len(places):
        return drawn
    digest = hashlib.sha256(np.ascontiguousarray(input_ids, "<i4").tobytes()).digest()
    rng = np.random.default_rng([seed, *np.frombuffer(digest, "<u4").tolist()])
    number = max(1, round(probability * len(places)))
    drawn[rng.choice(places, number, replace=False)] = True
    return drawn


def _singles(window: WindowTokens) -> Index:
    places = np.flatnonzero(window.scored)
    return np.stack([places, places + 1], axis=1)


def _word_bounds(words: Index) -> tuple[Index, Index]:
    """Give the first token of each token's word within the window, and the first one after it."""
    begins = np.flatnonzero(np.diff(words, prepend=words[:1] - 1))
    ends = np.append(begins[1:], len(words))[: len(begins)]
    lengths = ends - begins
    return np.repeat(begins, lengths), np.repeat(ends, lengths)


def _between(spans: Index, length: int) -> Mask:
    # (copies, 2) -> (copies, length)
    places = np.arange(length)
    inside: Mask = (places >= spans[:, :1]) & (places < spans[:, 1:])
    return inside
