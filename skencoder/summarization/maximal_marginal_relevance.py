"""Maximal marginal relevance: the next sentence is relevant and says what is not yet said."""

import numpy as np
from numpy.typing import ArrayLike

from skencoder.parameter_checks import check_share
from skencoder.summarization.budget import Budget, check_scores
from skencoder.summarization.similarity import unit_rows


def maximal_marginal_relevance(
    vectors: ArrayLike, relevance: ArrayLike, budget: Budget, *, trade_off: float = 0.7
) -> list[int]:
    """Take sentences so that each adds most to those before it.

    The next one has the largest ``trade_off * relevance - (1 - trade_off) * max(cos)`` of those
    that still fit, where the cosines are those to the sentences already taken [1]_; of equal ones
    it is the earlier.

    Parameters
    ----------
    vectors : float of shape (n_sentences, n_features)
        Of the sentences.
    relevance : float of shape (n_sentences,)
        Of each to what is asked, on the scale of cosines.
    budget : Budget
        How many fit.
    trade_off : float in [0, 1], default=0.7
        The paper's lambda: 1 is relevance alone, 0 difference alone.

    Returns
    -------
    list of int
        Sentences, the first taken first.

    Raises
    ------
    ParameterError
        If the vectors are no finite matrix, there is not one relevance for each, or ``trade_off``
        lies outside.

    References
    ----------
    .. [1] Carbonell & Goldstein (1998), The Use of MMR, Diversity-Based Reranking for Reordering
       Documents and Producing Summaries, SIGIR.
    """
    share = check_share("trade_off", trade_off)
    rows = unit_rows(vectors)
    worth = share * check_scores("relevance", relevance, len(rows))
    taken: list[int] = []
    said = np.zeros(len(rows))
    while (room := budget.room(taken)).any():
        best = int(np.argmax(np.where(room, worth - (1 - share) * said, -np.inf)))
        # Only the cosines to what is taken are needed, not those of all to all.
        cosines = rows @ rows[best]
        said = np.maximum(said, cosines) if taken else cosines
        taken.append(best)
    return taken
