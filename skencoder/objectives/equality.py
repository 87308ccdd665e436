"""Which texts are equal: in a batch, they are no negatives of each other."""

import numpy as np
from numpy.typing import NDArray

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


def no_negatives(sides: Index) -> NDArray[np.bool_]:
    """Say which candidates are not wrong for an anchor, as far as the rows tell.

    Parameters
    ----------
    sides : int64 of shape (n_sides, n)
        Numbers of the texts of each row: anchor, positive, negatives.

    Returns
    -------
    bool of shape (n, (n_sides - 1) * n)
        True where a candidate, of all positives and then all negatives, equals the anchor or its
        positive, or belongs to another row with an equal anchor.
    """
    anchors, positives = sides[:2, :, None]
    candidates = sides[1:].ravel()
    siblings = (anchors == sides[0]) & ~np.eye(sides.shape[1], dtype=bool)
    ignored: NDArray[np.bool_] = np.tile(siblings, len(sides) - 1)
    ignored |= (anchors == candidates) | (positives == candidates)
    return ignored
