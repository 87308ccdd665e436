"""The quickest exact way from texts to ids that there is for a tokenizer.

Each way stands in its own file: `library`, `words`, `fast`.
"""

from functools import partial
from itertools import pairwise

import numpy as np
from tokenizers import Tokenizer

from skencoder.tokenization.fast import open_fast_tokenizer
from skencoder.tokenization.flat import Index, TokenizedTexts, end_to_end, offsets_of
from skencoder.tokenization.library import library_ids
from skencoder.tokenization.parity import Tokenize
from skencoder.tokenization.words import WordMemory, reads_words_alone
from skencoder.tokenizer_files import NO_TOKEN, PythonTokenizer, StaticTokenizer

# Characters handed to the tokenizer at once, and what one more text counts: its objects are freed
# before the next lot.
CHARACTERS_AT_ONCE = 1 << 20
CHARACTERS_PER_TEXT = 256


def open_reader(tokenizer: Tokenizer | PythonTokenizer | StaticTokenizer) -> Tokenize:
    """Choose how texts become ids.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer, PythonTokenizer or StaticTokenizer
        It neither cuts nor pads.

    Returns
    -------
    callable
        Maps a list of texts to their ids, without special tokens.

    Warns
    -----
    TokenizerWarning
        If a faster tokenizer is installed but cannot be used.
    """
    if isinstance(tokenizer, StaticTokenizer):
        return partial(_read_known, open_reader(tokenizer.tokenizer), tokenizer.unknown_id)
    if not isinstance(tokenizer, Tokenizer):
        return partial(_read_lots, partial(library_ids, tokenizer))
    remembers = reads_words_alone(tokenizer)
    read_lot = WordMemory(tokenizer).encode if remembers else partial(library_ids, tokenizer)
    read = partial(_read_lots, read_lot)
    fast = open_fast_tokenizer(tokenizer)
    return read if fast is None else partial(fast.encode, otherwise=read)


def known_ids(texts: TokenizedTexts, unknown_id: int | None) -> TokenizedTexts:
    """Leave a static model's unknown tokens out; a text without any other gets `NO_TOKEN`.

    Parameters
    ----------
    texts : TokenizedTexts
        With unknown tokens.
    unknown_id : int or None
        Their id; None leaves nothing out.

    Returns
    -------
    TokenizedTexts
        At least one token per text.
    """
    known = texts.input_ids != (NO_TOKEN if unknown_id is None else unknown_id)
    offsets: Index = offsets_of(known)[texts.offsets]
    empty = np.diff(offsets) == 0
    ids = np.insert(texts.input_ids[known], offsets[:-1][empty], NO_TOKEN)
    return TokenizedTexts(ids, offsets + offsets_of(empty))


def _read_known(read: Tokenize, unknown_id: int | None, texts: list[str]) -> TokenizedTexts:
    return known_ids(read(texts), unknown_id)


def _read_lots(read: Tokenize, texts: list[str]) -> TokenizedTexts:
    if len(texts) == 1:
        return read(texts)
    sizes = np.fromiter(map(len, texts), np.int64, len(texts)) + CHARACTERS_PER_TEXT
    lots = np.cumsum(sizes) // CHARACTERS_AT_ONCE
    cuts = [0, *(np.flatnonzero(np.diff(lots)) + 1).tolist(), len(texts)]
    return end_to_end([read(texts[start:stop]) for start, stop in pairwise(cuts)])
