"""FixedCorpusRetriever: a retriever whose samples are queries, so that a search can choose it."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skencoder.errors import ParameterError
from skencoder.estimators.corpus import Corpus
from skencoder.estimators.document_ids import Ids
from skencoder.estimators.retriever import EncoderRetriever
from skencoder.estimators.roles import fresh
from skencoder.estimators.texts import read_texts
from skencoder.metrics import RetrievalScorer, check_relevant

if TYPE_CHECKING:
    import pandas as pd


class FixedCorpusRetriever(BaseEstimator):
    """Search a corpus that is a parameter; what is fitted and scored on are queries.

    scikit-learn splits the samples that ``fit`` is given. A retriever is fitted on documents, but
    it is chosen by queries whose relevant documents are known, and these are what must be split.
    So the documents are a parameter here, and ``GridSearchCV`` does the rest. Give them as one
    `Corpus`: then each is encoded once, and an index is built once for all folds.

    Parameters
    ----------
    retriever : EncoderRetriever or Pipeline, default=None
        What is fitted on the documents: a retriever, or a pipeline that ends with one. None is
        ``EncoderRetriever()``.
    corpus : Corpus or iterable of str, default=()
        The documents.

    Attributes
    ----------
    retriever_ : EncoderRetriever or Pipeline
        Fitted on the documents.
    ids_ : str or int64 of shape (n_documents,)
        The documents' ids.

    See Also
    --------
    skencoder.metrics.make_retrieval_scorer : What to choose by.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skencoder import Corpus, EncoderRetriever, EncoderVectorizer, FixedCorpusRetriever
    >>> corpus = Corpus(["Cats purr.", "Trains leave at noon.", "Bread is baked."], [1, 2, 3])
    >>> search = GridSearchCV(
    ...     FixedCorpusRetriever(EncoderRetriever(EncoderVectorizer()), corpus),
    ...     {"retriever__encoder__truncate_dim": [2, 384]},
    ...     cv=2,
    ... )
    >>> search = search.fit(["kitten", "railway", "bakery", "departure"], [1, 2, 3, 2])
    >>> search.best_params_
    {'retriever__encoder__truncate_dim': 384}
    """

    _doc_link_module = "skencoder"
    _doc_link_template = "https://pypi.org/project/skencoder/"

    def __init__(self, retriever: Any = None, corpus: Any = ()) -> None:
        self.retriever = retriever
        self.corpus = corpus

    def fit(self, queries: Any, relevant: Any = None) -> "FixedCorpusRetriever":
        """Fit the retriever on the documents; nothing is learned of the queries.

        Parameters
        ----------
        queries : iterable of str of shape (n_queries,)
            Texts to search with; only checked.
        relevant : sequence of shape (n_queries,), optional
            Per query what is relevant: an id, a set of ids, or a dict of ids to grades; only
            checked.

        Returns
        -------
        FixedCorpusRetriever
            Itself.

        Raises
        ------
        ParameterError
            If a parameter cannot be used, or an id is unknown.
        TextInputError
            If the queries or the documents are no texts, or there are none.
        """
        retriever = _copy(EncoderRetriever() if self.retriever is None else self.retriever)
        last = retriever[-1] if isinstance(retriever, Pipeline) else retriever
        missing = last._missing
        texts = read_texts(queries, missing, "queries")
        corpus = self.corpus
        if not isinstance(corpus, Corpus):
            corpus = Corpus(read_texts(corpus, missing, "corpus"))
        if relevant is not None:
            check_relevant(relevant, len(texts), corpus.ids)
        if last.target != "ids":
            raise ParameterError(
                f"retriever has target={last.target!r}, but a corpus has ids only; choose "
                f"target='ids'."
            )
        self.retriever_ = _fit(retriever, corpus)
        return self

    @property
    def ids_(self) -> Ids:
        """The documents' ids."""
        check_is_fitted(self, "retriever_")
        ids: Ids = self._last.ids_
        return ids

    def kneighbors(
        self, queries: Any, n_neighbors: int | None = None, return_distance: bool = True
    ) -> Any:
        """Find the nearest documents.

        Parameters
        ----------
        queries : iterable of str of shape (n_queries,)
            The texts to search with.
        n_neighbors : int, default=None
            How many documents; None is the retriever's parameter.
        return_distance : bool, default=True
            Whether distances are given too.

        Returns
        -------
        distances : float of shape (n_queries, n_neighbors)
            As of `EncoderRetriever.kneighbors`; only if ``return_distance``.
        positions : int64 of shape (n_queries, n_neighbors)
            In ``ids_``, nearest first.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If there are fewer documents than are asked for.
        """
        check_is_fitted(self, "retriever_")
        return self._last.kneighbors(
            self._prepare(queries), n_neighbors, return_distance=return_distance
        )

    def search(self, queries: Any, n_neighbors: int | None = None) -> "pd.DataFrame":
        """Find the nearest documents, as a table to read.

        Parameters
        ----------
        queries : iterable of str of shape (n_queries,)
            The texts to search with.
        n_neighbors : int, default=None
            How many documents per query; None is the retriever's parameter.

        Returns
        -------
        DataFrame of shape (n_queries * n_neighbors, 5)
            As of `EncoderRetriever.search`.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If there are fewer documents than are asked for.
        """
        check_is_fitted(self, "retriever_")
        found: pd.DataFrame = self._last.search(self._prepare(queries), n_neighbors)
        return found

    def predict(self, queries: Any) -> NDArray[Any]:
        """Give the id of the nearest document of each query.

        Parameters
        ----------
        queries : iterable of str of shape (n_queries,)
            The texts to search with.

        Returns
        -------
        ndarray of shape (n_queries,)
            Ids.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        """
        check_is_fitted(self, "retriever_")
        return np.asarray(self.retriever_.predict(queries))

    def score(self, queries: Any, relevant: Any) -> float:
        """Score the ranking by nDCG@10.

        Parameters
        ----------
        queries : iterable of str of shape (n_queries,)
            The texts to search with.
        relevant : sequence of shape (n_queries,)
            Per query what is relevant: an id, a set of ids, or a dict of ids to grades.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If an id is unknown, or there is not one entry per query.
        """
        check_is_fitted(self, "retriever_")
        return RetrievalScorer("ndcg@10").mean(self, queries, relevant)

    @property
    def _last(self) -> Any:
        fitted = self.retriever_
        return fitted[-1] if isinstance(fitted, Pipeline) else fitted

    def _prepare(self, queries: Any) -> Any:
        fitted = self.retriever_
        if isinstance(fitted, Pipeline) and len(fitted) > 1:
            return fitted[:-1].transform(queries)
        return queries

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def _fit(retriever: Any, corpus: Corpus) -> Any:
    if isinstance(retriever, EncoderRetriever):
        return retriever._fit_corpus(corpus, shared=True)
    return retriever.fit(corpus.documents, None if corpus.numbered else corpus.ids)


def _copy(retriever: Any) -> Any:
    """Clone a retriever; its encoder goes on knowing what a search varies."""
    if isinstance(retriever, Pipeline) and isinstance(retriever[-1], EncoderRetriever):
        copied = clone(retriever)
        copied.steps[-1] = (copied.steps[-1][0], _copy(retriever[-1]))
        return copied
    if not isinstance(retriever, EncoderRetriever):
        raise ParameterError(
            f"retriever must be an EncoderRetriever, or a pipeline that ends with one; got "
            f"{retriever!r}."
        )
    copied = clone(retriever)
    if retriever.encoder is not None:
        copied.encoder = fresh(retriever.encoder)
    return copied
