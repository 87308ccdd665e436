"""Which rows are the nearest: bounds from quick scores, float64 for the few that may be.

Each chunk's best quick score, less its error, is a score that some row surely reaches. The k-th
largest of these over all chunks is reached by k rows, so whatever cannot reach it even with its
error is none of the k nearest. What is left is scored in float64.
"""

import numpy as np
from numpy.typing import NDArray

from skencoder.indexes.rows import Block, Numbers, Rows
from skencoder.indexes.scan import BlockScores
from skencoder.indexes.scoring import Double, Metric

# Chunks whose rows are looked at together: with 64 rows each, 4 MiB of scores.
CHUNKS_AT_ONCE = 8192
# Rows that one query is compared with at a time in float64.
SCORED_AT_ONCE = 4096


class Selection:
    """The k nearest rows of some queries, found while blocks of rows go by.

    Parameters
    ----------
    rows : Rows
        What is searched.
    metric : Metric
        What a score is.
    queries : float64 of shape (n_queries, n_features)
        As they came.
    norms : float64 of shape (n_queries,)
        Their lengths.
    n_neighbors : int
        At most the number of rows.

    Attributes
    ----------
    n_noted : int
        Pairs of a query and a row that had to be looked at so far.
    n_waiting : int
        Those of them that are not scored yet.
    """

    def __init__(
        self, rows: Rows, metric: Metric, queries: Double, norms: Double, n_neighbors: int
    ) -> None:
        self._rows, self._metric = rows, metric
        self._queries, self._norms = queries, norms
        self._k = n_neighbors
        # Per query, quick scores that rows surely reach; the least of them is the bar.
        self._reached = np.full((len(queries), n_neighbors), -np.inf)
        self._waiting: list[tuple[Numbers, Numbers, Double]] = []
        self._scored = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        self.n_noted = self.n_waiting = 0

    def look(self, scores: BlockScores, first: int, block: Block, error: Double) -> None:
        """Note the rows of a block that may be among the nearest.

        Parameters
        ----------
        scores : BlockScores
            Of some queries and the block.
        first : int
            The first of these queries.
        block : Block
            The rows.
        error : float64 of shape (n_queries_here,)
            Bound for the scores of each of these queries.
        """
        here = slice(first, first + len(error))
        maxima = scores.maxima()
        reached = np.hstack([self._reached[here], maxima - error[:, None]])
        self._reached[here] = np.partition(reached, -self._k, axis=1)[:, -self._k :]
        needed = self._reached[here].min(axis=1) - error
        queries, chunks = np.nonzero(maxima >= needed[:, None])
        for start in range(0, len(queries), CHUNKS_AT_ONCE):
            part = slice(start, start + CHUNKS_AT_ONCE)
            values = scores.chunks(queries[part], chunks[part])
            # -inf is a row that is gone, or padding.
            may_be = (values >= needed[queries[part], None]) & (values > -np.inf)
            picked, place = np.nonzero(may_be)
            rows = block.first + place * maxima.shape[1] + chunks[part][picked]
            upper = values[picked, place] + error[queries[part][picked]]
            self._waiting.append((first + queries[part][picked], rows, upper))
            self.n_noted += len(picked)
            self.n_waiting += len(picked)

    def settle(self) -> None:
        """Score what was noted, and keep the k nearest of each query."""
        if not self._waiting:
            return
        queries, rows, upper = (np.concatenate(part) for part in zip(*self._waiting, strict=True))
        still = upper >= self._reached.min(axis=1)[queries]
        order = np.argsort(queries[still], kind="stable")
        queries, rows = queries[still][order], rows[still][order]
        scores = self._score(queries, rows)
        joined = zip(self._scored, (queries, rows, scores), strict=True)
        queries, rows, scores = (np.concatenate(part) for part in joined)
        self._scored = _best(queries, rows, scores, self._k)
        self._waiting, self.n_waiting = [], 0

    def result(self) -> tuple[NDArray[np.float64], Numbers]:
        """Give the nearest rows; every row has gone by.

        Returns
        -------
        scores : float64 of shape (n_queries, n_neighbors)
            Best first.
        numbers : int64 of shape (n_queries, n_neighbors)
            Of equal scores the lower number first.
        """
        self.settle()
        shape = (len(self._queries), self._k)
        return self._scored[2].reshape(shape), self._scored[1].reshape(shape)

    def _score(self, queries: Numbers, rows: Numbers) -> Double:
        """Score pairs, ordered by query, in float64."""
        scores = np.empty(len(queries))
        asked, starts = np.unique(queries, return_index=True)
        ends = [*starts[1:], len(queries)]
        for query, start, end in zip(asked, starts, ends, strict=True):
            for first in range(start, end, SCORED_AT_ONCE):
                part = slice(first, min(first + SCORED_AT_ONCE, end))
                vectors, norms = self._rows.take(rows[part]), self._rows.norms[rows[part]]
                scores[part] = self._metric.score(
                    self._queries[query], self._norms[query], vectors, norms
                )
        return scores


def _best(
    queries: Numbers, rows: Numbers, scores: Double, k: int
) -> tuple[Numbers, Numbers, Double]:
    """Keep the k best rows of each query, of equal ones the first."""
    order = np.lexsort((rows, -scores, queries))
    queries, rows, scores = queries[order], rows[order], scores[order]
    _, starts, counts = np.unique(queries, return_index=True, return_counts=True)
    rank = np.arange(len(queries)) - np.repeat(starts, counts)
    kept = rank < k
    return queries[kept], rows[kept], scores[kept]
