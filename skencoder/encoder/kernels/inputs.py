"""What the kernels are given beside the vectors, in one piece each.

What is computed from them stands in plain.py.
"""

from typing import NamedTuple

from torch import Tensor

# Longest text and widest head that short_attention takes: more does not fit into one tile.
LONGEST_SHORT, WIDEST_SHORT_HEAD = 64, 128


class Norm(NamedTuple):
    """A layer norm's parameters.

    Parameters
    ----------
    weight : float of shape (hidden,)
        The gain.
    bias : float of shape (hidden,) or None
        Added at the end; None adds nothing.
    eps : float
        Added to the variance.
    """

    weight: Tensor
    bias: Tensor | None
    eps: float


class Lookup(NamedTuple):
    """Rows of a table that are added to the token vectors.

    Parameters
    ----------
    table : float of shape (rows, hidden)
        Vectors.
    rows : int of shape (tokens,) or None
        One for each token; None is row 0 for all.
    """

    table: Tensor
    rows: Tensor | None


class Sight(NamedTuple):
    """Who sees whom in a packed batch.

    Parameters
    ----------
    cu_seqlens : int32 of shape (batch + 1,)
        Where each text begins, in tokens; the last entry is ``tokens``.
    longest : int
        No text has more tokens.
    window : int or None, default=None
        Tokens further apart than this do not see each other; None is the whole text.
    bias : float of shape (heads, at least longest, at least longest) or None, default=None
        Added to the scores.
    """

    cu_seqlens: Tensor
    longest: int
    window: int | None = None
    bias: Tensor | None = None
