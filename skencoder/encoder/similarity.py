"""How two sentence vectors are compared: every function gives larger values for what is closer."""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor


def cosine_similarity(first: Tensor, second: Tensor) -> Tensor:
    """Compare directions: ``a . b / (|a| |b|)``.

    Parameters
    ----------
    first, second : float of shape (n, n_features) and (m, n_features)
        Sentence vectors.

    Returns
    -------
    float of shape (n, m)
        From -1 to 1; 0 for a vector of zeros.
    """
    return F.normalize(first, dim=1) @ F.normalize(second, dim=1).T


def dot_similarity(first: Tensor, second: Tensor) -> Tensor:
    """Compare directions and lengths: ``a . b``.

    Parameters
    ----------
    first, second : float of shape (n, n_features) and (m, n_features)
        Sentence vectors.

    Returns
    -------
    float of shape (n, m)
        Any number.
    """
    return first @ second.T


def euclidean_similarity(first: Tensor, second: Tensor) -> Tensor:
    """Compare places: ``-sqrt(sum((a - b)^2))``.

    Parameters
    ----------
    first, second : float of shape (n, n_features) and (m, n_features)
        Sentence vectors.

    Returns
    -------
    float of shape (n, m)
        At most 0.
    """
    return -torch.cdist(first, second, p=2.0)


def manhattan_similarity(first: Tensor, second: Tensor) -> Tensor:
    """Compare places along the axes: ``-sum(|a - b|)``.

    Parameters
    ----------
    first, second : float of shape (n, n_features) and (m, n_features)
        Sentence vectors.

    Returns
    -------
    float of shape (n, m)
        At most 0.
    """
    return -torch.cdist(first, second, p=1.0)


SIMILARITIES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cosine": cosine_similarity,
    "dot": dot_similarity,
    "euclidean": euclidean_similarity,
    "manhattan": manhattan_similarity,
}
