"""Texts cut into windows that a masked-language model reads whole, each token with its word."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import TrainingError
from skencoder.tokenization import Index, TextTokenizer, TokenizedTexts, plan_windows
from skencoder.training.batches import random_rows


@dataclass(frozen=True)
class MaskedRows:
    """Windows of texts, and what may be masked in them.

    Parameters
    ----------
    texts : TokenizedTexts
        The windows, with special tokens.
    words : int64 of shape (tokens,)
        Number of the word each token is a piece of, counted through all texts; -1 for special
        tokens.
    maskable : bool of shape (tokens,)
        False for special tokens.
    origins : int64 of shape (n_windows,)
        The text that each window is of.
    """

    texts: TokenizedTexts
    words: Index
    maskable: NDArray[np.bool_]
    origins: Index

    def take_rows(self, rows: Index) -> "MaskedRows":
        """Copy some windows out.

        Parameters
        ----------
        rows : int64 of shape (n_taken,)
            Which.

        Returns
        -------
        MaskedRows
            In the order asked for.
        """
        places = self.texts.places_of(rows)
        return MaskedRows(
            self.texts.take_rows(rows),
            self.words[places],
            self.maskable[places],
            self.origins[rows],
        )


def read_masked_rows(
    texts: Sequence[str], tokenizer: TextTokenizer, max_length: int
) -> MaskedRows:
    """Tokenize texts and cut long ones into windows one after the other.

    Parameters
    ----------
    texts : sequence of str
        Texts that `skencoder.text_checks` let pass.
    tokenizer : TextTokenizer
        Of the model.
    max_length : int
        Tokens of a window, special tokens included.

    Returns
    -------
    MaskedRows
        Windows in the order of the texts. Left out are those in which nothing can be masked: of
        empty texts, and of texts that only name special tokens, such as "[SEP]".

    Raises
    ------
    TrainingError
        If no window is left.
    """
    read = tokenizer.read_words(texts)
    windows = plan_windows(read.tokens, max_length - tokenizer.n_special, overlap=0)
    framed = tokenizer.add_special_tokens(read.tokens, windows)
    # Numbering the source's tokens and framing the numbers says where each token came from.
    numbered = TokenizedTexts(
        np.arange(len(read.tokens.input_ids), dtype=np.int32), read.tokens.offsets
    )
    source = tokenizer.add_special_tokens(numbered, windows).input_ids
    own = _own_places(framed, len(tokenizer.prefix), len(tokenizer.suffix))
    words, ordinary = np.full(len(own), -1, np.int64), np.zeros(len(own), bool)
    words[own], ordinary[own] = read.words[source[own]], read.ordinary[source[own]]
    rows = MaskedRows(framed, words, ordinary, windows.rows)
    ordinary_before = np.concatenate([[0], np.cumsum(ordinary)])
    kept = np.flatnonzero(np.diff(ordinary_before[framed.offsets]))
    if not len(kept):
        raise TrainingError(
            f"None of {len(texts)} texts has a token that can be masked; give texts with words."
        )
    return rows.take_rows(kept)


def whole_texts(origins: Index, count: int, rng: np.random.Generator) -> Index:
    """Draw windows, all of a text or none: a window between others of its text is half known.

    Parameters
    ----------
    origins : int64 of shape (n_windows,)
        The text that each window is of.
    count : int
        How many at most; more where the shortest text has more.
    rng : numpy Generator
        Draws them.

    Returns
    -------
    int64 of shape (n_drawn,)
        In rising order; where all windows are of one text, some of them.
    """
    texts, sizes = np.unique(origins, return_counts=True)
    if len(texts) == 1:
        return random_rows(len(origins), count, rng)
    order = rng.permutation(len(texts))
    room, drawn = count, []
    for place in order:
        if sizes[place] <= room:
            drawn.append(place)
            room -= sizes[place]
        if not room:
            break
    chosen = texts[drawn] if drawn else texts[order[[sizes[order].argmin()]]]
    return np.flatnonzero(np.isin(origins, chosen))


def _own_places(framed: TokenizedTexts, prefix: int, suffix: int) -> NDArray[np.bool_]:
    own = np.ones(len(framed.input_ids), bool)
    for place in range(prefix):
        own[framed.offsets[:-1] + place] = False
    for place in range(suffix):
        own[framed.offsets[1:] - 1 - place] = False
    return own
