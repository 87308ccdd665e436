"""The texts speed is measured on: real ones, all different, from Python's own documentation.

All different, so that an engine which encodes equal texts once has no advantage here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from skencoder.checkpoints import locate_checkpoint
from skencoder.datasets import load_python_docs
from skencoder.errors import ParameterError

SHORT_WORDS = 10
MIXED_MIN_WORDS = 25


@dataclass(frozen=True)
class TextSet:
    """A way to take texts from a collection.

    Parameters
    ----------
    description : str
        What the texts are, for people.
    take : callable
        Maps a text to the text of this set, or to None where it does not belong to it.
    """

    description: str
    take: Callable[[str], str | None]


def _first_words(text: str) -> str | None:
    words = text.split()
    return " ".join(words[:SHORT_WORDS]) if len(words) >= SHORT_WORDS else None


def _whole_text(text: str) -> str | None:
    return text if len(text.split()) >= MIXED_MIN_WORDS else None


TEXT_SETS: dict[str, TextSet] = {
    "short": TextSet(f"the first {SHORT_WORDS} words of a text", _first_words),
    "mixed": TextSet(f"whole texts of {MIXED_MIN_WORDS} words and more", _whole_text),
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
    texts = _distinct(TEXT_SETS[name], load_python_docs().data)
    if not 1 <= n_texts <= len(texts):
        raise ParameterError(
            f"texts={n_texts}: expected 1 to {len(texts)}, as many as the set {name!r} has."
        )
    order = np.random.default_rng(seed).permutation(len(texts))
    return [texts[index] for index in order[:n_texts]]


def _distinct(text_set: TextSet, collection: Sequence[str]) -> list[str]:
    taken = (text_set.take(text) for text in collection)
    return list(dict.fromkeys(text for text in taken if text is not None))


def median_tokens(texts: Sequence[str], model: str) -> float:
    """Count tokens as a checkpoint's tokenizer makes them.

    Parameters
    ----------
    texts : sequence of str
        At least one text.
    model : str
        Checkpoint's name or folder.

    Returns
    -------
    float
        Median tokens of a text, special tokens included, before anything is cut.
    """
    tokenizer = Tokenizer.from_file(str(locate_checkpoint(model) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return float(np.median([len(encoding) for encoding in tokenizer.encode_batch(list(texts))]))
