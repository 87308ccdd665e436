"""What an index is given, checked: vectors, queries, positions, numbers."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skencoder.errors import ParameterError
from skencoder.indexes.scoring import METRICS

METRIC_NAMES = tuple(METRICS)


def check_metric(metric: Any) -> str:
    """Check the name of a metric.

    Parameters
    ----------
    metric : str
        One of `METRIC_NAMES`.

    Returns
    -------
    str
        The same.

    Raises
    ------
    ParameterError
        If there is no such metric.
    """
    if not isinstance(metric, str) or metric not in METRIC_NAMES:
        raise ParameterError(
            f"metric must be one of {', '.join(map(repr, METRIC_NAMES))}; got {metric!r}."
        )
    return metric


def check_vectors(
    vectors: Any, name: str, *, n_features: int | None = None
) -> NDArray[np.float32]:
    """Check that something is a matrix of numbers; whether they are finite, their lengths show.

    Parameters
    ----------
    vectors : array-like of shape (n_rows, n_features)
        Numbers; a C-contiguous float32 array, mapped or not, is not copied.
    name : str
        The parameter, for messages.
    n_features : int, optional
        Width expected; None takes any but 0.

    Returns
    -------
    float32 of shape (n_rows, n_features)
        The same numbers.

    Raises
    ------
    ParameterError
        If they are not, or not of this width.
    """
    array = _as_float32(vectors, name)
    if array.ndim != 2:  # noqa: PLR2004
        raise ParameterError(
            f"{name} must be vectors as an array of shape (n_rows, n_features); got shape "
            f"{array.shape}. For a single vector pass vector[None]."
        )
    if array.shape[1] != n_features if n_features is not None else not array.shape[1]:
        raise ParameterError(
            f"{name} has {array.shape[1]} columns; expected {n_features or 'at least one'}"
            f"{', as the indexed vectors have' if n_features else ''}."
        )
    return array


def _as_float32(vectors: Any, name: str) -> NDArray[np.float32]:
    try:
        array = np.asarray(vectors)
    except ValueError as error:
        raise ParameterError(f"{name} must be a matrix of numbers: {error}") from error
    if array.dtype.kind not in "fiub":
        raise ParameterError(
            f"{name} must be a matrix of numbers; got a {type(vectors).__name__} of "
            f"dtype {array.dtype}."
        )
    with np.errstate(over="ignore"):  # becomes infinite, which is refused later, with its row
        return np.ascontiguousarray(array, dtype=np.float32)


def check_integer(name: str, value: Any, *, least: int) -> int:
    """Check a number of things.

    Parameters
    ----------
    name : str
        The parameter, for messages.
    value : int
        What came.
    least : int
        The smallest that makes sense.

    Returns
    -------
    int
        The same.

    Raises
    ------
    ParameterError
        If it is no integer, or smaller.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or int(value) < least:
        raise ParameterError(f"{name} must be an integer from {least} on; got {value!r}.")
    return int(value)


def check_n_neighbors(n_neighbors: Any, n_rows: int) -> int:
    """Check how many neighbours are asked for.

    Parameters
    ----------
    n_neighbors : int
        From 1 to ``n_rows``.
    n_rows : int
        Rows there are.

    Returns
    -------
    int
        The same.

    Raises
    ------
    ParameterError
        If it is no such number.
    """
    if check_integer("n_neighbors", n_neighbors, least=1) > n_rows:
        raise ParameterError(
            f"n_neighbors={n_neighbors}, but only {n_rows} vectors are indexed; ask for no more."
        )
    return int(n_neighbors)


def check_positions(positions: ArrayLike, n_rows: int) -> NDArray[np.int64]:
    """Check positions of rows.

    Parameters
    ----------
    positions : int of shape (n_positions,)
        From 0 to ``n_rows - 1``, each once.
    n_rows : int
        Rows there are.

    Returns
    -------
    int64 of shape (n_positions,)
        Sorted.

    Raises
    ------
    ParameterError
        If there is no row at a position, or one is named twice.
    """
    array = np.asarray(positions)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ParameterError(
            f"positions must be a list of integers; got shape {array.shape}, dtype {array.dtype}."
        )
    ordered = np.sort(array).astype(np.int64)
    outside = ordered[(ordered < 0) | (ordered >= n_rows)]
    if outside.size:
        raise ParameterError(
            f"positions has {outside[0]}, but the {n_rows} rows have positions from 0 to "
            f"{n_rows - 1}."
        )
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if twice.size:
        raise ParameterError(f"positions has {twice[0]} twice; name each row once.")
    return ordered
