"""Corpus: documents, their ids, and what was last computed of them; how ids are read.

A retriever reads its documents through this. Texts that stay in a file are in `stored_texts`.
"""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from numbers import Integral
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.feature_extraction.text import HashingVectorizer

from skencoder.errors import ParameterError
from skencoder.estimators.texts import TextReader

Ids = NDArray[Any]
Result = TypeVar("Result")


class Corpus:
    """Documents that many retrievers are fitted on, such as those of a grid search.

    What was last computed of them is kept in memory, so that a retriever with the same encoder
    does not encode them again, one with the same index does not build it again, and so on.

    Parameters
    ----------
    documents : iterable of str of shape (n_documents,)
        The texts.
    ids : iterable of str or int of shape (n_documents,), optional
        Each one once; None numbers the documents from 0.

    Attributes
    ----------
    documents : list of str of shape (n_documents,)
        The texts.
    ids : str or int64 of shape (n_documents,)
        Their ids.
    numbered : bool
        Whether ids are numbers that nobody gave.

    Raises
    ------
    TextInputError
        If the documents are no texts, or there are none.
    ParameterError
        If there is not one id per document, or one is there twice.

    Examples
    --------
    >>> from skencoder import Corpus
    >>> Corpus(["a cat", "a dog"], ids=["cat", "dog"])
    Corpus(2 documents)
    """

    def __init__(self, documents: Iterable[str], ids: Iterable[Any] | None = None) -> None:
        self.documents = read_texts(documents)
        self.ids = read_ids(ids, len(self.documents))
        self.numbered = ids is None
        self._kept: dict[str, tuple[Any, Any]] = {}

    def __len__(self) -> int:
        return len(self.documents)

    def compute_once(self, stage: str, parameters: Any, compute: Callable[[], Result]) -> Result:
        """Give what was computed last, if it was with the same parameters.

        Parameters
        ----------
        stage : str
            What is computed; the last result of each stage is kept.
        parameters : object
            What it depends on beside the documents.
        compute : callable
            Computes it.

        Returns
        -------
        object
            The result; shared, so it must not be changed.
        """
        known = self._kept.get(stage)
        if known is None or not is_same(known[0], parameters):
            # A copy of the parameters, because the user may change an object that is one.
            known = (clone(parameters, safe=False), compute())
            self._kept[stage] = known
        result: Result = known[1]
        return result

    def __sklearn_clone__(self) -> "Corpus":
        return self

    def __getstate__(self) -> dict[str, Any]:
        # Workers compute again what they need: sending it would take longer, or not be possible.
        return self.__dict__ | {"_kept": {}}

    def __repr__(self) -> str:
        return f"Corpus({len(self)} documents)"


def read_texts(texts: Any, missing: str = "error") -> list[str]:
    """Read documents or queries.

    Parameters
    ----------
    texts : iterable of str of shape (n_texts,)
        What a user calls texts.
    missing : {"error", "empty"}, default="error"
        What ``None`` and NaN are.

    Returns
    -------
    list of str
        One per row.

    Raises
    ------
    TextInputError
        If a row is no text, or there are none.
    """
    return TextReader(HashingVectorizer(lowercase=False), missing).read(texts)


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
        If there is not one per document, they are neither str nor int, or one is there twice.
    """
    if ids is None:
        return np.arange(first, first + n_documents)
    names = list_of("y", ids, n_documents)
    kinds = {str if isinstance(name, str) else type(name) for name in names}
    are_integers = all(isinstance(name, Integral) and not isinstance(name, bool) for name in names)
    if kinds != {str} and not are_integers:
        shown = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise ParameterError(
            f"y must hold the documents' ids, all str or all int; got {shown}. Convert them, for "
            f"instance with str()."
        )
    rows: dict[Any, int] = {}
    for row, name in enumerate(names):
        if rows.setdefault(name, row) != row:
            raise ParameterError(
                f"y holds {name!r} twice, in rows {rows[name]} and {row}; an id is one "
                f"document's. If several documents may have the same, choose target='labels'."
            )
    return np.array(names, dtype=np.int64 if are_integers else None)


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


def is_same(one: Any, other: Any) -> bool:
    """Say whether two parameters are surely the same.

    Parameters
    ----------
    one, other : object
        Estimators are the same if their classes and parameters are.

    Returns
    -------
    bool
        False also where it cannot be said.
    """
    if type(one) is not type(other):
        return False
    if hasattr(one, "get_params") and not isinstance(one, type):
        return is_same(one.get_params(deep=False), other.get_params(deep=False))
    if isinstance(one, dict):
        return list(one) == list(other) and is_same(list(one.values()), list(other.values()))
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    try:
        return one is other or bool(one == other)
    except (TypeError, ValueError):
        return False


def take(texts: Sequence[str], rows: NDArray[np.int64]) -> list[str]:
    """Give some texts in another order.

    Parameters
    ----------
    texts : sequence of str of shape (n_texts,)
        All.
    rows : int64 of shape (n_taken,)
        Which.

    Returns
    -------
    list of str
        In the order of ``rows``.
    """
    return [texts[row] for row in rows.tolist()]
