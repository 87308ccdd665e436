"""Scores of chosen pairs of a query and a row, in float64; the best of each query."""

from dataclasses import dataclass

import numpy as np

from skencoder.indexes.rows import Numbers, Rows, row_norms
from skencoder.indexes.scoring import Double, Metric, Vectors

# Rows that one query is compared with at a time: 12 MiB in float64 at 384 features.
SCORED_AT_ONCE = 4096


@dataclass(frozen=True)
class Queries:
    """Vectors that are looked for.

    Parameters
    ----------
    vectors : float64 of shape (n_queries, n_features)
        As they came.
    norms : float64 of shape (n_queries,)
        Their lengths.
    """

    vectors: Double
    norms: Double

    @classmethod
    def check(cls, vectors: Vectors) -> "Queries":
        """Measure queries, which shows whether they are finite.

        Parameters
        ----------
        vectors : float32 of shape (n_queries, n_features)
            Any numbers.

        Returns
        -------
        Queries
            The same.

        Raises
        ------
        ParameterError
            If one has NaN or infinity.
        """
        return cls(vectors.astype(np.float64), row_norms(vectors, "queries"))

    def __len__(self) -> int:
        return len(self.norms)

    def take(self, chosen: Numbers) -> "Queries":
        """Choose some.

        Parameters
        ----------
        chosen : int64 of shape (n_chosen,)
            Which.

        Returns
        -------
        Queries
            Only these.
        """
        return Queries(self.vectors[chosen], self.norms[chosen])


@dataclass(frozen=True)
class Pairs:
    """Queries with rows, each with a score.

    Parameters
    ----------
    queries, numbers : int64 of shape (n_pairs,)
        Which query, and which row by its number.
    scores : float64 of shape (n_pairs,)
        Higher is nearer.
    """

    queries: Numbers
    numbers: Numbers
    scores: Double

    @classmethod
    def none(cls) -> "Pairs":
        """Give no pair.

        Returns
        -------
        Pairs
            Of length 0.
        """
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))

    def join(self, others: "Pairs") -> "Pairs":
        """Put pairs together.

        Parameters
        ----------
        others : Pairs
            More.

        Returns
        -------
        Pairs
            These and the others.
        """
        parts = zip(vars(self).values(), vars(others).values(), strict=True)
        return Pairs(*(np.concatenate(part) for part in parts))

    def best(self, n_neighbors: int) -> "Pairs":
        """Keep the best pairs of each query.

        Parameters
        ----------
        n_neighbors : int
            How many.

        Returns
        -------
        Pairs
            By query, the best first; of equal ones the row with the lower number.
        """
        order = np.lexsort((self.numbers, -self.scores, self.queries))
        queries = self.queries[order]
        _, starts, counts = np.unique(queries, return_index=True, return_counts=True)
        rank = np.arange(len(queries)) - np.repeat(starts, counts)
        kept = order[rank < n_neighbors]
        return Pairs(self.queries[kept], self.numbers[kept], self.scores[kept])


def score_pairs(
    rows: Rows, metric: Metric, asked: Queries, queries: Numbers, numbers: Numbers
) -> Pairs:
    """Score pairs in float64, each in the same way whatever else is scored.

    Parameters
    ----------
    rows : Rows
        What is searched.
    metric : Metric
        What a score is.
    asked : Queries
        What is looked for.
    queries, numbers : int64 of shape (n_pairs,)
        Which query with which row.

    Returns
    -------
    Pairs
        By query.
    """
    order = np.argsort(queries, kind="stable")
    queries, numbers = queries[order], numbers[order]
    scores = np.empty(len(queries))
    present, starts = np.unique(queries, return_index=True)
    for query, start, end in zip(present, starts, [*starts[1:], len(queries)], strict=True):
        for first in range(start, end, SCORED_AT_ONCE):
            part = slice(first, min(first + SCORED_AT_ONCE, end))
            vectors, norms = rows.take(numbers[part]), rows.norms[numbers[part]]
            query_norm = float(asked.norms[query])
            scores[part] = metric.score(asked.vectors[query], query_norm, vectors, norms)
    return Pairs(queries, numbers, scores)
