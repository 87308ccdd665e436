"""The texts speed is measured on: real ones, all different, from Python's own documentation.

All different, so that an engine which encodes equal texts once has no advantage here.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from skencoder.datasets import load_python_docs
from skencoder.errors import ParameterError

from .speed_model import ModelFacts

SHORT_WORDS = 10
MIXED_MIN_WORDS = 25
LONG_WORDS = 200


@dataclass(frozen=True)
class TextSet:
    """A way to make texts of a collection.

    Parameters
    ----------
    description : str
        What the texts are, for people.
    make : callable
        From a sequence of texts to the texts of this set, all different.
    """

    description: str
    make: Callable[[Sequence[str]], list[str]]


def _first_words(collection: Sequence[str]) -> list[str]:
    words = (text.split() for text in collection)
    return _distinct(" ".join(w[:SHORT_WORDS]) for w in words if len(w) >= SHORT_WORDS)


def _whole_texts(collection: Sequence[str]) -> list[str]:
    return _distinct(text for text in collection if len(text.split()) >= MIXED_MIN_WORDS)


def _joined_texts(collection: Sequence[str]) -> list[str]:
    """Join texts that follow each other until there are enough words."""
    joined, parts, words = [], [], 0
    for text in collection:
        parts.append(text)
        words += len(text.split())
        if words >= LONG_WORDS:
            joined.append("\n\n".join(parts))
            parts, words = [], 0
    return _distinct(joined)


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


TEXT_SETS: dict[str, TextSet] = {
    "short": TextSet(f"the first {SHORT_WORDS} words of a text", _first_words),
    "mixed": TextSet(f"whole texts of {MIXED_MIN_WORDS} words and more", _whole_texts),
    "long": TextSet(f"texts joined to {LONG_WORDS} words and more", _joined_texts),
}


def choose_texts(name: str, n_texts: int, *, seed: int = 0) -> list[str]:
    """Draw texts of one set.

    Parameters
    ----------
    name : str
        Key of `TEXT_SETS`.
    n_texts : int
        Texts to draw.
    seed : int, default=0
        Of the drawing; the same seed gives the same texts on the same Python version.

    Returns
    -------
    list of str of length n_texts
        Different texts, in random order.

    Raises
    ------
    ParameterError
        If the set has fewer texts.
    """
    texts = TEXT_SETS[name].make([str(text) for text in load_python_docs().data])
    if not 1 <= n_texts <= len(texts):
        raise ParameterError(
            f"texts={n_texts}: expected 1 to {len(texts)}, as many as the set {name!r} has."
        )
    order = np.random.default_rng(seed).permutation(len(texts))
    return [texts[index] for index in order[:n_texts]]


def many_short_texts(n_texts: int, *, seed: int = 0) -> list[str]:
    """Draw short texts, of which there are as many as the documentation has words.

    Parameters
    ----------
    n_texts : int
        Texts to draw.
    seed : int, default=0
        Of the drawing.

    Returns
    -------
    list of str of length n_texts
        Different texts of ten consecutive words each.

    Raises
    ------
    ParameterError
        If there are fewer.
    """
    words = " ".join(str(text) for text in load_python_docs().data).split()
    starts = range(len(words) - SHORT_WORDS + 1)
    texts = _distinct(" ".join(words[start : start + SHORT_WORDS]) for start in starts)
    if not 1 <= n_texts <= len(texts):
        raise ParameterError(f"texts={n_texts}: expected 1 to {len(texts)}, as many as there are.")
    order = np.random.default_rng(seed).permutation(len(texts))
    return [texts[index] for index in order[:n_texts]]


def texts_of_length(n_tokens: int, n_texts: int, facts: ModelFacts) -> list[str]:
    """Cut texts that have a certain number of tokens.

    Parameters
    ----------
    n_tokens : int
        Tokens of each, special tokens included, at most the model's limit.
    n_texts : int
        How many.
    facts : ModelFacts
        Of the model.

    Returns
    -------
    list of str of length n_texts
        Different texts, in the order of the documentation.

    Raises
    ------
    ParameterError
        If there are fewer.
    """
    tokenizer = facts.tokenizer()
    text = "\n\n".join(str(text) for text in load_python_docs().data)
    tokenizer.no_truncation()
    spans = tokenizer.encode(text, add_special_tokens=False).offsets
    width = n_tokens - tokenizer.num_special_tokens_to_add(is_pair=False)
    cuts = (spans[i : i + width] for i in range(0, len(spans) - width + 1, width))
    texts = _distinct(text[cut[0][0] : cut[-1][1]] for cut in cuts if width > 0)
    # A cut inside a word can change how it is tokenized, so that only what holds is taken.
    exact = [t for t in texts if len(tokenizer.encode(t).ids) == n_tokens]
    if not 1 <= n_texts <= len(exact):
        raise ParameterError(
            f"texts={n_texts}: expected 1 to {len(exact)}, as many as there are of {n_tokens} "
            "tokens."
        )
    return exact[:n_texts]
