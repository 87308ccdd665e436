"""Which words of two sentences say the same: their tokens' vectors, compared.

How pairs are taken from the similarities stands in `skencoder.bitext.word_matching`.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skencoder.bitext import WORD_MATCHINGS
from skencoder.encoding_options import check_choice
from skencoder.errors import ParameterError, TextInputError
from skencoder.sentences import Span
from skencoder.text_checks import check_texts
from skencoder.text_encoder import TextEncoder
from skencoder.token_vectors import TokenVectors, encode_tokens

# Stands for any mark that belongs to the character before it, of which `re` knows no class.
_MARK = "\u0300"
# Ideographs, each a word of its own; letters and digits with an apostrophe or hyphen between; or
# one other character; all with their marks.
_WORD = re.compile(
    rf"[\u3400-\u9fff]{_MARK}*"
    rf"|(?:(?![\u3400-\u9fff])\w{_MARK}*)+(?:['\u2019-](?:\w{_MARK}*)+)*"
    rf"|[^\w\s]{_MARK}*"
)
# Categories of Unicode: non-spacing, spacing and enclosing marks. The joiners have none of these,
# but stand within words too.
_MARKS = ("Mn", "Mc", "Me")
_JOINERS = "\u200c\u200d"
# The paper's best layer is the 8th of 12.
DEPTH = 2 / 3


@dataclass(frozen=True)
class WordPair:
    """Two words that belong together.

    Parameters
    ----------
    source, target : Span
        Places of the words in their sentences, in characters.
    source_word, target_word : str
        The words.
    similarity : float
        Cosine of their vectors.
    """

    source: Span
    target: Span
    source_word: str
    target_word: str
    similarity: float


def align_words(
    model: TextEncoder,
    source: str | Sequence[str],
    target: str | Sequence[str],
    *,
    method: str = "argmax",
    layer: int | None = None,
) -> list[WordPair]:
    """Find the words of two sentences that belong together.

    A word's vector is the mean of its tokens' vectors in one of the middle layers, which know a
    word better than the last one does [1]_.

    Parameters
    ----------
    model : TextEncoder
        One that knows both languages; the default, all-MiniLM-L6-v2, knows English.
    source, target : str or sequence of str
        A sentence, or its words where they are not told by spaces; at most as long as the model
        reads.
    method : {"argmax", "itermax", "assignment"}, default="argmax"
        Words that are each other's most similar; the same in two rounds, so that a word may have
        two partners; or one to one, every word of the shorter sentence.
    layer : int, default=None
        Which hidden state: 0 is the embeddings, -1 the last layer; None is the layer at two
        thirds.

    Returns
    -------
    list of WordPair
        In the order of the source sentence.

    Raises
    ------
    CheckpointError
        If the model's tokenizer does not tell where its tokens stand.
    OverlongTextError
        If a sentence is longer than the model reads.
    ParameterError
        If a parameter cannot be used.
    TextInputError
        If a sentence is neither a text nor a list of words.

    References
    ----------
    .. [1] Jalili Sabet, Dufter, Yvon & Schuetze (2020), SimAlign, Findings of EMNLP.

    Examples
    --------
    >>> from skencoder import TextEncoder, align_words
    >>> model = TextEncoder.load("all-MiniLM-L6-v2")
    >>> pairs = align_words(model, "The cat sleeps.", "Asleep is the kitten.")
    >>> [(pair.source_word, pair.target_word) for pair in pairs]
    [('The', 'the'), ('cat', 'kitten'), ('sleeps', 'Asleep'), ('.', '.')]
    """
    check_choice("method", method, tuple(WORD_MATCHINGS))
    (text, words), (other_text, other_words) = _read("source", source), _read("target", target)
    if layer is None:
        layer = round(DEPTH * model.encoder.config.num_hidden_layers)
    tokens, other_tokens = encode_tokens(model, [text, other_text], layer=layer)
    similarity = _word_vectors(tokens, words) @ _word_vectors(other_tokens, other_words).T
    return [
        WordPair(
            words[one],
            other_words[other],
            text[slice(*words[one])],
            other_text[slice(*other_words[other])],
            float(similarity[one, other]),
        )
        for one, other in WORD_MATCHINGS[method](similarity).tolist()
    ]


def _read(name: str, sentence: str | Sequence[str]) -> tuple[str, list[Span]]:
    """Give a sentence and the places of its words."""
    if isinstance(sentence, str):
        check_texts([sentence])
        return sentence, [Span(*match.span()) for match in _WORD.finditer(_mark(sentence))]
    try:
        check_texts(sentence)
    except TextInputError as error:
        raise TextInputError(f"{name}: {error}") from error
    words: list[Span] = []
    for word in sentence:
        start = words[-1].stop + 1 if words else 0
        words.append(Span(start, start + len(word)))
    if any(span.start == span.stop for span in words):
        raise ParameterError(f"{name} holds an empty word.")
    return " ".join(sentence), words


def _mark(sentence: str) -> str:
    """Write one and the same mark for all of them, so that a pattern can tell them."""
    if sentence.isascii():
        return sentence
    return "".join(
        _MARK if unicodedata.category(character) in _MARKS or character in _JOINERS else character
        for character in sentence
    )


def _word_vectors(tokens: TokenVectors, words: list[Span]) -> NDArray[np.float64]:
    """Average each word's tokens, to unit length; a word without any token has only zeros."""
    starts, stops = tokens.places[:, 0], tokens.places[:, 1]
    vectors = np.zeros((len(words), tokens.vectors.shape[1]))
    for row, (start, stop) in enumerate(words):
        own = (starts < stop) & (stops > start)
        if own.any():
            mean = tokens.vectors[own].mean(axis=0, dtype=np.float64)
            vectors[row] = mean / (np.linalg.norm(mean) or 1)
    return vectors
