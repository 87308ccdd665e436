"""What an index is given, checked: vectors, queries, positions, numbers."""

from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import ParameterError

METRICS = ("cosine", "dot", "euclidean")
# Rows looked at together, so that checking a mapped file does not read it into memory.
CHECKED_ROWS = 65_536


def check_metric(metric: Any) -> str:
    """Check the name of a metric.

    Parameters
    ----------
    metric : str
        One of `METRICS`.

    Returns
    -------
    str
        The same.

    Raises
    ------
    ParameterError
        If there is no such metric.
    """
    if not isinstance(metric, str) or metric not in METRICS:
        raise ParameterError(
            f"metric must be one of {', '.join(map(repr, METRICS))}; got {metric!r}."
        )
    return metric


def check_vectors(
    vectors: Any, name: str, *, n_features: int | None = None
) -> NDArray[np.float32]:
    """Check that something is a matrix of finite numbers.

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
    _check_finite(array, name)
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
    with np.errstate(over="ignore"):  # becomes infinite, which is refused with its row
        return np.ascontiguousarray(array, dtype=np.float32)


def _check_finite(array: NDArray[np.float32], name: str) -> None:
    for first in range(0, len(array), CHECKED_ROWS):
        finite = np.isfinite(array[first : first + CHECKED_ROWS]).all(axis=1)
        if not finite.all():
            row = first + int(np.argmin(finite))
            raise ParameterError(
                f"{name} has NaN or infinity in row {row}; vectors must be finite float32 numbers."
            )


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
    if not isinstance(n_neighbors, Integral) or isinstance(n_neighbors, bool) or n_neighbors < 1:
        raise ParameterError(f"n_neighbors must be an integer from 1 on; got {n_neighbors!r}.")
    if n_neighbors > n_rows:
        raise ParameterError(
            f"n_neighbors={n_neighbors}, but only {n_rows} vectors are indexed; ask for no more."
        )
    return int(n_neighbors)


def check_positions(positions: Iterable[int], n_rows: int) -> NDArray[np.int64]:
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
