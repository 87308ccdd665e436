"""What a row has to reach to be among the nearest, as far as it is known while rows go by."""

import numpy as np

from skencoder.indexes.scoring import Double


class Bar:
    """Per query the k best scores that some row surely reaches; the least of them is the bar.

    Parameters
    ----------
    n_queries : int
        Queries.
    n_neighbors : int
        How many of the nearest are looked for, k.
    """

    def __init__(self, n_queries: int, n_neighbors: int) -> None:
        self._k = n_neighbors
        self._reached = np.full((n_queries, n_neighbors), -np.inf)

    def raise_by(self, scores: Double, first: int, error: Double) -> Double:
        """Take quick scores of different rows into account.

        Parameters
        ----------
        scores : float of shape (n_queries_here, n_scores)
            Of some queries.
        first : int
            The first of these queries.
        error : float64 of shape (n_queries_here,)
            Bound for the scores of each of these queries.

        Returns
        -------
        float64 of shape (n_queries_here,)
            The least quick score whose row may be among the nearest.
        """
        here = slice(first, first + len(error))
        reached = np.hstack([self._reached[here], scores - error[:, None]])
        self._reached[here] = np.partition(reached, -self._k, axis=1)[:, -self._k :]
        needed: Double = self._reached[here].min(axis=1) - error
        return needed

    def heights(self) -> Double:
        """Give the bar of each query.

        Returns
        -------
        float64 of shape (n_queries,)
            Which k rows surely reach.
        """
        heights: Double = self._reached.min(axis=1)
        return heights
