"""What is done to token vectors so that their plain mean is a good text vector.

The vectors themselves are computed in `token_vectors`.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

Vectors = NDArray[np.float32]


def principal_components(vectors: Vectors, n_components: int | None) -> Vectors:
    """Centre vectors and keep the directions in which they differ most.

    The centre is what all tokens share, and says nothing of a text. Nothing is random.

    Parameters
    ----------
    vectors : float32 of shape (tokens, width)
        One per token.
    n_components : int or None
        Directions to keep, at most the width and the number of tokens; None leaves the vectors
        as they are.

    Returns
    -------
    float32 of shape (tokens, components)
        Ordered by variance, not scaled to it.
    """
    if n_components is None:
        return vectors
    kept = min(n_components, *vectors.shape)
    analysis = PCA(kept, svd_solver="covariance_eigh")
    reduced: Vectors = analysis.fit_transform(vectors.astype(np.float64)).astype(np.float32)
    return reduced


def sif_weights(n_tokens: int, coefficient: float | None) -> NDArray[np.float64]:
    """Weigh tokens by how seldom they are, of which only their order is known.

    Zipf's law says that the token at place r is met about 1/r times as often as the first; smooth
    inverse frequency gives a token of probability p the weight ``a / (a + p)``. Ranks begin at 2.

    Parameters
    ----------
    n_tokens : int
        Tokens, ordered from frequent to rare.
    coefficient : float or None
        The a above; None gives all tokens the weight 1.

    Returns
    -------
    float64 of shape (n_tokens,)
        Between 0 and 1, rising.

    References
    ----------
    .. [1] Arora, Liang & Ma (2017), A Simple but Tough-to-Beat Baseline for Sentence Embeddings,
       ICLR.
    .. [2] Tulkens & van Dongen (2024), Model2Vec, doi:10.5281/zenodo.17270888.
    """
    if coefficient is None:
        return np.ones(n_tokens)
    frequencies = 1 / np.arange(2, n_tokens + 2)
    probabilities = frequencies / frequencies.sum()
    return np.asarray(coefficient / (coefficient + probabilities), np.float64)
