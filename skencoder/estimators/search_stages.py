"""The stages of one search: vectors, words, their fusion, re-scoring; distances, and the graph."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from skencoder.errors import ParameterError
from skencoder.estimators.indexed import IndexedCorpus
from skencoder.estimators.roles import Role
from skencoder.estimators.search_parameters import check_search_parameters, read_weights
from skencoder.parameter_checks import check_count
from skencoder.retrieval import Ranking, fuse_rankings, rescore

Distances = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Stages:
    """What documents are searched with.

    Parameters
    ----------
    indexed : IndexedCorpus
        The documents.
    role : Role
        The encoder of queries.
    parameters : mapping of str to object
        A retriever's; those of a search are read.

    Raises
    ------
    ParameterError
        If one of these cannot be used.
    """

    indexed: IndexedCorpus
    role: Role
    parameters: Mapping[str, Any]

    def __post_init__(self) -> None:
        check_search_parameters(self.parameters)

    def rank(self, texts: list[str], n_neighbors: int | None = None) -> Ranking:
        """Go through the stages.

        Parameters
        ----------
        texts : list of str of shape (n_queries,)
            The queries.
        n_neighbors : int, optional
            How many documents; None is the parameter.

        Returns
        -------
        Ranking
            Positions are in the order the documents came in.

        Raises
        ------
        ParameterError
            If fewer documents are ranked than are asked for.
        """
        k = self.parameters["n_neighbors"] if n_neighbors is None else n_neighbors
        self.check_reach(check_count("n_neighbors", k, at_least=1))
        reranker = self.parameters["reranker"]
        if reranker is None:
            return self._rank_first(texts, k)
        n_reranked = min(self.parameters["n_reranked"], len(self.indexed))
        candidates = self._rank_first(texts, n_reranked)
        return rescore(reranker, texts, self.indexed.documents, candidates, k)

    def _rank_first(self, texts: list[str], n_ranks: int) -> Ranking:
        """Search vectors, and words where they are searched."""
        found = self._search_places(texts, n_ranks)
        return Ranking(found.scores, self.indexed.by_place[found.positions])

    def _search_places(self, texts: list[str], n_ranks: int) -> Ranking:
        words = self.indexed.words()
        if words is None:
            return self.indexed.search(self.role.encode(texts), n_ranks)
        n_candidates = min(self.parameters["n_candidates"], len(self.indexed))
        vectors = self.indexed.search(self.role.encode(texts), n_candidates)
        return fuse_rankings(
            [vectors, words.search(texts, n_candidates)],
            n_ranks,
            weights=read_weights(self.parameters["fusion_weights"]),
            rank_constant=self.parameters["rank_constant"],
        )

    def check_reach(self, k: int) -> None:
        """Refuse to rank more documents than a stage gives.

        Parameters
        ----------
        k : int
            How many are asked for.

        Raises
        ------
        ParameterError
            If there are fewer documents, or a stage gives fewer.
        """
        n_documents = len(self.indexed)
        if k > n_documents:
            raise ParameterError(
                f"n_neighbors={k}, but there are only {n_documents} documents; ask for no more."
            )
        if self.parameters["reranker"] is not None:
            self._check_limit(k, "n_reranked")
            k = min(self.parameters["n_reranked"], n_documents)
        if self.indexed.lexical_options is not None:
            self._check_limit(k, "n_candidates")

    def _check_limit(self, k: int, name: str) -> None:
        if k > self.parameters[name]:
            raise ParameterError(
                f"{k} documents are to be ranked, but only {name}={self.parameters[name]} are; "
                f"raise it."
            )

    def distances(self, scores: Distances) -> Distances:
        """Turn scores into what is small for near documents.

        Parameters
        ----------
        scores : float of shape (n_queries, n_ranks)
            Of a ranking.

        Returns
        -------
        float of shape (n_queries, n_ranks)
            One minus the cosine, the euclidean distance, or the score times -1; of a fusion one
            minus its share of the highest score there can be.
        """
        if self.parameters["reranker"] is not None:
            return -scores
        if self.indexed.lexical_options is not None:
            weights = read_weights(self.parameters["fusion_weights"])
            highest = sum(weights) / (self.parameters["rank_constant"] + 1)
            distances: Distances = np.maximum(1 - scores / highest, 0)
        elif self.indexed.index.metric == "cosine":
            # Rounding may put a cosine above 1.
            distances = np.maximum(1 - scores, 0)
        else:
            distances = 0.0 - scores
        return distances

    def graph(self, texts: list[str]) -> csr_array:
        """Give the graph of nearest documents.

        Parameters
        ----------
        texts : list of str of shape (n_queries,)
            The queries.

        Returns
        -------
        sparse float64 of shape (n_queries, n_documents)
            Distances or scores, as ``mode`` says, nearest first in each row.

        Raises
        ------
        ParameterError
            If fewer documents are ranked than are asked for, or there are no distances.
        """
        k, n_documents = self.parameters["n_neighbors"], len(self.indexed)
        is_distance = self.parameters["mode"] == "distance"
        if is_distance:
            self._check_distances()
        self.check_reach(k)
        ranking = self.rank(texts, min(k + is_distance, n_documents))
        values = self.distances(ranking.scores) if is_distance else ranking.scores
        n_queries, n_ranks = ranking.positions.shape
        starts = np.arange(n_queries + 1) * n_ranks
        # In float64, because to convert it would sort rows by column, and not by distance.
        cells = (values.ravel().astype(np.float64), ranking.positions.ravel(), starts)
        return csr_array(cells, shape=(n_queries, n_documents))

    def _check_distances(self) -> None:
        is_dot = self.indexed.index.metric == "dot" and self.indexed.lexical_options is None
        if is_dot or self.parameters["reranker"] is not None:
            raise ParameterError(
                "mode='distance' needs distances, which neither metric='dot' nor a reranker "
                "gives; choose mode='similarity'."
            )
