"""Corpus: documents, their ids, and what was last computed of them.

A retriever reads its documents through this. How ids are read is in `document_ids`, texts that
stay in a file are in `stored_texts`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone

from skencoder.estimators.document_ids import read_ids
from skencoder.estimators.texts import read_texts

Result = TypeVar("Result")


class Corpus:
    """Documents that many retrievers are fitted on, such as those of a grid search.

    What was last computed of them is kept in memory, so that a retriever with the same encoder
    does not encode them again, one with the same index does not build it again, and so on. What
    cannot be cloned, such as a FrozenEstimator, is the same encoder as long as it is the same
    object; make another Corpus if you fit again what it holds.

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
        self.documents = read_texts(documents, name="documents")
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


def is_same(one: Any, other: Any) -> bool:
    """Say whether two parameters are surely the same.

    Parameters
    ----------
    one, other : object
        Estimators are the same if their classes and parameters are. Those that stay what they are
        when they are cloned may be fitted, so these must be the same object.

    Returns
    -------
    bool
        False also where it cannot be said.
    """
    if type(one) is not type(other):
        return False
    if hasattr(one, "get_params") and not isinstance(one, type):
        if _stays_fitted(one):
            return one is other
        return is_same(one.get_params(deep=False), other.get_params(deep=False))
    if isinstance(one, dict):
        return list(one) == list(other) and is_same(list(one.values()), list(other.values()))
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    return one is other or _is_equal(one, other)


def _is_equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except (TypeError, ValueError):
        return False


def _stays_fitted(value: Any) -> bool:
    own = getattr(type(value), "__sklearn_clone__", BaseEstimator.__sklearn_clone__)
    return own is not BaseEstimator.__sklearn_clone__ and clone(value) is value


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
