"""Cosines between sentences, exact enough to be ranked."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skencoder.errors import ParameterError


def unit_rows(vectors: ArrayLike) -> NDArray[np.float64]:
    """Give vectors unit length.

    Parameters
    ----------
    vectors : float of shape (n_sentences, n_features)
        Finite.

    Returns
    -------
    float64 of shape (n_sentences, n_features)
        A vector of zeros stays as it is.

    Raises
    ------
    ParameterError
        If they are no finite matrix.
    """
    rows = np.asarray(vectors, np.float64)
    if rows.ndim != 2 or not np.isfinite(rows).all():  # noqa: PLR2004 - a matrix
        raise ParameterError(
            f"vectors must be finite and of shape (n_sentences, n_features); got shape "
            f"{rows.shape}{'' if np.isfinite(rows).all() else ' with NaN or infinity'}."
        )
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    units: NDArray[np.float64] = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    return units


def cosine_matrix(vectors: ArrayLike) -> NDArray[np.float64]:
    """Compare all sentences of a text with each other.

    Parameters
    ----------
    vectors : float of shape (n_sentences, n_features)
        Of the sentences, of any length.

    Returns
    -------
    float64 of shape (n_sentences, n_sentences)
        Their cosines; 0 for a vector of zeros, also with itself.

    Raises
    ------
    ParameterError
        If they are no finite matrix.
    """
    rows = unit_rows(vectors)
    return rows @ rows.T
