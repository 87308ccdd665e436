"""Losses of scored pairs: only the order of the scores counts, not their size."""

import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor

from skencoder.training.losses.inputs import as_vectors, check_positive, check_shape, unit_rows


def cosent_loss(first: Tensor, second: Tensor, scores: Tensor, *, scale: float = 20) -> Tensor:
    """Want the cosines of pairs in the order of their scores.

    ``log(1 + sum_{score_i > score_j} exp(scale (cos_j - cos_i)))``, where ``cos_i`` is the cosine
    of pair ``i``.

    Parameters
    ----------
    first, second : float of shape (n, n_features)
        The two sides of each pair.
    scores : float of shape (n,)
        How similar each pair is, in any unit. Pairs of equal score are not compared, nor is
        one whose score is NaN.
    scale : float, default=20
        The larger, the more the worst order counts.

    Returns
    -------
    float of shape ()
        At least 0; exactly 0 where all scores are equal.

    Raises
    ------
    TrainingError
        If the shapes do not belong together.
    ParameterError
        If the scale is not above 0.

    References
    ----------
    .. [1] Su (2022), CoSENT (1): a better sentence vector scheme than Sentence-BERT,
       https://kexue.fm/archives/8847.
    """
    first, second = _checked(first, second, scores, scale)
    return _order_loss((unit_rows(first) * unit_rows(second)).sum(dim=1), scores, scale)


def angle_loss(first: Tensor, second: Tensor, scores: Tensor, *, scale: float = 20) -> Tensor:
    """Want the angles of pairs, read as complex vectors, in the order of their scores.

    A vector's first half is taken as real parts and its second half as imaginary ones:
    ``z = a + ib`` and ``w = c + id``. Their quotient without the lengths has the real part
    ``sum(ac + bd) / (|z| |w|)``, which is the cosine, and the imaginary part
    ``sum(bc - ad) / (|z| |w|)``; ``s = |real + imaginary|``. The loss is that of
    `cosent_loss` with ``s`` in the place of the cosine:
    ``log(1 + sum_{score_i > score_j} exp(scale (s_j - s_i)))``. Where the cosine is flat, at equal
    and at opposite directions, the imaginary part is steepest.

    Parameters
    ----------
    first, second : float of shape (n, n_features)
        The two sides of each pair; an odd number of features is filled up with a zero.
    scores : float of shape (n,)
        How similar each pair is, in any unit. Pairs of equal score are not compared, nor is
        one whose score is NaN.
    scale : float, default=20
        The larger, the more the worst order counts.

    Returns
    -------
    float of shape ()
        At least 0; exactly 0 where all scores are equal.

    Raises
    ------
    TrainingError
        If the shapes do not belong together.
    ParameterError
        If the scale is not above 0.

    Notes
    -----
    The paper writes the order of the angle differences; its authors' program, like this one, takes
    ``s`` for a similarity. ``s`` is not symmetric in the two sides. The paper adds this loss to
    `cosent_loss` and to in-batch negatives.

    References
    ----------
    .. [1] Li & Li (2024), AnglE-optimized text embeddings, arXiv:2309.12871, section 3.4.
    """
    first, second = _checked(first, second, scores, scale)
    z, w = unit_rows(_even(first)), unit_rows(_even(second))
    a, b = z.chunk(2, dim=1)
    c, d = w.chunk(2, dim=1)
    real = (a * c + b * d).sum(dim=1)
    imaginary = (b * c - a * d).sum(dim=1)
    return _order_loss((real + imaginary).abs(), scores, scale)


def _checked(first: Tensor, second: Tensor, scores: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    check_positive("scale", scale)
    first, second = as_vectors("first", first), as_vectors("second", second)
    check_shape("second", second, tuple(first.shape))
    check_shape("scores", scores, (len(first),))
    return first, second


def _even(vectors: Tensor) -> Tensor:
    return F.pad(vectors, (0, vectors.shape[1] % 2))


def _order_loss(similarities: Tensor, scores: Tensor, scale: float) -> Tensor:
    # (n, n): how far the less similar pair j is above the more similar pair i.
    excess = scale * (similarities[None, :] - similarities[:, None])
    ordered = scores[:, None] > scores[None, :]
    excess = excess.masked_fill(~ordered, -torch.inf).flatten()
    # The zero put before them is the 1 in the logarithm.
    return F.pad(excess, (1, 0)).logsumexp(dim=0)
