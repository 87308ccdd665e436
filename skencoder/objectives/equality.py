"""Which texts are equal: in a batch, they are no negatives of each other."""

import numpy as np
import torch
from torch import Tensor

from skencoder.tokenization import Index


def equal_texts(texts: list[str]) -> Index:
    """Give equal texts one number.

    Parameters
    ----------
    texts : list of str of shape (n_texts,)
        Texts.

    Returns
    -------
    int64 of shape (n_texts,)
        Counted from 0, in the order of their first appearance.
    """
    known: dict[str, int] = {}
    return np.array([known.setdefault(text, len(known)) for text in texts], np.int64)


def same_groups(first: Index, second: Index, like: Tensor) -> Tensor:
    """Say which texts equal which: they are no negatives of each other.

    Parameters
    ----------
    first : int64 of shape (n,)
        Numbers of texts.
    second : int64 of shape (m,)
        Numbers of texts.
    like : tensor
        On the device where the answer is needed.

    Returns
    -------
    bool of shape (n, m)
        True where they are equal.
    """
    return torch.from_numpy(first[:, None] == second[None, :]).to(like.device)
