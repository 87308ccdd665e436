"""Words whose ids are remembered: a word seen before is looked up, not tokenized again.

Which tokenizers this is exact for is said by `reads_words_alone`; the ids themselves come from the
`tokenizers` library, as in `library`.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain, islice
from typing import Generic, TypeGuard, TypeVar

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece

from skencoder.fork_lock import ForkLock
from skencoder.tokenization.flat import Index, TokenizedTexts, offsets_of, spans

# Beyond either, everything is forgotten: about 12 MB.
MOST_WORDS = 1 << 16
MOST_CHARACTERS = 1 << 20
# Unknown words handed to the tokenizer as one entry: fewer objects than one entry each.
WORDS_PER_ENTRY = 256
# Other characters that some call space are read differently by different tokenizers.
_SPACES = "\t\n\r"
_LOCAL_NORMALIZERS = (normalizers.BertNormalizer, normalizers.Lowercase)

# One for all: nobody holds it for long, and what happens at a fork is registered once.
_LOCK = ForkLock()

Number = TypeVar("Number", np.int32, np.int64)


def reads_words_alone(tokenizer: object) -> TypeGuard[Tokenizer]:
    """Say whether a word's ids never depend on the words beside it.

    So it is with BERT's word pieces: every step looks at one character or at what lies between two
    spaces, and no token holds a space.

    Parameters
    ----------
    tokenizer : object
        A `tokenizers.Tokenizer`, or another that is not known well enough.

    Returns
    -------
    bool
        True where it is certain.
    """
    return (
        isinstance(tokenizer, Tokenizer)
        and isinstance(tokenizer.model, WordPiece)
        and isinstance(tokenizer.pre_tokenizer, pre_tokenizers.BertPreTokenizer)
        and _is_local(tokenizer.normalizer)
        and all(
            token.content.isascii() and token.content.isprintable() and " " not in token.content
            for token in tokenizer.get_added_tokens_decoder().values()
        )
    )


def _is_local(normalizer: object) -> bool:
    if isinstance(normalizer, normalizers.Sequence):
        return all(_is_local(normalizer[place]) for place in range(len(normalizer)))
    return normalizer is None or isinstance(normalizer, _LOCAL_NORMALIZERS)


class WordMemory:
    """Ids of the words seen so far, for all threads of the process.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        One that `reads_words_alone`.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._forget()

    def encode(self, texts: Sequence[str]) -> TokenizedTexts:
        """Tokenize whole texts, without special tokens.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            At least one.

        Returns
        -------
        TokenizedTexts
            As the library would give them.
        """
        split = [_words(text) for text in texts]
        words_before = offsets_of(np.fromiter(map(len, split), np.int64, len(split)))
        words = chain.from_iterable(split)
        with _LOCK.mine:
            if len(self._numbers) != len(self._offsets.values) - 1:
                # A call was interrupted, or a fork came in between: some numbers have no ids.
                self._forget()
            numbers = self._number(words, int(words_before[-1]))
            # What is remembered later is written behind these, or elsewhere.
            ids, offsets = self._ids.values, self._offsets.values
            if len(self._numbers) > MOST_WORDS or self._characters > MOST_CHARACTERS:
                self._forget()
        starts = offsets[numbers]
        lengths = offsets[numbers + 1] - starts
        tokens_before = offsets_of(lengths)[words_before]
        return TokenizedTexts(ids[spans(starts, lengths)], tokens_before)

    def _number(self, words: "chain[str]", n_words: int) -> Index:
        known = len(self._numbers)
        numbers = np.fromiter(map(self._numbers.__getitem__, words), np.int64, n_words)
        unknown = list(islice(reversed(self._numbers), len(self._numbers) - known))[::-1]
        if unknown:
            self._remember(unknown)
        return numbers

    def _remember(self, words: list[str]) -> None:
        entries = [
            words[start : start + WORDS_PER_ENTRY]
            for start in range(0, len(words), WORDS_PER_ENTRY)
        ]
        encodings = self._tokenizer.encode_batch(
            entries, is_pretokenized=True, add_special_tokens=False
        )
        for entry, encoding in zip(entries, encodings, strict=True):
            owners = np.array(encoding.word_ids, np.int64)
            lengths = np.bincount(owners, minlength=len(entry))
            self._ids.extend(np.array(encoding.ids, np.int32))
            self._offsets.extend(self._offsets.values[-1] + np.cumsum(lengths))
        self._characters += sum(map(len, words))

    def _forget(self) -> None:
        # A word that is asked for gets the next number; dictionaries keep the order.
        self._numbers: defaultdict[str, int] = defaultdict()
        self._numbers.default_factory = self._numbers.__len__
        self._ids: _Growing[np.int32] = _Growing(np.zeros(0, np.int32))
        self._offsets: _Growing[np.int64] = _Growing(np.zeros(1, np.int64))
        self._characters = 0


class _Growing(Generic[Number]):
    """An array with room behind it; what was read from it stays as it was."""

    def __init__(self, values: NDArray[Number]) -> None:
        self._room: NDArray[Number] = values
        self._used = len(values)

    @property
    def values(self) -> NDArray[Number]:
        return self._room[: self._used]

    def extend(self, values: NDArray[Number]) -> None:
        used = self._used + len(values)
        if used > len(self._room):
            room = np.empty(2 * used, self._room.dtype)
            room[: self._used] = self.values
            self._room = room
        self._room[self._used : used] = values
        self._used = used


def _words(text: str) -> list[str]:
    for space in _SPACES:
        text = text.replace(space, " ")
    return text.split(" ")
