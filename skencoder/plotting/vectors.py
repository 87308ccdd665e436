"""Vectors of texts from whatever gives them: a vectorizer, or a Pipeline that ends in a model."""

from typing import Any

import numpy as np
from scipy.sparse import issparse

from skencoder.errors import ParameterError
from skencoder.estimators.unit_vectors import encode


def encode_for_display(estimator: Any, X: Any) -> Any:
    """Encode texts with a fitted estimator.

    Parameters
    ----------
    estimator : transformer or Pipeline
        Fitted; of a Pipeline that ends in a classifier, the steps before it are used.
    X : iterable of shape (n_texts,)
        What it takes.

    Returns
    -------
    float array or sparse array of shape (n_texts, n_features)
        One vector per text.

    Raises
    ------
    ParameterError
        If it gives no vectors.
    """
    if not hasattr(estimator, "transform") and hasattr(estimator, "steps"):
        estimator = estimator[:-1]
    if not hasattr(estimator, "transform"):
        raise ParameterError(
            f"estimator must be a fitted transformer from texts to vectors, such as "
            f"EncoderVectorizer().fit(texts); got {estimator!r}."
        )
    return encode(estimator, X)


def check_vectors(name: str, vectors: Any) -> Any:
    """Look at vectors that a user gives.

    Parameters
    ----------
    name : str
        Of the parameter.
    vectors : array-like or sparse array of shape (n, n_features)
        Vectors.

    Returns
    -------
    float array or sparse array of shape (n, n_features)
        The same.

    Raises
    ------
    ParameterError
        If it is no matrix of finite numbers.
    """
    if issparse(vectors):
        return vectors
    try:
        matrix = np.asarray(vectors, dtype=float)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{name} must be a matrix of numbers: {error}.") from error
    if matrix.ndim != 2 or not np.isfinite(matrix).all():  # noqa: PLR2004 - a matrix
        raise ParameterError(
            f"{name} must be a matrix of finite numbers; got shape {matrix.shape}"
            f"{'' if np.isfinite(matrix).all() else ' with NaN or infinity'}."
        )
    return matrix
