"""LexRank: how central a sentence is in the graph of sentences that resemble each other."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skencoder.parameter_checks import check_share
from skencoder.summarization.similarity import cosine_matrix

TOLERANCE = 1e-12
# With damping d the error shrinks by 1 - d each time, so 200 rounds serve any d above 0.13.
MOST_ROUNDS = 10_000


def lexrank_scores(
    vectors: ArrayLike, *, threshold: float | None = None, damping: float = 0.15
) -> NDArray[np.float64]:
    """Find how often a walk from sentence to similar sentence stands at each.

    From a sentence the walk goes to another (or stays) with a probability in proportion to their
    cosine and, with probability ``damping``, to any sentence at all:
    ``p(u) = damping / n + (1 - damping) * sum_v p(v) * cos(u, v) / sum_z cos(z, v)`` [1]_, found
    by power iteration.

    Parameters
    ----------
    vectors : float of shape (n_sentences, n_features)
        Of the sentences of one text.
    threshold : float in [0, 1], default=None
        Cosine from which on two sentences are joined, all joints counting the same; None weighs
        them by their cosines, those below 0 as 0 (continuous LexRank).
    damping : float in [0, 1], default=0.15
        How often the walk goes anywhere; the paper's d.

    Returns
    -------
    float64 of shape (n_sentences,)
        Probabilities, which add up to 1; empty for no sentence.

    Raises
    ------
    ParameterError
        If the vectors are no finite matrix, or a parameter lies outside.

    References
    ----------
    .. [1] Erkan & Radev (2004), LexRank: Graph-based Lexical Centrality as Salience in Text
       Summarization, Journal of Artificial Intelligence Research 22.
    """
    check_share("damping", damping)
    weights = np.clip(cosine_matrix(vectors), 0, None)
    if threshold is not None:
        weights = (weights >= check_share("threshold", threshold)).astype(np.float64)
    return _stationary(_transitions(weights), damping) if len(weights) else np.empty(0)


def _transitions(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of probabilities: equal ones from a sentence that resembles none, not even itself."""
    sums = weights.sum(axis=1, keepdims=True)
    uniform = np.full_like(weights, 1 / len(weights))
    rows: NDArray[np.float64] = np.divide(weights, sums, out=uniform, where=sums > 0)
    return rows


def _stationary(transitions: NDArray[np.float64], damping: float) -> NDArray[np.float64]:
    present = np.full(len(transitions), 1 / len(transitions))
    for _ in range(MOST_ROUNDS):
        following = damping / len(present) + (1 - damping) * (present @ transitions)
        following /= following.sum()
        if np.abs(following - present).sum() < TOLERANCE:
            return following
        present = following
    return present
