"""Ids as the `tokenizers` library gives them: the reference that everything faster is equal to.

Nothing is remembered here; that is done in `words`.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from tokenizers import Tokenizer

from skencoder.tokenization.flat import TokenizedTexts, offsets_of
from skencoder.tokenizer_files import PythonTokenizer


def library_ids(tokenizer: Tokenizer | PythonTokenizer, texts: Sequence[str]) -> TokenizedTexts:
    """Tokenize whole texts, without special tokens.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer or PythonTokenizer
        It neither cuts nor pads.
    texts : sequence of str of shape (n_texts,)
        They are tokenized at once: its memory is the caller's concern.

    Returns
    -------
    TokenizedTexts
        Of all texts.
    """
    encodings = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    parts = [encoding.ids for encoding in encodings]
    offsets = offsets_of(np.fromiter(map(len, parts), np.int64, len(parts)))
    ids = np.fromiter(chain.from_iterable(parts), np.int32, int(offsets[-1]))
    return TokenizedTexts(ids, offsets)
