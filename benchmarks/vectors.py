"""What a benchmark asks of a model: an estimator that is ready, and one finite vector per text.

Everything here works on scikit-learn's ``transform`` alone; prompts and names are elsewhere
(`prompts`, `model_meta`).
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError

from skencoder import EncoderVectorizer
from skencoder.errors import OverlongTextWarning, ParameterError, SkencoderError

from .errors import VectorsError

PROBE = ("The probe text of a benchmark.", "Another one.")
SHOWN_CHARACTERS = 60


def make_estimator(model: Any, *, precision: str = "float32") -> Any:
    """Turn what a user names as a model into an estimator whose ``transform`` can be called.

    Parameters
    ----------
    model : str, path or estimator
        A checkpoint's name or folder, an `EncoderVectorizer`, or any scikit-learn estimator or
        pipeline that makes vectors of texts.
    precision : str, default="float32"
        Of an encoder made from a name; an estimator keeps its own.

    Returns
    -------
    estimator
        Fitted. An `EncoderVectorizer` that was not fitted is cloned and loaded, anything else
        is returned as it came.

    Raises
    ------
    ParameterError
        If the model is none of these, or has to be fitted on training texts first.
    VectorsError
        If the model's output for two texts is not two finite vectors.
    CheckpointNotFoundError
        If no checkpoint stands behind a name.
    """
    if hasattr(model, "__fspath__") or isinstance(model, str):
        # The published scores cut long texts; how many were cut is reported beside the score.
        model = EncoderVectorizer(model, precision=precision, overflow="truncate")
    if isinstance(model, type) or not hasattr(model, "transform"):
        raise ParameterError(
            f"model: {model!r} has no transform method; expected a checkpoint's name or folder, "
            "an EncoderVectorizer, or a fitted scikit-learn estimator that makes vectors of texts."
        )
    try:
        encode(model, PROBE)
    except NotFittedError as error:
        model = _fit(model, error)
    except (TypeError, ValueError, AttributeError) as error:
        if isinstance(error, SkencoderError):
            raise
        raise ParameterError(
            f"model: {_short_name(model)} cannot transform a list of texts: {error}"
        ) from error
    return model


def _fit(model: Any, error: NotFittedError) -> Any:
    if isinstance(model, EncoderVectorizer):
        return clone(model).fit(list(PROBE))
    raise ParameterError(
        f"model: {_short_name(model)} is not fitted ({error}); call fit with training texts "
        "first, a benchmark never fits a model on a task's texts."
    ) from error


def encode(estimator: Any, texts: Sequence[str], *, width: int | None = None) -> NDArray[Any]:
    """Transform texts and check what comes out.

    Parameters
    ----------
    estimator : estimator
        Fitted; its ``transform`` takes a list of texts.
    texts : sequence of str of length n_texts
        Texts to encode.
    width : int, optional
        Dimensions expected; None takes what comes.

    Returns
    -------
    float32 or float64 of shape (n_texts, n_features)
        One vector per text.

    Raises
    ------
    VectorsError
        If the output is not dense, not numeric, not finite, or of another shape.
    """
    with warnings.catch_warnings():
        # Cut texts are counted and shown with the score instead.
        warnings.simplefilter("ignore", OverlongTextWarning)
        output = estimator.transform(list(texts))
    return check_vectors(output, texts, width=width, name=_short_name(estimator))


def check_vectors(
    output: Any, texts: Sequence[str], *, width: int | None, name: str
) -> NDArray[Any]:
    """Refuse anything that is not one finite vector per text.

    Parameters
    ----------
    output : array, tensor or frame of shape (n_texts, n_features)
        What a model gave.
    texts : sequence of str of length n_texts
        What it was given.
    width : int or None
        Dimensions expected; None takes what comes.
    name : str
        The model in messages.

    Returns
    -------
    float32 or float64 of shape (n_texts, n_features)
        The vectors.

    Raises
    ------
    VectorsError
        If the output is not dense, not numeric, not finite, or of another shape.
    """
    vectors = _to_float_array(output, name)
    if vectors.ndim != 2 or len(vectors) != len(texts):  # noqa: PLR2004
        raise VectorsError(
            f"{name} gave an array of shape {vectors.shape} for {len(texts)} texts; "
            f"expected ({len(texts)}, n_features)."
        )
    if width is not None and vectors.shape[1] != width:
        raise VectorsError(
            f"{name} gave vectors of {vectors.shape[1]} dimensions after vectors of {width}; "
            "all vectors of one model must have the same width."
        )
    bad_rows = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad_rows):
        row = int(bad_rows[0])
        raise VectorsError(
            f"{name} gave NaN or infinity for {len(bad_rows)} of {len(texts)} texts, the first "
            f"is number {row}: {texts[row][:SHOWN_CHARACTERS]!r}."
        )
    return vectors


def _to_float_array(output: Any, name: str) -> NDArray[Any]:
    if issparse(output):
        raise VectorsError(
            f"{name} gave a sparse matrix; a benchmark compares dense vectors, so end the "
            "pipeline with TruncatedSVD(n_components=256) or the like."
        )
    if hasattr(output, "detach"):
        output = output.detach().cpu().float()
    array = np.asarray(output)
    if array.dtype.kind not in "fiub":
        raise VectorsError(f"{name} gave values of type {array.dtype}; expected numbers.")
    dtype = array.dtype if array.dtype in (np.float32, np.float64) else np.float32
    # torch, in which mteb compares vectors, refuses negative strides.
    return np.ascontiguousarray(array, dtype=dtype)


def _short_name(estimator: Any) -> str:
    steps = getattr(estimator, "steps", None)
    parts = [step for _, step in steps] if isinstance(estimator, BaseEstimator) and steps else []
    return " + ".join(type(part).__name__ for part in parts) or type(estimator).__name__
