"""Vectors as a plain array, whatever a transformer gives."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder.estimators.unit_vectors import encode, is_sparse


def encode_dense(encoder: Any, texts: list[str]) -> NDArray[Any]:
    """Encode texts with any fitted transformer.

    Parameters
    ----------
    encoder : transformer
        Fitted; its output may be sparse, a frame or a tensor.
    texts : list of str of shape (n_texts,)
        At least one.

    Returns
    -------
    float of shape (n_texts, n_features)
        One vector per text.

    Raises
    ------
    ParameterError
        If it does not give one vector of finite numbers per text.
    """
    return to_dense(encode(encoder, texts))


def to_dense(vectors: Any) -> NDArray[Any]:
    """Give vectors as a plain array.

    Parameters
    ----------
    vectors : float array or sparse array of shape (n, n_features)
        Vectors.

    Returns
    -------
    float of shape (n, n_features)
        The same.
    """
    return np.asarray(vectors.toarray() if is_sparse(vectors) else vectors)
