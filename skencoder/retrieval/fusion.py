"""Rankings become one: reciprocal rank fusion, which needs no scores that can be compared."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import ParameterError
from skencoder.retrieval.ranking import NO_DOCUMENT, Ranking, best


def fuse_rankings(
    rankings: Sequence[Ranking], n_ranks: int, *, weights: Sequence[float], rank_constant: float
) -> Ranking:
    """Fuse rankings of the same queries by reciprocal rank.

    A document's score is the sum of weight / (rank_constant + rank) over the rankings that hold
    it, ranks counted from 1.

    Parameters
    ----------
    rankings : sequence of Ranking
        At least one.
    n_ranks : int
        How many documents are wanted per query; fewer are given where all rankings together hold
        fewer.
    weights : sequence of float
        One per ranking, none negative.
    rank_constant : float
        How little the first ranks count more than the next; 60 in the paper.

    Returns
    -------
    Ranking
        Of equal scores the lower position comes first.

    Raises
    ------
    ParameterError
        If the rankings are of different queries, or not one weight each.

    References
    ----------
    .. [1] Cormack, Clarke & Buettcher (2009), Reciprocal rank fusion outperforms Condorcet and
       individual rank learning methods, SIGIR.

    Examples
    --------
    >>> import numpy as np
    >>> from skencoder.retrieval import Ranking, fuse_rankings
    >>> one = Ranking(np.array([[0.9, 0.8]]), np.array([[0, 1]]))
    >>> other = Ranking(np.array([[7.0, 3.0]]), np.array([[1, 2]]))
    >>> fuse_rankings([one, other], 3, weights=(1, 1), rank_constant=60).positions
    array([[1, 0, 2]])
    """
    numbers = {len(ranking.positions) for ranking in rankings}
    if len(numbers) != 1 or len(weights) != len(rankings):
        raise ParameterError(
            f"rankings must be of the same queries, with one weight each; got rankings of "
            f"{[len(ranking.positions) for ranking in rankings]} queries, {len(weights)} weights."
        )
    found = np.concatenate([ranking.positions for ranking in rankings], axis=1)
    gains = np.concatenate(
        [
            weight / (rank_constant + np.arange(1, ranking.positions.shape[1] + 1))
            for ranking, weight in zip(rankings, weights, strict=True)
        ]
    )
    scores = np.full((len(found), n_ranks), -np.inf)
    positions = np.full((len(found), n_ranks), NO_DOCUMENT, np.int64)
    for row, row_found in enumerate(found):
        documents, row_scores = _add_up(row_found, gains)
        chosen = best(row_scores, n_ranks)
        scores[row, : len(chosen)] = row_scores[chosen]
        positions[row, : len(chosen)] = documents[chosen]
    return Ranking(scores, positions)


def _add_up(
    found: NDArray[np.int64], gains: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Give the documents of all rankings, each once and in the corpus's order, and their sums."""
    there = found != NO_DOCUMENT
    documents, inverse = np.unique(found[there], return_inverse=True)
    sums = np.zeros(len(documents))
    np.add.at(sums, inverse, gains[there])
    return documents, sums
