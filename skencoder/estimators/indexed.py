"""IndexedCorpus: what a retriever has of its documents, and how rows of the index are theirs.

Documents are searched in the order of their ids, whatever the order they came in: a document's
place is what it has in that order. So of equal scores the lower id comes first, and the same
documents give the same result in any order.
"""

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import ParameterError
from skencoder.estimators.corpus import Corpus, take
from skencoder.estimators.document_ids import Ids, Labels, find_rows, read_ids, read_labels
from skencoder.estimators.roles import Role, Vectors, find_fingerprint, fit_document_role, fresh
from skencoder.estimators.stored_texts import Texts
from skencoder.indexes import VectorIndex, build_index
from skencoder.retrieval import BM25Index, BM25Options, Ranking

Rows = NDArray[np.int64]


@dataclass
class EncodedDocuments:
    """Documents' vectors, and the index that was last built of them.

    Parameters
    ----------
    role : Role
        The encoder that made them.
    vectors : float32 of shape (n_documents, n_features)
        In the order of ids.
    """

    role: Role
    vectors: Vectors
    _built: tuple[Any, VectorIndex] | None = field(default=None, init=False)

    def build(self, name: str, metric: str, options: dict[str, Any]) -> VectorIndex:
        """Build an index, unless the last one is the same.

        Parameters
        ----------
        name : str
            Which index.
        metric : str
            What a score is.
        options : dict
            Of this index.

        Returns
        -------
        VectorIndex
            Shared, so it must not be changed.

        Raises
        ------
        ParameterError
            If there is no such index, metric or option.
        """
        wanted = (name, metric, options)
        if self._built is None or self._built[0] != wanted:
            index = build_index(name, self.vectors, metric=metric, **options)
            self._built = (copy.deepcopy(wanted), index)
        return self._built[1]


