"""What a user gives beside the texts, read and checked: labels, amounts, weights."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from skencoder.errors import TrainingError
from skencoder.estimators.texts import read_texts
from skencoder.estimators.unit_vectors import is_sparse

Floats: TypeAlias = NDArray[np.float64]


class Given(NamedTuple):
    """What is learned from, as a user gave it.

    Parameters
    ----------
    texts : list of str of shape (n_texts,)
        Texts.
    answers : ndarray of shape (n_texts, ...)
        What belongs to them.
    weights : float64 of shape (n_texts,)
        Above 0.
    rows : int64 of shape (n_texts,)
        The row of X that each is.
    """

    texts: list[str]
    answers: NDArray[Any]
    weights: Floats
    rows: NDArray[np.int64]


def read_rows(
    X: Any, y: Any, sample_weight: Any, missing: str, read: Callable[[Any, int], NDArray[Any]]
) -> Given:
    """Read texts and what belongs to them; rows that count nothing are left out.

    Parameters
    ----------
    X : iterable of shape (n_texts,)
        Texts.
    y : array-like of shape (n_texts, ...)
        What belongs to them.
    sample_weight : array-like of shape (n_texts,) or None
        How much each counts.
    missing : {"error", "empty"}
        What None and NaN are.
    read : callable
        Reads y.

    Returns
    -------
    Given
        The rows that are left.

    Raises
    ------
    TextInputError
        If X is not a collection of texts.
    TrainingError
        If y or the weights do not fit them.
    """
    texts = read_texts(X, missing)
    answers = read(y, len(texts))
    weights = read_weights(sample_weight, len(texts))
    rows = np.flatnonzero(weights)
    return Given([texts[row] for row in rows], answers[rows], weights[rows], rows)


def check_learnable(texts: list[str]) -> None:
    """Refuse texts that are all the same.

    Parameters
    ----------
    texts : list of str of shape (n_texts,)
        What is learned from.

    Raises
    ------
    TrainingError
        If there are not two different ones.
    """
    from skencoder.objectives.answers import check_different

    check_different(texts)


def read_labels(y: Any, n_texts: int) -> NDArray[Any]:
    """Read one label per text, or an indicator matrix of several.

    Parameters
    ----------
    y : array-like of shape (n_texts,) or (n_texts, n_labels)
        Labels; of a matrix, which may be sparse, 1 where a text has a label.
    n_texts : int
        How many are needed.

    Returns
    -------
    ndarray of shape (n_texts,) or (n_texts, n_labels)
        The same as an array.

    Raises
    ------
    TrainingError
        If a label is missing, or there is not one row per text.
    ValueError
        If y holds amounts, or several labels that are no indicators.
    """
    y = _as_rows(y, n_texts)
    kind = type_of_target(y, input_name="y")
    if kind == "multilabel-indicator":
        return np.asarray(y)
    check_classification_targets(y)
    if kind == "multiclass-multioutput":
        raise TrainingError(
            f"y has {y.shape[1]} columns of labels; one label per text was expected, or a matrix "
            f"of 0 and 1 with a column per label, as MultiLabelBinarizer makes it."
        )
    labels: NDArray[Any] = column_or_1d(y, warn=True)
    return labels


def read_amounts(y: Any, n_texts: int) -> Floats:
    """Read one number per text, or several.

    Parameters
    ----------
    y : array-like of shape (n_texts,) or (n_texts, n_targets)
        Numbers.
    n_texts : int
        How many are needed.

    Returns
    -------
    float64 of shape (n_texts,) or (n_texts, n_targets)
        Finite.

    Raises
    ------
    TrainingError
        If one is missing, infinite or no number, or there is not one row per text.
    """
    y = _as_rows(y, n_texts)
    try:
        amounts: Floats = y.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TrainingError(f"y holds what is no number: {error}.") from error
    wrong = np.flatnonzero(~np.isfinite(amounts.reshape(n_texts, -1)).all(axis=1))
    if len(wrong):
        raise TrainingError(f"Row {wrong[0]} of y is {amounts[wrong[0]]}; a number was expected.")
    return amounts


def read_weights(sample_weight: Any, n_texts: int) -> Floats:
    """Read how much each text counts.

    Parameters
    ----------
    sample_weight : array-like of shape (n_texts,) or None
        None is 1 for all.
    n_texts : int
        How many are needed.

    Returns
    -------
    float64 of shape (n_texts,)
        0 or more, one of them above 0.

    Raises
    ------
    TrainingError
        If one is negative, missing or infinite, all are 0, or there is not one per text.
    """
    if sample_weight is None:
        return np.ones(n_texts)
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (n_texts,):
        raise TrainingError(
            f"sample_weight has the shape {weights.shape}; one number for each of {n_texts} "
            f"texts was expected."
        )
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise TrainingError(
            f"Row {wrong[0]} of sample_weight is {weights[wrong[0]]}; numbers of 0 or more were "
            f"expected."
        )
    if not weights.any():
        raise TrainingError("All of sample_weight is 0; there is no text left to learn from.")
    return weights


def _as_rows(y: Any, n_texts: int) -> NDArray[Any]:
    import pandas as pd

    if y is None:
        raise TrainingError(
            "This estimator requires y to be passed, but the target y is None; one row for each "
            "text was expected."
        )
    if is_sparse(y):
        y = y.toarray()
    if isinstance(y, str | bytes) or not hasattr(y, "__len__"):
        raise TrainingError(f"y is a {type(y).__name__}; one row for each text was expected.")
    if len(y) != n_texts:
        raise TrainingError(f"y has {len(y)} rows, but X has {n_texts} texts.")
    # As an array of its own choice numpy would write NaN beside texts as the text 'nan'.
    missing = pd.isna(np.array(y, dtype=object)).reshape(n_texts, -1).any(axis=1)
    if missing.any():
        raise TrainingError(
            f"Row {int(missing.argmax())} of y is missing (None or NaN); leave such rows out."
        )
    try:
        return np.asarray(y)
    except ValueError as error:
        raise TrainingError(
            "Rows of y hold unlike numbers of things; one each was expected, or as many in all. "
            "Lists of labels become a matrix of 0 and 1 by MultiLabelBinarizer."
        ) from error
