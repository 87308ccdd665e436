"""Vectors of length one and their cosines, dense or sparse, whatever a transformer gives.

A word count's vectors stay sparse here; what needs a plain array is in `dense`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from sklearn.base import clone
from sklearn.preprocessing import normalize

from skencoder.errors import ParameterError
from skencoder.estimators.vectorizer import EncoderVectorizer

# Bytes of a float32.
SINGLE = 4


def fit_encoder(encoder: Any, texts: list[str]) -> Any:
    """Fit a copy of what turns texts into vectors.

    Parameters
    ----------
    encoder : transformer or None
        From texts to vectors; None is `EncoderVectorizer` with its default model.
    texts : list of str of shape (n_texts,)
        Nothing is learned of them but by encoders that learn, such as ``TfidfVectorizer``.

    Returns
    -------
    transformer
        Fitted.

    Raises
    ------
    ParameterError
        If it is no transformer.
    """
    if encoder is None:
        return EncoderVectorizer().fit(texts)
    if isinstance(encoder, type) or not hasattr(encoder, "transform"):
        raise ParameterError(
            f"encoder must be a transformer from texts to vectors, such as EncoderVectorizer(); "
            f"got {encoder!r}."
        )
    return clone(encoder).fit(texts)


def encode(encoder: Any, X: Any) -> Any:
    """Encode texts, and look at what came.

    Parameters
    ----------
    encoder : transformer
        Fitted; its output may be sparse, a frame or a tensor.
    X : iterable of shape (n_texts,)
        What the encoder takes.

    Returns
    -------
    float array or sparse array of shape (n_texts, n_features)
        One vector per text.

    Raises
    ------
    ParameterError
        If the encoder does not give vectors of finite numbers.
    """
    given = encoder.transform(X)
    if hasattr(given, "detach"):
        given = _to_array(given)
    vectors: Any = csr_array(given) if is_sparse(given) else np.asarray(given)
    numbers = vectors.data if is_sparse(vectors) else vectors
    is_matrix = vectors.ndim == 2 and vectors.dtype.kind in "fiu"  # noqa: PLR2004 - a matrix
    is_whole = not hasattr(X, "__len__") or vectors.shape[:1] == (len(X),)
    if not is_matrix or not is_whole or not np.isfinite(numbers).all():
        raise ParameterError(
            f"encoder must give one vector of finite numbers per text; {type(encoder).__name__} "
            f"gave shape {vectors.shape} of {vectors.dtype}"
            f"{f' for {len(X)} texts' if hasattr(X, '__len__') else ''}."
        )
    # scipy's sparse arrays, which weigh vectors here, know no halves.
    return vectors.astype(np.float32) if vectors.dtype == np.float16 else vectors


def _to_array(tensor: Any) -> NDArray[Any]:
    own = tensor.detach().cpu()
    # numpy has no bfloat16.
    array: NDArray[Any] = (own.float() if own.itemsize < SINGLE else own).numpy()
    return array


def encode_units(encoder: Any, X: Any) -> Any:
    """Encode texts as vectors of length one.

    Parameters
    ----------
    encoder : transformer
        Fitted; its output may be sparse, a frame or a tensor.
    X : iterable of shape (n_texts,)
        What the encoder takes.

    Returns
    -------
    float array or sparse array of shape (n_texts, n_features)
        Of length one; a vector of zeros stays one.

    Raises
    ------
    ParameterError
        If the encoder does not give vectors of finite numbers.
    """
    return to_length_one(encode(encoder, X))


def to_length_one(vectors: Any) -> Any:
    """Bring vectors to length one.

    Parameters
    ----------
    vectors : float array or sparse array of shape (n, n_features)
        Vectors.

    Returns
    -------
    float array or sparse array of shape (n, n_features)
        Of length one; a vector of zeros stays one.
    """
    units = normalize(vectors)
    # scikit-learn gives matrices, whose products mean something else, unless it is told.
    return csr_array(units) if is_sparse(units) else units


def mean_units(weights: csr_array, vectors: Any) -> Any:
    """Average vectors and bring the averages to length one.

    Parameters
    ----------
    weights : sparse float of shape (n_groups, n_texts)
        How much each text counts in each group.
    vectors : float array or sparse array of shape (n_texts, n_features)
        One per text.

    Returns
    -------
    float array or sparse array of shape (n_groups, n_features)
        One vector per group.
    """
    return to_length_one(weights.astype(vectors.dtype) @ vectors)


def cosines(one: Any, other: Any) -> NDArray[np.floating[Any]]:
    """Compare all with all.

    Parameters
    ----------
    one : float array or sparse array of shape (n, n_features)
        Vectors of length one.
    other : float array or sparse array of shape (m, n_features)
        Vectors of length one.

    Returns
    -------
    float of shape (n, m)
        Their cosines.
    """
    product = one @ other.T
    return np.asarray(product.toarray() if is_sparse(product) else product)


def is_sparse(vectors: Any) -> bool:
    """Tell sparse vectors from others, as whose type a checker would take a base class.

    Parameters
    ----------
    vectors : object
        Any.

    Returns
    -------
    bool
        Whether they are one of scipy's sparse arrays or matrices.
    """
    return bool(issparse(vectors))
