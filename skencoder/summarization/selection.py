"""The ways of choosing a summary's sentences from their vectors, by name."""

from collections.abc import Callable

from numpy.typing import ArrayLike

from skencoder.summarization.budget import Budget, take_best
from skencoder.summarization.centroid import centroid_scores
from skencoder.summarization.lexrank import lexrank_scores
from skencoder.summarization.maximal_marginal_relevance import maximal_marginal_relevance


def select_centroid(vectors: ArrayLike, budget: Budget) -> list[int]:
    """Take the sentences closest to the mean of all.

    Parameters
    ----------
    vectors : float of shape (n_sentences, n_features)
        Of the sentences of one text.
    budget : Budget
        How many fit.

    Returns
    -------
    list of int
        Sentences, the best first.
    """
    return take_best(centroid_scores(vectors), budget)


def select_lexrank(vectors: ArrayLike, budget: Budget) -> list[int]:
    """Take the most central sentences of the graph of similar ones.

    Parameters
    ----------
    vectors : float of shape (n_sentences, n_features)
        Of the sentences of one text.
    budget : Budget
        How many fit.

    Returns
    -------
    list of int
        Sentences, the best first.
    """
    return take_best(lexrank_scores(vectors), budget)


def select_mmr(vectors: ArrayLike, budget: Budget, *, trade_off: float) -> list[int]:
    """Take sentences close to the mean of all that differ from each other.

    Parameters
    ----------
    vectors : float of shape (n_sentences, n_features)
        Of the sentences of one text.
    budget : Budget
        How many fit.
    trade_off : float in [0, 1]
        1 is closeness alone.

    Returns
    -------
    list of int
        Sentences, the first taken first.
    """
    relevance = centroid_scores(vectors)
    return maximal_marginal_relevance(vectors, relevance, budget, trade_off=trade_off)


SELECTIONS: dict[str, Callable[..., list[int]]] = {
    "mmr": select_mmr,
    "centroid": select_centroid,
    "lexrank": select_lexrank,
}
