"""Ranking: what one stage of a search hands to the next."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The position of a place that no document fills.
NO_DOCUMENT = -1


@dataclass(frozen=True)
class Ranking:
    """Documents found for every query, best first.

    Parameters
    ----------
    scores : float of shape (n_queries, n_ranks)
        Higher is better; -inf where no document was found.
    positions : int64 of shape (n_queries, n_ranks)
        Of the documents in the corpus; -1 where none was found.
    """

    scores: NDArray[np.floating[Any]]
    positions: NDArray[np.int64]


def best(scores: NDArray[np.floating[Any]], n: int) -> NDArray[np.int64]:
    """Find the highest scores; of equal ones the lower position comes first.

    Parameters
    ----------
    scores : float of shape (n_documents,)
        Without NaN.
    n : int
        At most so many are wanted.

    Returns
    -------
    int64 of shape (min(n, n_documents),)
        Positions, best first.
    """
    if n >= len(scores):
        return np.argsort(-scores, kind="stable")
    # All that are as good as the last one that fits, so that it is not chance which of them do.
    least = np.partition(scores, len(scores) - n)[len(scores) - n]
    candidates = np.flatnonzero(scores >= least)
    return candidates[np.argsort(-scores[candidates], kind="stable")][:n]
