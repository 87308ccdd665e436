"""Scores of chosen pairs of a query and a row, in float64; the best of each query."""

from dataclasses import dataclass

import numpy as np

from skencoder.indexes.rows import Numbers, Rows, row_norms
from skencoder.indexes.scoring import Double, Metric, Vectors

# Pairs scored together: few enough for a processor's cache, 3 MiB in float64 at 384 features.
SCORED_AT_ONCE = 1024


@dataclass(frozen=True)
class Queries:
    """Vectors that are looked for.

    Parameters
    ----------
    vectors : float32 of shape (n_queries, n_features)
        As they came; brought to float64 where they are compared, as there may be many.
    norms : float64 of shape (n_queries,)
        Their lengths.
    """

    vectors: Vectors
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
        return cls(vectors, row_norms(vectors, "queries"))

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

    def best(self, n_neighbors: int, ranks: Numbers | None = None) -> "Pairs":
        """Keep the best pairs of each query.

        Parameters
        ----------
        n_neighbors : int
            How many.
        ranks : int64 of shape (n_numbers,), optional
            By number, which of equal rows comes first; None is the one with the lower number.

        Returns
        -------
        Pairs
            By query, the best first.
        """
        ties = self.numbers if ranks is None else ranks[self.numbers]
        order = np.lexsort((ties, -self.scores, self.queries))
        counts = np.bincount(self.queries)
        starts = np.cumsum(counts) - counts
        rank = np.arange(len(order)) - np.repeat(starts, counts)
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
        In the same order.
    """
    scores = np.empty(len(queries))
    for first in range(0, len(queries), SCORED_AT_ONCE):
        part = slice(first, first + SCORED_AT_ONCE)
        query, row = queries[part], numbers[part]
        lengths = asked.norms[query], rows.norms[row]
        vectors = asked.vectors[query].astype(np.float64)
        scores[part] = metric.score(vectors, rows.take(row), *lengths)
    return Pairs(queries, numbers, scores)
