"""Texts as labels of a picture: on one line, and visibly shortened."""

from collections.abc import Iterable
from typing import Any

from skencoder.errors import TextInputError

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def shorten_text(text: Any, width: int) -> str:
    """Write a text on one line, and mark what is left out.

    Parameters
    ----------
    text : object
        What is written.
    width : int
        Most characters.

    Returns
    -------
    str
        At most as long, with an ellipsis as its last character if something is left out.
    """
    line = " ".join(str(text).split())
    if len(line) <= width:
        return line
    return line[: width - 1].rstrip() + ELLIPSIS


def as_texts(name: str, texts: Any) -> list[str]:
    """Read what labels rows or columns.

    Parameters
    ----------
    name : str
        Of the parameter.
    texts : iterable of shape (n_texts,)
        Texts.

    Returns
    -------
    list of str of shape (n_texts,)
        The same.

    Raises
    ------
    TextInputError
        If it is one string, or no collection.
    """
    if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
        raise TextInputError(
            f"{name} is a {type(texts).__name__}; a list, array or Series of texts was expected."
        )
    return [str(text) for text in texts]
