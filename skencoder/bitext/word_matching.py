"""Which words of two sentences belong together, told from how similar their vectors are.

The three ways of SimAlign [1]_. Where the words' vectors come from stands in
`skencoder.word_alignment`.

References
----------
.. [1] Jalili Sabet, Dufter, Yvon & Schuetze (2020), SimAlign: High Quality Word Alignments without
   Parallel Training Data using Static and Contextualized Embeddings, Findings of EMNLP.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from skencoder.errors import ParameterError

ROUNDS = 2
DISCOUNT = 0.9
Pairs = NDArray[np.int64]


def match_argmax(similarity: ArrayLike) -> Pairs:
    """Pair the words that are each other's most similar.

    Parameters
    ----------
    similarity : float of shape (n_source, n_target)
        Cosines of words.

    Returns
    -------
    int64 of shape (n_pairs, 2)
        Source and target word of each pair, ascending; of equal ones the first counts.

    Raises
    ------
    ParameterError
        If it is no finite matrix.
    """
    return np.argwhere(_mutual(_check(similarity)))


def match_itermax(similarity: ArrayLike) -> Pairs:
    """Pair as `match_argmax`, then once more, so that a word may have two partners.

    In the second round a similarity counts 0.9 times where one of the two words has a partner, and
    not at all where both have (the paper's choice).

    Parameters
    ----------
    similarity : float of shape (n_source, n_target)
        Cosines of words.

    Returns
    -------
    int64 of shape (n_pairs, 2)
        Source and target word of each pair, ascending.

    Raises
    ------
    ParameterError
        If it is no finite matrix.
    """
    # From 0 to 1, so that a discount makes it smaller.
    positive = (_check(similarity) + 1) / 2
    paired = np.zeros(positive.shape, bool)
    for _ in range(ROUNDS):
        source, target = paired.any(axis=1, keepdims=True), paired.any(axis=0, keepdims=True)
        weights = np.where(source & target, 0, np.where(source | target, DISCOUNT, 1))
        weighted = positive * weights
        paired |= _mutual(weighted) & (weighted > 0)
    return np.argwhere(paired)


def match_assignment(similarity: ArrayLike) -> Pairs:
    """Pair one to one so that the sum of similarities is largest; every word of the shorter side.

    Parameters
    ----------
    similarity : float of shape (n_source, n_target)
        Cosines of words.

    Returns
    -------
    int64 of shape (min(n_source, n_target), 2)
        Source and target word of each pair, ascending.

    Raises
    ------
    ParameterError
        If it is no finite matrix.
    """
    return np.stack(linear_sum_assignment(_check(similarity), maximize=True), axis=1)


WORD_MATCHINGS: dict[str, Callable[[ArrayLike], Pairs]] = {
    "argmax": match_argmax,
    "itermax": match_itermax,
    "assignment": match_assignment,
}


def _check(similarity: ArrayLike) -> NDArray[np.float64]:
    matrix = np.asarray(similarity, np.float64)
    if matrix.ndim != 2 or not np.isfinite(matrix).all():  # noqa: PLR2004 - a matrix
        raise ParameterError(
            f"similarity must be a finite matrix of shape (n_source, n_target); got shape "
            f"{matrix.shape}."
        )
    return matrix


def _mutual(matrix: NDArray[np.float64]) -> NDArray[np.bool_]:
    best = np.zeros(matrix.shape, bool)
    if matrix.size:
        ahead, back = matrix.argmax(axis=1), matrix.argmax(axis=0)
        source = np.arange(len(matrix))
        mutual = back[ahead] == source
        best[source[mutual], ahead[mutual]] = True
    return best
