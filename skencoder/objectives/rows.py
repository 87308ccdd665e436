"""Whatever a user calls y, as a list with something for each text."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from skencoder.errors import TrainingError


def as_rows(y: Any) -> list[Any] | None:
    """Read y row by row.

    Parameters
    ----------
    y : iterable of shape (n_texts,), array, sparse or frame of shape (n_texts, n_columns)
        What came.

    Returns
    -------
    list of object or None
        One object per row: of a frame with several columns a tuple, of a single column its value.
        None for what has no rows in an order.
    """
    if isinstance(y, str | bytes | Mapping | AbstractSet) or not isinstance(y, Iterable):
        return None
    if hasattr(y, "toarray"):
        y = y.toarray()
    if hasattr(y, "itertuples"):
        return _unwrap(list(y.itertuples(index=False, name=None)))
    if hasattr(y, "iter_rows"):
        return _unwrap(list(y.iter_rows()))
    rows = list(y)
    return _unwrap(rows) if isinstance(y, np.ndarray) and y.ndim > 1 else rows


def read_rows(y: Any, n_texts: int, expected: str) -> list[Any]:
    """Check that there is something for each text.

    Parameters
    ----------
    y : iterable of shape (n_texts,)
        What came.
    n_texts : int
        How many are needed.
    expected : str
        What a row should be, for messages.

    Returns
    -------
    list of object
        One per text.

    Raises
    ------
    TrainingError
        If it is missing, no collection, or of another length.
    """
    if y is None:
        raise TrainingError(
            f"y is None, but this objective learns from it: give {expected} for each text, as in "
            f"fit(X, y)."
        )
    rows = as_rows(y)
    if rows is None:
        raise TrainingError(
            f"y is a {type(y).__name__}; a list, array, Series or frame was expected, with "
            f"{expected} for each text."
        )
    if len(rows) != n_texts:
        raise TrainingError(
            f"y has {len(rows)} rows, but X has {n_texts} texts; {expected} is needed for each."
        )
    return rows


def is_missing(value: Any) -> bool:
    """Tell whether a row says nothing.

    Parameters
    ----------
    value : object
        Of a row.

    Returns
    -------
    bool
        True for None and for what is not equal to itself: NaN, pandas' NA and NaT.
    """
    if value is None:
        return True
    if isinstance(value, list | tuple | np.ndarray):
        return False
    try:
        return bool(value != value)  # noqa: PLR0124 - NaN
    except TypeError:
        # pandas' NA is neither equal nor not.
        return True


def _unwrap(rows: list[Any]) -> list[Any]:
    return [row[0] for row in rows] if rows and len(rows[0]) == 1 else rows
