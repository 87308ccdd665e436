"""Losses of what belongs together: pairs, and texts of one class. In-batch negatives both."""

import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor

from skencoder.errors import TrainingError
from skencoder.training.losses.inputs import (
    as_vectors,
    check_positive,
    check_shape,
    cosines,
    without_diagonal,
)


def ranking_loss(
    anchors: Tensor,
    candidates: Tensor,
    *,
    temperature: float = 0.05,
    ignored: Tensor | None = None,
    symmetric: bool = False,
) -> Tensor:
    """Ask each anchor for its own candidate among all of them (InfoNCE).

    The mean over anchors ``i`` of ``-log(exp(cos(a_i, c_i) / t) / sum_j exp(cos(a_i, c_j) / t))``.

    Parameters
    ----------
    anchors : float of shape (n, n_features)
        Such as questions, or texts seen with one dropout.
    candidates : float of shape (m, n_features)
        Row ``i < n`` belongs to anchor ``i``; the rest, if any, are hard negatives of all.
    temperature : float, default=0.05
        ``t``: the smaller, the more the nearest wrong candidates count.
    ignored : bool of shape (n, m), default=None
        True leaves a candidate out for an anchor, such as the same text in another row. An
        anchor's own candidate is never left out.
    symmetric : bool, default=False
        Ask the first ``n`` candidates for their anchors too, and take the mean of both.

    Returns
    -------
    float of shape ()
        At least 0, in nats.

    Raises
    ------
    TrainingError
        If the shapes do not belong together.
    ParameterError
        If the temperature is not above 0.

    References
    ----------
    .. [1] van den Oord, Li & Vinyals (2018), Representation learning with contrastive predictive
       coding, arXiv:1807.03748, equation 4.
    .. [2] Henderson et al. (2017), Efficient natural language response suggestion for smart reply,
       arXiv:1705.00652, section 4.4.
    .. [3] Gao, Yao & Chen (2021), SimCSE, arXiv:2104.08821, equation 1: both sides are the same
       texts, each with a dropout of its own.
    """
    check_positive("temperature", temperature)
    anchors, candidates = as_vectors("anchors", anchors), as_vectors("candidates", candidates)
    _check_candidates(anchors, candidates)
    scores = cosines(anchors, candidates) / temperature
    if ignored is not None:
        check_shape("ignored", ignored, tuple(scores.shape))
        own = torch.eye(*scores.shape, dtype=torch.bool, device=scores.device)
        scores = scores.masked_fill(ignored & ~own, -torch.inf)
    if not symmetric:
        return _own_column(scores)
    return (_own_column(scores) + _own_column(scores[:, : len(anchors)].T)) / 2


def supervised_contrastive_loss(
    embeddings: Tensor, labels: Tensor, *, temperature: float = 0.1
) -> Tensor:
    """Ask each text for all the others of its class.

    With ``s_ij = cos(z_i, z_j) / t``, the mean over texts ``i`` that have others ``P(i)`` of their
    class in the batch of
    ``-1 / |P(i)| sum_{p in P(i)} log(exp(s_ip) / sum_{a != i} exp(s_ia))``.

    Parameters
    ----------
    embeddings : float of shape (n, n_features)
        One vector per text.
    labels : int of shape (n,)
        The class of each. A text without another of its class says nothing itself and is a
        negative to the others; if all are so, the loss is 0 and so are its gradients.
    temperature : float, default=0.1
        ``t``: the smaller, the more the nearest texts count.

    Returns
    -------
    float of shape ()
        At least 0, in nats.

    Raises
    ------
    TrainingError
        If the shapes do not belong together.
    ParameterError
        If the temperature is not above 0.

    References
    ----------
    .. [1] Khosla et al. (2020), Supervised contrastive learning, arXiv:2004.11362, equation 2.
    """
    check_positive("temperature", temperature)
    embeddings = as_vectors("embeddings", embeddings)
    check_shape("labels", labels, (len(embeddings),))
    scores = without_diagonal(cosines(embeddings, embeddings) / temperature)
    same = without_diagonal(labels[:, None] == labels[None, :])
    n_same = same.sum(dim=1)
    per_text = -(scores.log_softmax(dim=1) * same).sum(dim=1) / n_same.clamp(min=1)
    return per_text.sum() / (n_same > 0).sum().clamp(min=1)


def _check_candidates(anchors: Tensor, candidates: Tensor) -> None:
    if len(candidates) < len(anchors) or candidates.shape[1] != anchors.shape[1]:
        raise TrainingError(
            f"candidates must have the {anchors.shape[1]} features of the anchors and at least "
            f"their {len(anchors)} rows; got {tuple(candidates.shape)}."
        )


def _own_column(scores: Tensor) -> Tensor:
    return F.cross_entropy(scores, torch.arange(len(scores), device=scores.device))
