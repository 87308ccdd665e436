"""How central a sentence is: its cosine to the mean of all."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skencoder.summarization.similarity import unit_rows


def centroid_scores(vectors: ArrayLike) -> NDArray[np.float64]:
    """Compare each sentence with the middle of the text.

    The centroid is the mean of the sentences' unit vectors. The idea is that of Radev et al.
    [1]_, whose score is another one (the weights that a sentence's words have in the centroid,
    its place, and its overlap with the first sentence); the cosine to a centroid of dense vectors
    is the score of Rossiello et al. [2]_.

    Parameters
    ----------
    vectors : float of shape (n_sentences, n_features)
        Of the sentences of one text.

    Returns
    -------
    float64 of shape (n_sentences,)
        Cosines to the centroid, from -1 to 1; 0 where one of the two is a vector of zeros.

    Raises
    ------
    ParameterError
        If they are no finite matrix.

    References
    ----------
    .. [1] Radev, Jing, Stys & Tam (2004), Centroid-based summarization of multiple documents,
       Information Processing & Management 40(6).
    .. [2] Rossiello, Basile & Semeraro (2017), Centroid-based Text Summarization through
       Compositionality of Word Embeddings, MultiLing at EACL.
    """
    rows = unit_rows(vectors)
    centroid = rows.sum(axis=0)
    length = np.linalg.norm(centroid)
    scores: NDArray[np.float64] = rows @ (centroid / length if length else centroid)
    return scores
