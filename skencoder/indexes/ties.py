"""The nearest rows of queries to which very many rows are equally near.

Bounds do not tell such rows apart, so each that may be among the nearest is scored, block by
block, and only the k best are kept. A row without a number in common with the query, as is usual
of word counts, needs no scoring: all its products are zeros, and so is their sum.
"""

import numpy as np
from numpy.typing import NDArray

from skencoder.indexes.bar import Bar
from skencoder.indexes.pairs import Queries
from skencoder.indexes.rows import Block, Numbers, Rows
from skencoder.indexes.scan import BlockScores
from skencoder.indexes.scoring import Double, Metric

Bools = NDArray[np.bool_]

# Rows brought to float64 together: 3 MiB at 384 features, which a processor's cache holds.
ROWS_AT_ONCE = 1024


class Ties:
    """The k nearest rows of some queries, found while blocks of rows go by.

    Parameters
    ----------
    rows : Rows
        What is searched.
    metric : Metric
        What a score is.
    queries : Queries
        What is looked for.
    n_neighbors : int
        At most the number of rows.
    ranks : int64 of shape (n_numbers,) or None
        By number, which of equal rows comes first; None is the one with the lower number.

    Attributes
    ----------
    n_noted, n_waiting : int
        Always 0, as nothing waits to be scored.
    """

    n_noted = n_waiting = 0

    def __init__(
        self,
        rows: Rows,
        metric: Metric,
        queries: Queries,
        n_neighbors: int,
        ranks: Numbers | None,
    ) -> None:
        self._metric, self._k = metric, n_neighbors
        self._vectors, self._norms = queries.vectors.astype(np.float64), queries.norms
        self._ranks = np.arange(len(rows.norms)) if ranks is None else ranks
        shape = (len(queries), n_neighbors)
        self._bar = Bar(*shape)
        self._scores, self._numbers = np.full(shape, -np.inf), np.full(shape, -1)
        self._sizes = np.abs(self._vectors)

    def look(self, scores: BlockScores, first: int, block: Block, error: Double) -> None:
        """Score the rows of a block that may be among the nearest.

        Parameters
        ----------
        scores : BlockScores
            Of some queries and the block, in chunks of one row.
        first : int
            The first of these queries.
        block : Block
            The rows.
        error : float64 of shape (n_queries_here,)
            Bound for the scores of each of these queries.
        """
        values = scores.maxima()
        needed = self._bar.raise_by(values, first, error)
        # A row that is gone has -inf.
        may_be = (values >= needed[:, None]) & (values > -np.inf)
        for start in range(0, len(block.norms), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            self._score(may_be[:, part], first, block, part)

    def _score(self, may_be: Bools, first: int, block: Block, part: slice) -> None:
        vectors = block.vectors[part].astype(np.float64)
        shared = self._shares(vectors, first, len(may_be))
        for query in np.flatnonzero(may_be.any(axis=1)).tolist():
            places = np.flatnonzero(may_be[query])
            scored = places if shared is None else places[shared[query, places]]
            scores = np.zeros(len(vectors))
            if len(scored):
                scores[scored] = self._metric.score(
                    self._vectors[[first + query]],
                    vectors[scored],
                    self._norms[[first + query]],
                    block.norms[part][scored],
                )
            self._keep(first + query, scores[places], block.first + part.start + places)

    def _shares(self, vectors: Double, first: int, n_queries: int) -> Bools | None:
        """Tell which queries and rows have a number that is not 0 in common."""
        if not self._metric.zero_is_alike:
            return None
        shared: Bools = self._sizes[first : first + n_queries] @ np.abs(vectors).T > 0
        return shared

    def _keep(self, query: int, scores: Double, numbers: Numbers) -> None:
        """Put rows among the nearest of a query, where they belong there."""
        last, last_rank = self._scores[query, -1], self._rank(self._numbers[query, -1])
        better = (scores > last) | ((scores == last) & (self._ranks[numbers] < last_rank))
        if not better.any():
            return
        scores = np.concatenate([self._scores[query], scores[better]])
        numbers = np.concatenate([self._numbers[query], numbers[better]])
        order = np.lexsort((self._ranks[numbers], -scores))[: self._k]
        self._scores[query], self._numbers[query] = scores[order], numbers[order]

    def _rank(self, number: int) -> int:
        return len(self._ranks) if number < 0 else int(self._ranks[number])

    def settle(self) -> None:
        """Do nothing, as nothing waits."""

    def result(self) -> tuple[Double, Numbers]:
        """Give the nearest rows; every row has gone by.

        Returns
        -------
        scores : float64 of shape (n_queries, n_neighbors)
            Best first.
        numbers : int64 of shape (n_queries, n_neighbors)
            Of equal scores the row of the lower rank first.
        """
        return self._scores, self._numbers
