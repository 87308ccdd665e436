"""Vectors as a plain array, whatever a transformer gives."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import ParameterError


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
    given = encoder.transform(texts)
    if hasattr(given, "toarray"):
        given = given.toarray()
    elif hasattr(given, "detach"):
        given = given.detach().cpu().numpy()
    vectors = np.asarray(given)
    is_matrix = vectors.ndim == 2 and len(vectors) == len(texts)  # noqa: PLR2004 - a matrix
    if not is_matrix or vectors.dtype.kind not in "fiu" or not np.isfinite(vectors).all():
        raise ParameterError(
            f"encoder must give one vector of finite numbers per text; {type(encoder).__name__} "
            f"gave shape {vectors.shape} of {vectors.dtype} for {len(texts)} texts."
        )
    return vectors
