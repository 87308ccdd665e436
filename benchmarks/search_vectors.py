"""The vectors search is measured on, and which of them are truly the nearest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skencoder import EncoderVectorizer
from skencoder.datasets import load_python_docs
from skencoder.errors import ParameterError

from .search_settings import SearchSettings

Vectors = NDArray[np.float32]

# Random vectors in a cluster, on average; its centre is as long as a member's distance from it.
CLUSTER = 100
# Texts of which one is a query.
TEXTS_PER_QUERY = 10
# Scores in float64 held at once while the truth is computed.
SCORES_AT_ONCE = 2**24
# Scores nearer than this are the same: rounding of float64 in sums of a few thousand numbers.
SAME = 1e-12


@dataclass(frozen=True)
class VectorSet:
    """Documents and queries of unit length.

    Parameters
    ----------
    name : str
        One of `search_settings.VECTOR_SETS`.
    description : str
        What they are, for people.
    documents : float32 of shape (n_documents, n_features)
        What is searched.
    queries : float32 of shape (n_queries, n_features)
        What is looked for.
    """

    name: str
    description: str
    documents: Vectors
    queries: Vectors


def make_vectors(name: str, settings: SearchSettings) -> VectorSet:
    """Make a set of vectors.

    Parameters
    ----------
    name : str
        One of `search_settings.VECTOR_SETS`.
    settings : SearchSettings
        How many, of what.

    Returns
    -------
    VectorSet
        The same for the same settings.

    Raises
    ------
    ParameterError
        If there are too few texts.
    """
    return _make_random(settings) if name == "clustered" else _embed_texts(settings)


def _make_random(settings: SearchSettings) -> VectorSet:
    rng = np.random.default_rng(settings.seed)
    n_rows, width = settings.documents + settings.queries, settings.dimensions
    n_clusters = max(1, settings.documents // CLUSTER)
    centres = rng.standard_normal((n_clusters, width), dtype=np.float32)
    rows = rng.standard_normal((n_rows, width), dtype=np.float32)
    rows += centres[rng.integers(0, n_clusters, n_rows)]
    rows = _to_unit_length(rows)
    description = f"random vectors in {n_clusters} clusters"
    return VectorSet("clustered", description, rows[settings.queries :], rows[: settings.queries])


def _embed_texts(settings: SearchSettings) -> VectorSet:
    if settings.texts is None:
        texts, source = list(load_python_docs().data), "Python's documentation"
    else:
        lines = settings.texts.read_text(encoding="utf-8").splitlines()
        texts, source = [line for line in lines if line.strip()], str(settings.texts)
    n_queries = min(settings.queries, len(texts) // TEXTS_PER_QUERY)
    if n_queries < 1 or len(texts) - n_queries < settings.neighbors:
        raise ParameterError(
            f"texts: {len(texts)} texts are too few for {settings.neighbors} neighbours of one "
            f"query for every {TEXTS_PER_QUERY} texts."
        )
    vectors = EncoderVectorizer(overflow="truncate", cache=None).fit_transform(texts)
    # Spread over the whole, as texts that follow each other are alike.
    asked = np.linspace(0, len(texts) - 1, n_queries).astype(int)
    rows = _to_unit_length(np.asarray(vectors))
    others = np.delete(rows, asked, axis=0)
    return VectorSet("texts", f"{source}, all-MiniLM-L6-v2", others, rows[asked])


def _to_unit_length(rows: Vectors) -> Vectors:
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return rows


@dataclass(frozen=True)
class Truth:
    """The nearest documents by a brute force in float64.

    Parameters
    ----------
    vectors : VectorSet
        Of which.
    ids : int64 of shape (n_queries, n_neighbors)
        Best first, of equal scores the lower id.
    """

    vectors: VectorSet
    ids: NDArray[np.int64]

    @classmethod
    def find(cls, vectors: VectorSet, n_neighbors: int) -> "Truth":
        """Compare all with all.

        Parameters
        ----------
        vectors : VectorSet
            What is searched, and for what.
        n_neighbors : int
            How many.

        Returns
        -------
        Truth
            By dot product, which is the cosine as well.
        """
        documents = vectors.documents.astype(np.float64)
        at_once = max(1, SCORES_AT_ONCE // len(documents))
        found = []
        for first in range(0, len(vectors.queries), at_once):
            scores = vectors.queries[first : first + at_once].astype(np.float64) @ documents.T
            found.append(np.argsort(-scores, axis=1, kind="stable")[:, :n_neighbors])
        return cls(vectors, np.concatenate(found))

    def recall(self, ids: NDArray[np.int64]) -> float:
        """Say how many of the nearest were found.

        Parameters
        ----------
        ids : int64 of shape (n_queries, n_neighbors)
            What an engine gave.

        Returns
        -------
        float
            Share of ids whose score is not below that of the last one that belongs there, so that
            one of several equal documents is as good as another.
        """
        last = self._scores(self.ids[:, -1:])
        return float((self._scores(ids) >= last - SAME).mean())

    def same(self, ids: NDArray[np.int64]) -> float:
        """Say how many queries have just the true ids in their order.

        Parameters
        ----------
        ids : int64 of shape (n_queries, n_neighbors)
            What an engine gave.

        Returns
        -------
        float
            Share of queries.
        """
        return float((ids == self.ids).all(axis=1).mean())

    def _scores(self, ids: NDArray[np.int64]) -> NDArray[np.float64]:
        documents = self.vectors.documents[ids].astype(np.float64)
        scores: NDArray[np.float64] = np.einsum(
            "qd,qkd->qk", self.vectors.queries.astype(np.float64), documents
        )
        return scores
