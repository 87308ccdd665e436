"""What a user gives beside the texts: labels, partners, scores; each row is checked."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import type_of_target

from skencoder.errors import TrainingError
from skencoder.objectives.rows import is_missing, read_rows

Codes = NDArray[np.int64]


def read_labels(y: Any, n_texts: int) -> Codes:
    """Give each class a number.

    Parameters
    ----------
    y : array-like of shape (n_texts,)
        Labels of any kind that can be sorted.
    n_texts : int
        How many are needed.

    Returns
    -------
    int64 of shape (n_texts,)
        Number of each text's class.

    Raises
    ------
    TrainingError
        If a label is missing, there are fewer than two classes, or no class has two texts.
    """
    rows = read_rows(y, n_texts, "a label")
    for number, row in enumerate(rows):
        _check_label(number, row)
    labels = np.asarray(rows)
    kind = type_of_target(labels)
    if kind not in ("binary", "multiclass"):
        raise TrainingError(
            f"y is {kind} for scikit-learn's type_of_target; labels that name classes were "
            f"expected, such as str or int. SimilarityRegression learns from numbers."
        )
    classes, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) < 2:  # noqa: PLR2004 - a comparison needs two
        raise TrainingError(
            f"y has one class, {classes.tolist()[0]!r}; texts of at least two are needed to tell "
            f"them apart. SimCSE learns without labels."
        )
    if counts.max() < 2:  # noqa: PLR2004 - as does a pair
        raise TrainingError(
            f"Each of the {len(classes)} classes of y has a single text; at least one needs two, "
            f"which can be drawn together. With pairs of texts, PairRanking learns."
        )
    return codes.astype(np.int64)


def read_partners(y: Any, n_texts: int) -> list[list[str]]:
    """Read for each text the one that belongs to it, and those that do not.

    Parameters
    ----------
    y : iterable of shape (n_texts,)
        Texts, or sequences of texts: the one that belongs to it, then hard negatives.
    n_texts : int
        How many are needed.

    Returns
    -------
    list of list of str
        As many in each row.

    Raises
    ------
    TrainingError
        If a row is no text or has more or fewer than the first.
    """
    expected = "the text that belongs to it (and hard negatives after it)"
    rows = [
        [row] if isinstance(row, str) else _as_list(number, row, expected)
        for number, row in enumerate(read_rows(y, n_texts, expected))
    ]
    for number, row in enumerate(rows):
        check_text_row(number, row)
        if not row:
            raise TrainingError(f"Row {number} of y is empty; {expected} was expected.")
        if len(row) != len(rows[0]):
            raise TrainingError(
                f"Row {number} of y has {len(row)} texts, row 0 has {len(rows[0])}; each needs "
                f"one positive and as many negatives as the others."
            )
    return rows


def read_scored(y: Any, n_texts: int) -> tuple[list[str], NDArray[np.float64]]:
    """Read for each text another one and how alike they are.

    Parameters
    ----------
    y : iterable of shape (n_texts,)
        Pairs of a text and a number.
    n_texts : int
        How many are needed.

    Returns
    -------
    list of str of shape (n_texts,)
        The other texts.
    float64 of shape (n_texts,)
        The numbers.

    Raises
    ------
    TrainingError
        If a row is no such pair, a number is not finite, or all are equal.
    """
    expected = "a pair (other text, score)"
    others: list[str] = []
    scores = np.zeros(n_texts)
    for number, row in enumerate(read_rows(y, n_texts, expected)):
        pair = _as_list(number, row, expected)
        if len(pair) != 2 or not _is_number(pair[1]):  # noqa: PLR2004 - a pair
            raise TrainingError(f"Row {number} of y is {row!r}; {expected} was expected.")
        check_text_row(number, pair[:1])
        others.append(pair[0])
        scores[number] = pair[1]
    wrong = np.flatnonzero(~np.isfinite(scores))
    if len(wrong):
        raise TrainingError(
            f"Row {wrong[0]} of y has the score {scores[wrong[0]]}; a finite number was expected. "
            f"Fill it, or leave the pair out."
        )
    if n_texts < 2 or scores.min() == scores.max():  # noqa: PLR2004 - an order needs two
        raise TrainingError(
            f"All scores of y are {scores[0]}; pairs of different scores are needed, for what is "
            f"learned is their order."
        )
    return others, scores


def check_different(texts: Sequence[str | tuple[str, str]], what: str = "texts") -> None:
    """Refuse texts that are all the same.

    Parameters
    ----------
    texts : sequence of str or of pairs of str
        What is learned from.
    what : str, default="texts"
        What they are called in the message.

    Raises
    ------
    TrainingError
        If there are not two different ones.
    """
    if len(set(texts)) < 2:  # noqa: PLR2004 - a comparison needs two
        first = texts[0]
        shown = first[:60] if isinstance(first, str) else tuple(text[:60] for text in first)
        raise TrainingError(
            f"There are not two different {what} among {len(texts)}: {shown!r}. What is learned "
            f"is to tell {what} apart; give more."
        )


def check_text_row(number: int, row: Sequence[Any]) -> None:
    """Refuse what is no text.

    Parameters
    ----------
    number : int
        Of the row.
    row : sequence of object
        Its texts.

    Raises
    ------
    TrainingError
        If one is no str.
    """
    for text in row:
        if not isinstance(text, str):
            raise TrainingError(
                f"Row {number} of y has a {type(text).__name__}, {text!r}, where a text was "
                f"expected."
            )


def _check_label(number: int, row: Any) -> None:
    if is_missing(row):
        raise TrainingError(
            f"Row {number} of y is missing ({row!r}); a label was expected. Fill it, or leave the "
            f"row out of X and y."
        )
    if isinstance(row, list | tuple | set | dict | np.ndarray):
        raise TrainingError(
            f"Row {number} of y is {row!r}; one label per text was expected. With several, learn "
            f"from pairs of texts by PairRanking."
        )


def _as_list(number: int, row: Any, expected: str) -> list[Any]:
    if isinstance(row, str | bytes) or not isinstance(row, Iterable):
        raise TrainingError(f"Row {number} of y is {row!r}; {expected} was expected.")
    return list(row)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating)
