"""What is told of texts before and after they are encoded: no text, half a character, too long."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import OverlongTextError, OverlongTextWarning, TextInputError
from skencoder.frames import user_stacklevel


def check_texts(texts: Sequence[str]) -> None:
    """Refuse what no tokenizer can read.

    Parameters
    ----------
    texts : sequence of str of shape (n_texts,)
        The texts.

    Raises
    ------
    TextInputError
        If it is one string, or a row is no string or holds half a character (a lone surrogate).
    """
    if isinstance(texts, str):
        raise TextInputError(f"A sequence of texts was expected; got one string, {texts[:40]!r}.")
    if not isinstance(texts, Sequence | np.ndarray) or not len(texts):
        raise TextInputError(
            f"A sequence of at least one text was expected; got a {type(texts).__name__}"
            f"{' without any' if isinstance(texts, Sequence | np.ndarray) else ''}."
        )
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise TextInputError(f"Row {row} is a {type(text).__name__}; a str was expected.")
        if not text.isascii():
            _check_characters(row, text)


def _check_characters(row: int, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TextInputError(
            f"Row {row} holds half a character (a lone surrogate, {text[error.start]!r}, at "
            f"place {error.start}), which no encoding can write. Repair the text, for "
            f"instance with text.encode('utf-8', 'replace').decode()."
        ) from error


def report_overlong(lengths: NDArray[np.int64], max_length: int, overflow: str) -> int:
    """Count the texts that are too long, and say so where that was asked for.

    Parameters
    ----------
    lengths : int64 of shape (n_texts,)
        Tokens of each text, special tokens included.
    max_length : int
        Tokens allowed.
    overflow : {"warn", "truncate", "error", "chunk"}
        What happens to a longer text.

    Returns
    -------
    int
        How many texts are longer.

    Raises
    ------
    OverlongTextError
        If there are any and ``overflow="error"``.
    """
    overlong = np.flatnonzero(lengths > max_length)
    if not len(overlong):
        return 0
    if overflow == "error":
        raise OverlongTextError(
            f"Row {overlong[0]} has {lengths[overlong[0]]} tokens, but max_length is "
            f"{max_length} ({len(overlong)} such rows). Shorten it, or choose "
            f"overflow='truncate' or 'chunk'."
        )
    if overflow == "warn":
        warnings.warn(
            f"{len(overlong)} of {len(lengths)} texts have more than max_length={max_length} "
            f"tokens (the longest {lengths.max()}) and were cut. overflow='chunk' reads all of "
            f"them, overflow='truncate' cuts without this warning.",
            OverlongTextWarning,
            stacklevel=user_stacklevel(),
        )
    return len(overlong)