@dataclass
class IndexedCorpus:
    """Documents as they are searched.

    Parameters
    ----------
    documents : Texts of shape (n_documents,)
        In the order they came in.
    ids : str or int64 of shape (n_documents,)
        In the same order.
    order : int64 of shape (n_documents,)
        Which of them each row of the index is.
    labels : ndarray of shape (n_documents,) or None
        In the order they came in; None where documents have ids.
    role : Role
        The encoder of documents.
    index : VectorIndex
        Their vectors.
    lexical : BM25Index or None
        Their words, in the order of ids.
    lexical_options : BM25Options or None
        How words are searched; None where they are not.
    numbered : bool
        Whether ids are numbers that nobody gave.
    next_id : int
        The next number.
    is_shared : bool
        Whether others use the same index, so that it must be copied before it is changed.
    """

    documents: Texts
    ids: Ids
    order: Rows
    labels: Labels | None
    role: Role
    index: VectorIndex
    lexical: BM25Index | None
    lexical_options: BM25Options | None
    numbered: bool
    next_id: int
    is_shared: bool = False
    _sorted: tuple[Rows, Rows | None] | None = field(default=None, init=False)

    @classmethod
    def build(
        cls,
        corpus: Corpus,
        parameters: dict[str, Any],
        labels: Labels | None = None,
        *,
        shared: bool,
    ) -> "IndexedCorpus":
        """Encode and index documents.

        Parameters
        ----------
        corpus : Corpus
            The documents.
        parameters : dict
            A retriever's, checked, with ``lexical`` as options.
        labels : ndarray of shape (n_documents,), optional
            Of the documents, which are then numbered.
        shared : bool
            Whether the corpus serves other retrievers too.

        Returns
        -------
        IndexedCorpus
            Ready to be searched.

        Raises
        ------
        ParameterError
            If the encoder or a parameter of the index cannot be used.
        """
        order = np.argsort(corpus.ids, kind="stable")
        texts = take(corpus.documents, order)
        encoder, prompt = parameters["encoder"], parameters["document_prompt"]
        encoded = corpus.compute_once(
            "vectors",
            (fresh(encoder), find_fingerprint(encoder), prompt),
            lambda: EncodedDocuments(*fit_document_role(encoder, texts, prompt)),
        )
        options: BM25Options | None = parameters["lexical"]
        lexical = None
        if options is not None:
            lexical = corpus.compute_once("words", options, lambda: BM25Index(texts, options))
        index = encoded.build(
            parameters["index"], parameters["metric"], dict(parameters["index_options"] or {})
        )
        return cls(
            documents=Texts(corpus.documents),
            ids=corpus.ids,
            order=order,
            labels=labels,
            role=encoded.role,
            index=index,
            lexical=lexical,
            lexical_options=options,
            numbered=corpus.numbered,
            next_id=len(corpus),
            is_shared=shared,
        )

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, documents: list[str], y: Any) -> None:
        """Append documents.

        Parameters
        ----------
        documents : list of str of shape (n_added,)
            The texts.
        y : iterable of shape (n_added,) or None
            Their labels, where documents have labels, else their ids; None goes on numbering.

        Raises
        ------
        ParameterError
            If an id is there already, ids are given where documents are numbered, or labels are
            of another type.
        """
        labels = self._read_new_labels(y, len(documents))
        ids = self._read_new_ids(y if labels is None else None, len(documents))
        order = np.argsort(ids, kind="stable")
        vectors = self.role.encode(take(documents, order))
        self._own_index().add(vectors)
        self.order = np.concatenate([self.order, len(self) + order])
        self.documents.add(documents)
        self.ids = np.concatenate([self.ids, ids])
        if self.labels is not None and labels is not None:
            self.labels = np.concatenate([self.labels, labels])
        self.next_id += len(documents)
        self.lexical = self._sorted = None

    def find(self, names: list[Any]) -> Rows:
        """Find documents by their ids.

        Parameters
        ----------
        names : list of shape (n_names,)
            Ids.

        Returns
        -------
        int64 of shape (n_found,)
            Which they are, in the order they came in; each once.

        Raises
        ------
        ParameterError
            If there is no such id.
        """
        return find_rows(self.ids, names)

    def remove(self, rows: Rows) -> None:
        """Take documents out.

        Parameters
        ----------
        rows : int64 of shape (n_removed,)
            Which, in the order they came in; each once.
        """
        gone = np.zeros(len(self), bool)
        gone[rows] = True
        self._own_index().remove(np.flatnonzero(gone[self.order]))
        # The others close up.
        new_rows = np.cumsum(~gone) - 1
        self.order = new_rows[self.order[~gone[self.order]]]
        self.documents.keep(np.flatnonzero(~gone))
        self.ids = self.ids[~gone]
        if self.labels is not None:
            self.labels = self.labels[~gone]
        self.lexical = self._sorted = None

    @property
    def by_place(self) -> Rows:
        """Which document is at each place, in the order of ids."""
        return self._sort()[0]

    def search(self, vectors: Vectors, n_ranks: int) -> Ranking:
        """Find the documents whose vectors are near.

        Parameters
        ----------
        vectors : float32 of shape (n_queries, n_features)
            What is looked for.
        n_ranks : int
            How many documents, at most all.

        Returns
        -------
        Ranking
            Of places; of equal scores the lower one comes first.
        """
        places = self._sort()[1]
        scores, rows = self.index.search(vectors, n_ranks, ranks=places)
        return Ranking(scores, rows if places is None else places[rows])

    def _sort(self) -> tuple[Rows, Rows | None]:
        """Give the document at each place, and the place of each row unless they are the same."""
        if self._sorted is None:
            ids = self.ids[self.order]
            if (ids[1:] > ids[:-1]).all():
                self._sorted = self.order, None
            else:
                # Ids that came later need not be higher.
                by_place = np.argsort(self.ids)
                places = np.empty(len(self), np.int64)
                places[by_place] = np.arange(len(self))
                self._sorted = by_place, places[self.order]
        return self._sorted

    def words(self) -> BM25Index | None:
        """Give the index of words, built anew if documents were added or removed.

        Returns
        -------
        BM25Index or None
            None where words are not searched.
        """
        if self.lexical is None and self.lexical_options is not None:
            # A word's weight depends on all documents; added one by one, they are counted once.
            self.lexical = BM25Index(take(self.documents, self.by_place), self.lexical_options)
        return self.lexical

    def _read_new_labels(self, y: Any, n_documents: int) -> Labels | None:
        if self.labels is None:
            return None
        labels = read_labels(y, n_documents)
        if labels.dtype.kind != self.labels.dtype.kind:
            raise ParameterError(
                f"y must hold labels of the type that is there, {self.labels.dtype}; got "
                f"{labels.dtype}."
            )
        return labels

    def _read_new_ids(self, y: Any, n_documents: int) -> Ids:
        if (y is None) != self.numbered:
            raise ParameterError(
                "y must be None, because the documents that are there are numbered."
                if self.numbered
                else "y must hold ids, because the documents that are there have ids."
            )
        ids = read_ids(y, n_documents, first=self.next_id)
        if ids.dtype.kind != self.ids.dtype.kind:
            raise ParameterError(
                f"y must hold ids of the type that is there, {self.ids.dtype}; got {ids.dtype}."
            )
        known = np.intersect1d(self.ids, ids).tolist()
        if known:
            raise ParameterError(
                f"y holds {known[0]!r}, which is a document's id already; remove that one first."
            )
        return ids

    def _own_index(self) -> VectorIndex:
        if self.is_shared:
            self.index, self.is_shared = copy.deepcopy(self.index), False
        return self.index
