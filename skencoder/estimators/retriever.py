"""EncoderRetriever: documents are encoded and indexed, queries find the nearest.

What it holds of its documents stands in `indexed`, how they are searched in `search_stages`, what
was found as a table in `search_table`, its folder in `retriever_folder`.
"""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skencoder.errors import ParameterError
from skencoder.estimators.corpus import Corpus
from skencoder.estimators.document_ids import Ids, Labels, list_names, read_labels
from skencoder.estimators.indexed import IndexedCorpus
from skencoder.estimators.retriever_folder import load_retriever, save_retriever
from skencoder.estimators.roles import first_encoder, make_query_role
from skencoder.estimators.search_parameters import check_fit_parameters, read_lexical
from skencoder.estimators.search_stages import Distances, Stages
from skencoder.estimators.search_table import make_search_table
from skencoder.estimators.texts import read_texts
from skencoder.metrics import RetrievalScorer
from skencoder.retrieval import BM25Options

if TYPE_CHECKING:
    import pandas as pd

    from skencoder.indexes import VectorIndex

Positions = NDArray[np.int64]


class EncoderRetriever(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Find the documents that are nearest to a query.

    Documents are encoded and indexed by ``fit``. ``encoder``, ``metric``, ``index``,
    ``index_options``, the prompts, ``target`` and ``lexical`` take effect at the next ``fit``, all
    other parameters at the next search. Of equally near documents the lower id comes first, so
    the same documents in another order give the same results.

    Parameters
    ----------
    encoder : transformer, default=None
        From texts to vectors: an `EncoderVectorizer`, a pipeline that starts with one, or any
        other transformer that gives dense vectors, whose prompts, if it has any, are not looked
        for. None is ``EncoderVectorizer()``; give it, if its parameters shall be searched.
    metric : {"cosine", "dot", "euclidean"}, default="cosine"
        How vectors are compared.
    n_neighbors : int, default=10
        How many documents are found.
    index : {"exact", "hnsw", "faiss"}, default="exact"
        How vectors are searched; see `skencoder.indexes`. "hnsw" misses some documents, not the
        same ones after each ``fit``.
    index_options : dict, default=None
        Options of this index.
    query_prompt : str, default=None
        Text put before every query, or the name of one of the checkpoint's own prompts. None is
        the checkpoint's prompt for queries, if it has one and the encoder has no prompt of its
        own; "" is none.
    document_prompt : str, default=None
        The same for documents.
    target : {"ids", "labels"}, default="ids"
        What ``y`` of ``fit`` is: ids, one of a kind per document, or labels, which several
        documents may have; they are then numbered.
    mode : {"distance", "similarity"}, default="distance"
        What `transform` gives.
    lexical : "bm25" or BM25Options, default=None
        Search words too, and fuse both rankings by reciprocal rank.
    fusion_weights : pair of float, default=(1.0, 1.0)
        How much vectors and words count in the fusion.
    rank_constant : float, default=60
        How little the first ranks count more than the next, in the fusion.
    n_candidates : int, default=1000
        How many documents each ranking gives to the fusion.
    reranker : object, default=None
        Scores pairs of a query and a document read together: a function of a list of pairs, or
        an object whose ``predict`` is one, such as a CrossEncoder of sentence-transformers. It
        orders the first ``n_reranked`` documents anew. Clones share it.
    n_reranked : int, default=100
        How many documents the reranker reads per query.

    Attributes
    ----------
    ids_ : str or int64 of shape (n_documents,)
        The documents' ids, in the order the documents came in.
    labels_ : ndarray of shape (n_documents,)
        Their labels; only if ``target="labels"``.
    documents_ : sequence of str of shape (n_documents,)
        Their texts.
    index_ : VectorIndex
        Their vectors, in the order of ids.
    document_encoder_ : transformer
        Fitted, with the prompt of documents.
    query_encoder_ : transformer
        The same, with the prompt of queries.
    n_documents_ : int
        How many there are.

    See Also
    --------
    FixedCorpusRetriever : For choosing parameters with queries whose documents are known.
    sklearn.neighbors.KNeighborsTransformer : The same graph, from vectors.

    References
    ----------
    .. [1] Reimers & Gurevych (2019), Sentence-BERT, arXiv:1908.10084.
    .. [2] Cormack, Clarke & Buettcher (2009), Reciprocal rank fusion outperforms Condorcet and
       individual rank learning methods, SIGIR.

    Examples
    --------
    >>> from skencoder import EncoderRetriever
    >>> documents = ["Cats purr when they are happy.", "The train to Bern leaves at noon."]
    >>> retriever = EncoderRetriever(n_neighbors=1).fit(documents, ["cats", "trains"])
    >>> retriever.predict(["departure times"])
    array(['trains'], dtype='<U6')
    >>> retriever.search(["why does my kitten hum?"])[["rank", "id"]]
       rank    id
    0     1  cats
    """

    _doc_link_module = "skencoder"
    _doc_link_template = "https://pypi.org/project/skencoder/"

    def __init__(
        self,
        encoder: Any = None,
        *,
        metric: str = "cosine",
        n_neighbors: int = 10,
        index: str = "exact",
        index_options: dict[str, Any] | None = None,
        query_prompt: str | None = None,
        document_prompt: str | None = None,
        target: str = "ids",
        mode: str = "distance",
        lexical: "str | BM25Options | None" = None,
        fusion_weights: tuple[float, float] = (1.0, 1.0),
        rank_constant: float = 60,
        n_candidates: int = 1000,
        reranker: Any = None,
        n_reranked: int = 100,
    ) -> None:
        self.encoder = encoder
        self.metric = metric
        self.n_neighbors = n_neighbors
        self.index = index
        self.index_options = index_options
        self.query_prompt = query_prompt
        self.document_prompt = document_prompt
        self.target = target
        self.mode = mode
        self.lexical = lexical
        self.fusion_weights = fusion_weights
        self.rank_constant = rank_constant
        self.n_candidates = n_candidates
        self.reranker = reranker
        self.n_reranked = n_reranked

    def fit(self, documents: Any, y: Any = None) -> "EncoderRetriever":
        """Encode and index documents.

        Parameters
        ----------
        documents : iterable of str of shape (n_documents,)
            The texts; at least one.
        y : iterable of shape (n_documents,), optional
            Their ids, str or int, or labels as ``target`` says; None numbers them from 0.

        Returns
        -------
        EncoderRetriever
            Itself.

        Raises
        ------
        ParameterError
            If a parameter cannot be used, an id is there twice, or there is not one per document.
        TextInputError
            If the documents are no texts, or there are none.
        CheckpointError
            If the model is not there or cannot be used.
        MissingExtraError
            If a library that is asked for is not installed.
        """
        check_fit_parameters(self.get_params(deep=False))
        texts = self._read_documents(documents)
        labels = read_labels(y, len(texts)) if self.target == "labels" else None
        corpus = Corpus(texts, None if labels is not None else y)
        return self._fit_corpus(corpus, labels, shared=False)

    def _fit_corpus(
        self, corpus: Corpus, labels: Labels | None = None, *, shared: bool
    ) -> "EncoderRetriever":
        parameters = self.get_params(deep=False)
        check_fit_parameters(parameters)
        parameters["lexical"] = read_lexical(self.lexical)
        indexed = IndexedCorpus.build(corpus, parameters, labels, shared=shared)
        self._role = make_query_role(self.encoder, indexed.role, self.query_prompt)
        self._indexed = indexed
        return self

    def fit_transform(self, documents: Any, y: Any = None) -> csr_array:
        """Encode and index documents, and give their graph; they are read once.

        Parameters
        ----------
        documents : iterable of str of shape (n_documents,)
            The texts; at least one. A generator will do.
        y : iterable of shape (n_documents,), optional
            Their ids or labels, as in ``fit``.

        Returns
        -------
        sparse float64 of shape (n_documents, n_documents)
            As of `transform`.

        Raises
        ------
        ParameterError
            If a parameter cannot be used, an id is there twice, there is not one per document, or
            there are fewer documents than neighbours are asked for.
        TextInputError
            If the documents are no texts, or there are none.
        CheckpointError
            If the model is not there or cannot be used.
        MissingExtraError
            If a library that is asked for is not installed.
        """
        texts = self._read_documents(documents)
        return self.fit(texts, y).transform(texts)

    def partial_fit(self, documents: Any, y: Any = None) -> "EncoderRetriever":
        """Add documents; the encoder learns nothing of them.

        Parameters
        ----------
        documents : iterable of str of shape (n_added,)
            The texts; at least one.
        y : iterable of shape (n_added,), optional
            Their ids or labels, as in ``fit``; needed if they were given there.

        Returns
        -------
        EncoderRetriever
            Itself.

        Raises
        ------
        ParameterError
            If an id is there already, or ``y`` is not what it was in ``fit``.
        TextInputError
            If the documents are no texts, or there are none.
        """
        if not hasattr(self, "_indexed"):
            return self.fit(documents, y)
        self._indexed.add(self._read_documents(documents), y)
        return self

    def remove(self, ids: Any) -> "EncoderRetriever":
        """Take documents out; the others keep their ids.

        Parameters
        ----------
        ids : str, int or iterable of these
            Of the documents.

        Returns
        -------
        EncoderRetriever
            Itself.

        Raises
        ------
        ParameterError
            If there is no such id, or no document would be left.
        """
        check_is_fitted(self, "_indexed")
        rows = self._indexed.find(list_names(ids))
        if len(rows) == self.n_documents_:
            raise ParameterError(
                f"ids names all {len(rows)} documents, and none would be left to search; call fit "
                f"with other documents instead."
            )
        self._indexed.remove(rows)
        return self

    @overload
    def kneighbors(
        self, queries: Any, n_neighbors: int | None = ..., return_distance: Literal[True] = ...
    ) -> tuple[Distances, Positions]: ...
    @overload
    def kneighbors(
        self, queries: Any, n_neighbors: int | None = ..., *, return_distance: Literal[False]
    ) -> Positions: ...
    def kneighbors(
        self, queries: Any, n_neighbors: int | None = None, return_distance: bool = True
    ) -> tuple[Distances, Positions] | Positions:
        """Find the nearest documents.

        Parameters
        ----------
        queries : iterable of str of shape (n_queries,)
            The texts to search with.
        n_neighbors : int, default=None
            How many documents; None is the parameter.
        return_distance : bool, default=True
            Whether distances are given too.

        Returns
        -------
        distances : float of shape (n_queries, n_neighbors)
            One minus the cosine, the euclidean distance, or the dot product times -1. Of a fusion
            one minus its share of the highest score there can be, of a reranker its score times
            -1. Only if ``return_distance``.
        positions : int64 of shape (n_queries, n_neighbors)
            In ``ids_``, nearest first.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If there are fewer documents than are asked for.
        TextInputError
            If the queries are no texts.
        """
        texts = self._read_queries(queries)
        stages = self._stages
        ranking = stages.rank(texts, n_neighbors)
        if not return_distance:
            return ranking.positions
        return stages.distances(ranking.scores), ranking.positions

    def search(self, queries: Any, n_neighbors: int | None = None) -> "pd.DataFrame":
        """Find the nearest documents, as a table to read.

        Parameters
        ----------
        queries : iterable of str of shape (n_queries,)
            The texts to search with.
        n_neighbors : int, default=None
            How many documents per query; None is the parameter.

        Returns
        -------
        DataFrame of shape (n_queries * n_neighbors, 5)
            With the columns query, rank (from 1), id, score (higher is better) and document;
            with labels also label.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If there are fewer documents than are asked for.
        TextInputError
            If the queries are no texts.
        """
        texts = self._read_queries(queries)
        return make_search_table(texts, self._stages.rank(texts, n_neighbors), self._indexed)

    def predict(self, queries: Any) -> NDArray[Any]:
        """Give the nearest document of each query.

        Parameters
        ----------
        queries : iterable of str of shape (n_queries,)
            The texts to search with.

        Returns
        -------
        ndarray of shape (n_queries,)
            Its id, or its label.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        TextInputError
            If the queries are no texts.
        """
        nearest = self.kneighbors(queries, 1, return_distance=False)[:, 0]
        labels = self._indexed.labels
        targets: NDArray[Any] = self.ids_ if labels is None else labels
        return targets[nearest]

    def transform(self, queries: Any) -> csr_array:
        """Give the graph of nearest documents, for estimators that take it as precomputed.

        Parameters
        ----------
        queries : iterable of str of shape (n_queries,)
            The texts to search with.

        Returns
        -------
        sparse float64 of shape (n_queries, n_documents)
            Distances, or scores with ``mode="similarity"``, nearest first in each row. As a
            document mostly is its own neighbour (not always, where queries have another prompt
            than documents), distances are of ``n_neighbors + 1`` documents, where there are so
            many.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If there are fewer documents than are asked for, or no distances.
        TextInputError
            If the queries are no texts.

        See Also
        --------
        sklearn.neighbors.KNeighborsTransformer : The same, from vectors.
        """
        texts = self._read_queries(queries)
        return self._stages.graph(texts)

    def score(self, queries: Any, relevant: Any) -> float:
        """Score the ranking by nDCG@10.

        Parameters
        ----------
        queries : iterable of str of shape (n_queries,)
            The texts to search with.
        relevant : sequence of shape (n_queries,)
            Per query what is relevant: an id, a set of ids, or a dict of ids to grades. With
            labels these are labels, and every document of a label that is named is relevant.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If an id or label is unknown, or there is not one entry per query.
        TextInputError
            If the queries are no texts.
        """
        check_is_fitted(self, "_indexed")
        return float(RetrievalScorer("ndcg@10").mean(self, queries, relevant))

    def save(self, folder: str | Path) -> Path:
        """Write a folder with documents, ids and indexes; the encoder is named, not written.

        Parameters
        ----------
        folder : str or Path
            Where to; it must not exist, or be empty. It appears whole or not at all.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        CheckpointError
            If the folder holds something.
        ParameterError
            If a parameter is a function, which a folder does not hold.
        OSError
            If the disk is full or the folder cannot be written.
        """
        check_is_fitted(self, "_indexed")
        parameters = self.get_params(deep=False)
        return save_retriever(folder, self._indexed, self._role, parameters)

    @classmethod
    def load(
        cls, folder: str | Path, *, encoder: Any = None, **parameters: Any
    ) -> "EncoderRetriever":
        """Open a folder that `save` wrote; documents and vectors are mapped, not read.

        Parameters
        ----------
        folder : str or Path
            Where it is.
        encoder : transformer, default=None
            The encoder of the documents, where the folder cannot name it: fitted, unless it is an
            `EncoderVectorizer`. None takes the one that is named.
        **parameters : object
            Parameters of a search that shall differ, by name.

        Returns
        -------
        EncoderRetriever
            As it was saved.

        Raises
        ------
        IndexFileError
            If the folder holds no retriever, files are damaged, or another encoder made them.
        CheckpointError
            If the encoder's model is not there.
        """
        loaded = load_retriever(folder, encoder, parameters)
        retriever = cls(**loaded.parameters)
        check_fit_parameters(retriever.get_params(deep=False))
        retriever._indexed, retriever._role = loaded.indexed, loaded.role
        return retriever

    @property
    def ids_(self) -> Ids:
        """The documents' ids, in the order the documents came in."""
        check_is_fitted(self, "_indexed")
        return self._indexed.ids

    @property
    def labels_(self) -> Labels:
        """The documents' labels, in the order the documents came in."""
        check_is_fitted(self, "_indexed")
        if self._indexed.labels is None:
            raise AttributeError("labels_ is there only where target='labels' was fitted.")
        return self._indexed.labels

    @property
    def documents_(self) -> Sequence[str]:
        """The documents' texts."""
        check_is_fitted(self, "_indexed")
        return self._indexed.documents

    @property
    def index_(self) -> "VectorIndex":
        """The documents' vectors, in the order of ids."""
        check_is_fitted(self, "_indexed")
        return self._indexed.index

    @property
    def document_encoder_(self) -> Any:
        """The fitted encoder, with the prompt of documents."""
        check_is_fitted(self, "_indexed")
        return self._indexed.role.encoder

    @property
    def query_encoder_(self) -> Any:
        """The fitted encoder, with the prompt of queries."""
        check_is_fitted(self, "_indexed")
        return self._role.encoder

    @property
    def n_documents_(self) -> int:
        """How many documents there are."""
        check_is_fitted(self, "_indexed")
        return len(self._indexed)

    @property
    def _n_features_out(self) -> int:
        return self.n_documents_

    @property
    def _stages(self) -> Stages:
        return Stages(self._indexed, self._role, self.get_params(deep=False))

    def _read_queries(self, queries: Any) -> list[str]:
        check_is_fitted(self, "_indexed")
        return read_texts(queries, self._missing, "queries")

    def _read_documents(self, documents: Any) -> list[str]:
        return read_texts(documents, self._missing, "documents")

    @property
    def _missing(self) -> str:
        encoder = first_encoder(self.encoder)
        if encoder is not None and encoder.input != "content":
            raise ParameterError(
                f"encoder reads input={encoder.input!r}, but documents and queries are texts "
                f"here; read the files first."
            )
        return "error" if encoder is None else encoder.missing

    def __sklearn_clone__(self) -> "EncoderRetriever":
        # A reranker is a large model that nobody changes, so clones share it.
        bare = copy.copy(self)
        bare.reranker = None
        cloned: EncoderRetriever = super(EncoderRetriever, bare).__sklearn_clone__()
        cloned.reranker = self.reranker
        return cloned

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_indexed")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags
