"""What the losses share: shapes that are checked, and cosines that are exact."""

import math

import torch
from torch import Tensor

from skencoder.errors import ParameterError, TrainingError


def as_vectors(name: str, values: Tensor) -> Tensor:
    """Check that there is one vector per row, and take at least float32.

    Parameters
    ----------
    name : str
        The argument, for the message.
    values : float of shape (n, n_features)
        What came.

    Returns
    -------
    float32 or float64 of shape (n, n_features)
        The same numbers.

    Raises
    ------
    TrainingError
        If it is no matrix or has no row.
    """
    if values.ndim != 2 or not len(values):  # noqa: PLR2004 - a matrix
        raise TrainingError(
            f"{name} must have the shape (n, n_features) with at least one row; "
            f"got {tuple(values.shape)}."
        )
    return values if values.dtype == torch.float64 else values.float()


def check_shape(name: str, values: Tensor, expected: tuple[int, ...]) -> None:
    """Check that a tensor has the shape that the others ask for.

    Parameters
    ----------
    name : str
        The argument, for the message.
    values : tensor
        What came.
    expected : tuple of int
        The shape.

    Raises
    ------
    TrainingError
        If it has another one.
    """
    if tuple(values.shape) != expected:
        raise TrainingError(
            f"{name} must have the shape {expected}, as the other arguments say; "
            f"got {tuple(values.shape)}."
        )


def check_positive(name: str, value: float) -> None:
    """Check a temperature or a scale.

    Parameters
    ----------
    name : str
        The argument, for the message.
    value : float
        What came.

    Raises
    ------
    ParameterError
        If it is not above 0, or infinite.
    """
    if not 0 < value < math.inf:
        raise ParameterError(f"{name} must be a finite number above 0; got {value!r}.")


def unit_rows(vectors: Tensor) -> Tensor:
    """Divide each row by its length; a row of zeros stays one and gets no gradient.

    Parameters
    ----------
    vectors : float of shape (n, n_features)
        One vector per row.

    Returns
    -------
    float of shape (n, n_features)
        Of length 1 or 0.
    """
    lengths = torch.linalg.vector_norm(vectors, dim=1, keepdim=True)
    # Divided by a small number instead, a vector of zeros would get a gradient of 1e12.
    unit: Tensor = vectors / lengths.masked_fill(lengths == 0, math.inf)
    return unit


def cosines(first: Tensor, second: Tensor) -> Tensor:
    """Compare each row of one matrix with each of another: ``a . b / (|a| |b|)``.

    Parameters
    ----------
    first, second : float of shape (n, n_features) and (m, n_features)
        One vector per row.

    Returns
    -------
    float of shape (n, m)
        From -1 to 1; 0 for a vector of zeros.
    """
    # Autocast would multiply in bfloat16, which tells no cosines apart that differ by 0.004.
    with torch.autocast(first.device.type, enabled=False):
        return unit_rows(first) @ unit_rows(second).T


def without_diagonal(square: Tensor) -> Tensor:
    """Leave out what compares a row with itself.

    Parameters
    ----------
    square : tensor of shape (n, n)
        One entry per pair of rows.

    Returns
    -------
    tensor of shape (n, n - 1)
        The other entries of each row, in order.
    """
    n = len(square)
    # Behind each diagonal entry stand n others before the next one.
    return square.flatten()[1:].view(n - 1, n + 1)[:, :-1].reshape(n, n - 1)
