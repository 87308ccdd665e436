"""Tokens with the words they are pieces of: what masking needs beyond the ids themselves.

Plain ids, faster, stand in `reader`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from skencoder.tokenization.flat import Index, TokenizedTexts, offsets_of

# How published vocabularies write a piece that they do not know: it stands for text.
UNKNOWN_TOKENS = frozenset({"[UNK]", "<unk>", "<|unk|>"})
# Texts handed to the tokenizer at once: its objects are freed before the next lot.
TEXTS_AT_ONCE = 1024


@dataclass(frozen=True)
class WordedTexts:
    """Tokens of several texts, end to end, and what word each belongs to.

    Parameters
    ----------
    tokens : TokenizedTexts
        Their ids, without the special tokens around a text.
    places : int64 of shape (tokens, 2)
        First character of each token in its text, and the first one after it.
    words : int64 of shape (tokens,)
        Number of the word, counted through all texts: neighbours with one number are pieces of
        one word.
    ordinary : bool of shape (tokens,)
        False for special tokens that stand in the text itself, such as a literal "[SEP]".
    """

    tokens: TokenizedTexts
    places: Index
    words: Index
    ordinary: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.tokens)


def read_words(tokenizer: Tokenizer, texts: Sequence[str]) -> WordedTexts:
    """Tokenize whole texts, without special tokens, and keep their words.

    A word is what the tokenizer looks up by itself; where its rules leave spaces inside, a word
    ends at a space all the same.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        It neither cuts nor pads.
    texts : sequence of str of shape (n_texts,)
        Texts that `skencoder.text_checks` let pass.

    Returns
    -------
    WordedTexts
        Nothing cut.
    """
    special = np.array(sorted(special_ids(tokenizer)), np.int32)
    ids: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]
    places: list[Index] = [np.zeros((0, 2), np.int64)]
    begins: list[NDArray[np.bool_]] = [np.zeros(0, bool)]
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        lot = list(texts[start : start + TEXTS_AT_ONCE])
        encodings = tokenizer.encode_batch(lot, add_special_tokens=False)
        for text, encoding in zip(lot, encodings, strict=True):
            ids.append(np.array(encoding.ids, np.int32))
            places.append(np.array(encoding.offsets, np.int64).reshape(-1, 2))
            begins.append(_begin_words(text, encoding, places[-1]))
    flat = np.concatenate(ids)
    lengths = np.fromiter(map(len, ids[1:]), np.int64, len(ids) - 1)
    return WordedTexts(
        tokens=TokenizedTexts(flat, offsets_of(lengths)),
        places=np.concatenate(places),
        words=np.cumsum(np.concatenate(begins), dtype=np.int64),
        ordinary=~np.isin(flat, special),
    )


def special_ids(tokenizer: Tokenizer) -> set[int]:
    """List the ids of special tokens, the one for unknown pieces left out.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        With its vocabulary.

    Returns
    -------
    set of int
        Of tokens that stand for no text.
    """
    unknown = UNKNOWN_TOKENS | {getattr(tokenizer.model, "unk_token", None)}
    added = tokenizer.get_added_tokens_decoder().items()
    return {id_ for id_, token in added if token.special and token.content not in unknown}


def _begin_words(text: str, encoding: Encoding, places: Index) -> NDArray[np.bool_]:
    numbers = np.array([-1 if word is None else word for word in encoding.word_ids], np.int64)
    begins = np.ones(len(numbers), bool)
    begins[1:] = (numbers[1:] != numbers[:-1]) | (numbers[1:] < 0)
    spaced = [
        _follows_space(text, start) and bool(text[slice(*before)].strip())
        for start, before in zip(places[1:, 0].tolist(), places[:-1].tolist(), strict=True)
    ]
    # Of several pieces of one character only the first can begin a word.
    begins[1:] |= np.array(spaced, bool) & (places[1:, 0] > places[:-1, 0])
    return begins


def _follows_space(text: str, start: int) -> bool:
    return text[start : start + 1].isspace() or text[max(start - 1, 0) : start].isspace()
