"""Which rows are the nearest: bounds from quick scores, float64 for the few that may be.

Each chunk's best quick score, less its error, is a score that some row surely reaches. The k-th
largest of these over all chunks is reached by k rows, so whatever cannot reach it even with its
error is none of the k nearest. What is left is scored in float64.
"""

import numpy as np

from skencoder.indexes.bar import Bar
from skencoder.indexes.pairs import Pairs, Queries, score_pairs
from skencoder.indexes.rows import Block, Numbers, Rows
from skencoder.indexes.scan import BlockScores
from skencoder.indexes.scoring import Double, Metric

# Chunks whose rows are looked at together: with 64 rows each, 4 MiB of scores.
CHUNKS_AT_ONCE = 8192


class Selection:
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
    patience : int
        Pairs after which nothing more is noted, as the search is given up.

    Attributes
    ----------
    n_noted : int
        Pairs of a query and a row that had to be looked at so far.
    n_waiting : int
        Those of them that are not scored yet.
    """

    def __init__(
        self,
        rows: Rows,
        metric: Metric,
        queries: Queries,
        n_neighbors: int,
        ranks: Numbers | None,
        patience: int,
    ) -> None:
        self._rows, self._metric, self._queries = rows, metric, queries
        self._k, self._ranks, self._patience = n_neighbors, ranks, patience
        self._bar = Bar(len(queries), n_neighbors)
        self._waiting: list[tuple[Numbers, Numbers, Double]] = []
        self._best = Pairs.none()
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
        maxima = scores.maxima()
        needed = self._bar.raise_by(maxima, first, error)
        queries, chunks = np.nonzero(maxima >= needed[:, None])
        if self.n_noted + len(queries) > self._patience:
            # There is at least one such row in each chunk.
            self.n_noted += len(queries)
            return
        for start in range(0, len(queries), CHUNKS_AT_ONCE):
            part = slice(start, start + CHUNKS_AT_ONCE)
            values = scores.chunks(queries[part], chunks[part])
            # A row that is gone has -inf.
            may_be = (values >= needed[queries[part], None]) & (values > -np.inf)
            picked, place = np.nonzero(may_be)
            asked = queries[part][picked]
            numbers = block.first + place * maxima.shape[1] + chunks[part][picked]
            upper = values[picked, place] + error[asked]
            self._waiting.append((first + asked, numbers, upper))
            self.n_noted += len(picked)
            self.n_waiting += len(picked)

    def settle(self) -> None:
        """Score what was noted, and keep the k nearest of each query."""
        if not self._waiting:
            return
        parts = zip(*self._waiting, strict=True)
        queries, numbers, upper = (np.concatenate(part) for part in parts)
        still = upper >= self._bar.heights()[queries]
        scored = score_pairs(
            self._rows, self._metric, self._queries, queries[still], numbers[still]
        )
        self._best = self._best.join(scored).best(self._k, self._ranks)
        self._waiting, self.n_waiting = [], 0

    def result(self) -> tuple[Double, Numbers]:
        """Give the nearest rows; every row has gone by.

        Returns
        -------
        scores : float64 of shape (n_queries, n_neighbors)
            Best first.
        numbers : int64 of shape (n_queries, n_neighbors)
            Of equal scores the row of the lower rank first.
        """
        self.settle()
        shape = (len(self._queries), self._k)
        return self._best.scores.reshape(shape), self._best.numbers.reshape(shape)
