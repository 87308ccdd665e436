"""What a retriever knows documents by: ids, each of one document, and labels, which many share."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import ParameterError

Ids = NDArray[Any]
Labels = NDArray[Any]

INT64 = np.iinfo(np.int64)
# What a label may be, and what an array of such labels holds.
LABEL_TYPES = {"str": np.str_, "int": np.int64, "bool": np.bool_, "float": np.float64}


def read_ids(ids: Any, n_documents: int, *, first: int = 0) -> Ids:
    """Read the documents' ids.

    Parameters
    ----------
    ids : iterable of str or int of shape (n_documents,), or None
        None numbers the documents.
    n_documents : int
        How many there must be.
    first : int, default=0
        Where numbering starts.

    Returns
    -------
    str or int64 of shape (n_documents,)
        Each id once.

    Raises
    ------
    ParameterError
        If there is not one per document, they are neither str nor int, an array cannot hold one,
        or one is there twice.
    """
    if ids is None:
        return np.arange(first, first + n_documents)
    names = list_of("y", ids, n_documents)
    kinds = {_kind(name) for name in names}
    if kinds not in ({"str"}, {"int"}):
        raise ParameterError(
            f"y must hold the documents' ids, all str or all int; got {', '.join(sorted(kinds))}. "
            f"Convert them, for instance with str()."
        )
    rows: dict[Any, int] = {}
    for row, name in enumerate(names):
        if rows.setdefault(name, row) != row:
            raise ParameterError(
                f"y holds {name!r} twice, in rows {rows[name]} and {row}; an id is one "
                f"document's. If several documents may have the same, choose target='labels'."
            )
    return _as_array(names, kinds.pop())


def read_labels(labels: Any, n_documents: int) -> Labels:
    """Read the documents' labels.

    Parameters
    ----------
    labels : iterable of str, int, bool or float of shape (n_documents,)
        Of one of these types.
    n_documents : int
        How many there must be.

    Returns
    -------
    ndarray of shape (n_documents,)
        Of this type.

    Raises
    ------
    ParameterError
        If there is not one per document, one is missing, they are of several types or of another,
        or an array cannot hold one.
    """
    if labels is None:
        raise ParameterError("y is None, but target='labels' needs one label per document.")
    values = list_of("y", labels, n_documents)
    kinds = {_kind(value) for value in values}
    if len(kinds) > 1 or not kinds <= set(LABEL_TYPES):
        raise ParameterError(
            f"y must hold the documents' labels, all of the same type, which is one of "
            f"{', '.join(LABEL_TYPES)}; got {', '.join(sorted(kinds))}. Convert them, for "
            f"instance with str(), and leave documents without a label out."
        )
    return _as_array(values, kinds.pop())


def list_of(name: str, values: Any, n_documents: int) -> list[Any]:
    """Read one value per document.

    Parameters
    ----------
    name : str
        The parameter.
    values : iterable of shape (n_documents,)
        What came.
    n_documents : int
        How many there must be.

    Returns
    -------
    list
        The values.

    Raises
    ------
    ParameterError
        If there are more or fewer, or they are not in an order.
    """
    if isinstance(values, str | bytes | dict | AbstractSet) or not isinstance(values, Iterable):
        raise ParameterError(
            f"{name} must be a list, array or Series with one value per document; got a "
            f"{type(values).__name__}."
        )
    shape = getattr(values, "shape", None)
    if shape is not None and len(shape) != 1:
        raise ParameterError(f"{name} must have one dimension; got shape {tuple(shape)}.")
    listed = list(values)
    if len(listed) != n_documents:
        raise ParameterError(
            f"{name} has {len(listed)} values for {n_documents} documents; one each is needed."
        )
    return listed


def list_names(ids: Any) -> list[Any]:
    """Read one id or several, of documents that should be there.

    Parameters
    ----------
    ids : str, int or iterable of these
        As a user gave them.

    Returns
    -------
    list
        What came; whether it is there is not looked up.

    Raises
    ------
    ParameterError
        If it is neither an id nor several.
    """
    if isinstance(ids, str | bool | Integral):
        return [ids]
    is_single = isinstance(ids, bytes) or getattr(ids, "ndim", 1) == 0
    if is_single or not isinstance(ids, Iterable):
        raise ParameterError(f"ids must be a document's id, or a list of ids; got {ids!r}.")
    return list(ids)


def find_rows(ids: Ids, names: list[Any]) -> NDArray[np.int64]:
    """Find documents by their ids.

    Parameters
    ----------
    ids : str or int64 of shape (n_documents,)
        Of all documents.
    names : list of shape (n_names,)
        Ids.

    Returns
    -------
    int64 of shape (n_found,)
        Rows, each once, ascending.

    Raises
    ------
    ParameterError
        If there is no such id.
    """
    kind = "int" if ids.dtype.kind == "i" else "str"
    of_kind = [name for name in names if _kind(name) == kind and _fits(name)]
    wanted = _as_array(of_kind, kind)
    there = iter(np.isin(wanted, ids).tolist())
    unknown = [n for n in names if not (_kind(n) == kind and _fits(n) and next(there))]
    if unknown:
        raise ParameterError(f"ids holds {unknown[0]!r}, which is no document's id.")
    return np.flatnonzero(np.isin(ids, wanted))


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "str"
    if isinstance(value, bool | np.bool_):
        return "bool"
    if isinstance(value, Integral):
        return "int"
    if isinstance(value, Real):
        return "float" if np.isfinite(float(value)) else f"{float(value)}"
    return type(value).__name__


def _fits(value: Any) -> bool:
    """Tell whether an array gives back what it is given."""
    if isinstance(value, str):
        # numpy takes zero bytes at the end for padding.
        return not value.endswith("\0")
    return not isinstance(value, Integral) or INT64.min <= int(value) <= INT64.max


def _as_array(values: list[Any], kind: str) -> NDArray[Any]:
    row = next((row for row, value in enumerate(values) if not _fits(value)), None)
    if row is not None:
        raise ParameterError(
            f"y holds {values[row]!r} in row {row}; an int must fit 64 bits with a sign, and a "
            f"str must not end with a zero byte. Convert it, for instance with str()."
        )
    return np.array(values, dtype=LABEL_TYPES[kind])
