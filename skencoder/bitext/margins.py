"""How sure a pair is: its cosine beside the cosines of its neighbourhoods.

Cosines are not the same everywhere: some sentences are close to everything. A translation is
closer than the other near ones [1]_.

References
----------
.. [1] Artetxe & Schwenk (2019), Margin-based Parallel Corpus Mining with Multilingual Sentence
   Embeddings, ACL.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from skencoder.bitext.candidates import Candidates, Numbers, Rows, find_neighbourhoods
from skencoder.encoding_options import check_choice
from skencoder.errors import ParameterError

# A neighbourhood whose mean is not above 0 would turn the ratio's sign.
SMALLEST_MEAN = 1e-6


def ratio(cosines: Numbers, means: Numbers) -> Numbers:
    """Divide a pair's cosine by the mean cosine of its neighbourhoods.

    Parameters
    ----------
    cosines : float64 of shape (n_pairs,)
        Of the pairs.
    means : float64 of shape (n_pairs,)
        Of the two neighbourhoods; below 1e-6 it counts as 1e-6.

    Returns
    -------
    float64 of shape (n_pairs,)
        1 is as close as the neighbourhood, more is closer.
    """
    return cosines / np.maximum(means, SMALLEST_MEAN)


def distance(cosines: Numbers, means: Numbers) -> Numbers:
    """Subtract the mean cosine of its neighbourhoods from a pair's cosine.

    Parameters
    ----------
    cosines : float64 of shape (n_pairs,)
        Of the pairs.
    means : float64 of shape (n_pairs,)
        Of the two neighbourhoods.

    Returns
    -------
    float64 of shape (n_pairs,)
        0 is as close as the neighbourhood, more is closer.
    """
    return cosines - means


def absolute(cosines: Numbers, means: Numbers) -> Numbers:
    """Take the cosine as it is.

    Parameters
    ----------
    cosines : float64 of shape (n_pairs,)
        Of the pairs.
    means : float64 of shape (n_pairs,)
        Not looked at.

    Returns
    -------
    float64 of shape (n_pairs,)
        The cosines.
    """
    return cosines


MARGINS: dict[str, Callable[[Numbers, Numbers], Numbers]] = {
    "ratio": ratio,
    "distance": distance,
    "absolute": absolute,
}


def find_candidates(
    source: ArrayLike, target: ArrayLike, *, margin: str = "ratio", n_neighbors: int = 4
) -> Candidates:
    """Find the pairs that could be translations, and how sure each is.

    ``score(x, y) = margin(cos(x, y), (mean_x + mean_y) / 2)``, where ``mean_x`` is the mean cosine
    of ``x`` to its nearest sentences on the other side [1]_.

    Parameters
    ----------
    source : float32 of shape (n_source, n_features)
        Vectors of one side.
    target : float32 of shape (n_target, n_features)
        Vectors of the other side.
    margin : {"ratio", "distance", "absolute"}, default="ratio"
        How a cosine and the mean are compared.
    n_neighbors : int, default=4
        Sentences of a neighbourhood.

    Returns
    -------
    Candidates
        Pairs in which one is among the nearest of the other; none where a side is empty.

    Raises
    ------
    ParameterError
        If a parameter cannot be used, or the vectors are not finite or of one width.

    References
    ----------
    .. [1] Artetxe & Schwenk (2019), Margin-based Parallel Corpus Mining, ACL.
    """
    check_choice("margin", margin, tuple(MARGINS))
    near = find_neighbourhoods(source, target, n_neighbors)
    pairs = near.pairs()
    means = (near.source_means[pairs.source] + near.target_means[pairs.target]) / 2
    return replace(pairs, scores=MARGINS[margin](pairs.scores, means))


def score_rows(
    source: ArrayLike,
    target: ArrayLike,
    pairs: ArrayLike | None = None,
    *,
    margin: str = "ratio",
    n_neighbors: int = 4,
) -> Numbers:
    """Score given pairs by the neighbourhoods of the two sides.

    Parameters
    ----------
    source : float32 of shape (n_source, n_features)
        Vectors of one side; a copy fills the neighbourhoods of the others, so give each sentence
        once.
    target : float32 of shape (n_target, n_features)
        Vectors of the other side, each once.
    pairs : int of shape (n_pairs, 2), default=None
        Rows of both sides, which may repeat; None pairs the sides row by row.
    margin : {"ratio", "distance", "absolute"}, default="ratio"
        How a cosine and the mean are compared.
    n_neighbors : int, default=4
        Sentences of a neighbourhood.

    Returns
    -------
    float64 of shape (n_pairs,)
        One score per pair, as `find_candidates` gives it.

    Raises
    ------
    ParameterError
        If pairs are no rows of the sides, the sides cannot be paired row by row, or a parameter
        cannot be used.
    """
    check_choice("margin", margin, tuple(MARGINS))
    left, right = np.asarray(source, np.float64), np.asarray(target, np.float64)
    one, other = _read_pairs(pairs, left.shape, right.shape)
    near = find_neighbourhoods(source, target, n_neighbors)
    norms = np.linalg.norm(left, axis=1)[one] * np.linalg.norm(right, axis=1)[other]
    dots = np.einsum("ij,ij->i", left[one], right[other])
    cosines = np.divide(dots, norms, out=np.zeros_like(dots), where=norms > 0)
    return MARGINS[margin](cosines, (near.source_means[one] + near.target_means[other]) / 2)


def _read_pairs(
    pairs: ArrayLike | None, left: tuple[int, ...], right: tuple[int, ...]
) -> tuple[Rows, Rows]:
    if pairs is None:
        if left != right:
            raise ParameterError(
                f"source and target must have as many rows, one pair per row; got shapes {left} "
                f"and {right}."
            )
        rows = np.arange(left[0])
        return rows, rows
    read = np.asarray(pairs)
    is_pairs = read.ndim == 2 and read.shape[1] == 2 and read.dtype.kind in "iu"  # noqa: PLR2004
    if not is_pairs or (read < 0).any() or (read >= [left[0], right[0]]).any():
        raise ParameterError(
            f"pairs must hold a row of the {left[0]} of source and one of the {right[0]} of "
            f"target each; got shape {read.shape} of {read.dtype}."
        )
    return read[:, 0].astype(np.int64), read[:, 1].astype(np.int64)
