"""Losses of a head's outputs: one class per text, several labels, amounts.

All are means over rows, and sums over what each row has. Weights whose mean is 1 leave the scale
as it is.
"""

import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor

from skencoder.errors import TrainingError
from skencoder.training.losses.inputs import check_shape


def softmax_loss(
    logits: Tensor, targets: Tensor, weights: Tensor, *, label_smoothing: float = 0.0
) -> Tensor:
    """Average the cross entropy of each text's class.

    ``-1/n sum_i w_i sum_k q_ik log softmax(logits_i)_k`` with ``q_ik = (1 - s) [k = target_i] +
    s / n_classes``.

    Parameters
    ----------
    logits : float of shape (n_rows, n_classes)
        The head's output.
    targets : int64 of shape (n_rows,)
        Number of each row's class.
    weights : float of shape (n_rows,)
        How much each row counts.
    label_smoothing : float, default=0.0
        Share of the target, ``s``, that is spread over all classes.

    Returns
    -------
    float of shape ()
        In nats.

    Raises
    ------
    TrainingError
        If the shapes do not belong together.

    References
    ----------
    .. [1] Szegedy et al. (2016), Rethinking the Inception Architecture for Computer Vision,
       arXiv:1512.00567, section 7.
    """
    logits = _as_rows(logits)
    check_shape("targets", targets, (len(logits),))
    check_shape("weights", weights, (len(logits),))
    losses = F.cross_entropy(
        logits, targets.long(), reduction="none", label_smoothing=label_smoothing
    )
    return (weights * losses).mean()


def sigmoid_loss(
    logits: Tensor, targets: Tensor, weights: Tensor, *, label_smoothing: float = 0.0
) -> Tensor:
    """Average the cross entropies of labels that do not exclude each other.

    ``-1/n sum_ij w_ij (q_ij log p_ij + (1 - q_ij) log(1 - p_ij))`` with ``p = 1 / (1 +
    exp(-logits))`` and ``q_ij = (1 - s) target_ij + s / 2``.

    Parameters
    ----------
    logits : float of shape (n_rows, n_labels)
        The head's output.
    targets : float of shape (n_rows, n_labels)
        1 where a text has a label, else 0.
    weights : float of shape (n_rows, n_labels)
        How much each of them counts.
    label_smoothing : float, default=0.0
        How far targets are moved towards 1/2, ``s``.

    Returns
    -------
    float of shape ()
        In nats.

    Raises
    ------
    TrainingError
        If the shapes do not belong together.

    References
    ----------
    .. [1] Szegedy et al. (2016), Rethinking the Inception Architecture for Computer Vision,
       arXiv:1512.00567, section 7.
    """
    logits = _as_rows(logits)
    check_shape("targets", targets, tuple(logits.shape))
    check_shape("weights", weights, tuple(logits.shape))
    smooth = targets.to(logits.dtype) * (1 - label_smoothing) + label_smoothing / 2
    losses = F.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
    return (weights * losses).sum(dim=1).mean()


def squared_loss(outputs: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Average half the squared errors.

    ``1/n sum_ij w_i (output_ij - target_ij)^2 / 2``.

    Parameters
    ----------
    outputs : float of shape (n_rows, n_targets)
        The head's output.
    targets : float of shape (n_rows, n_targets)
        Amounts.
    weights : float of shape (n_rows,)
        How much each row counts.

    Returns
    -------
    float of shape ()
        In half the targets' unit squared.

    Raises
    ------
    TrainingError
        If the shapes do not belong together.
    """
    outputs = _check_amounts(outputs, targets, weights)
    errors = (outputs - targets.to(outputs.dtype)).square().sum(dim=1)
    return (weights * errors).mean() / 2


def huber_loss(outputs: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Average half the squared errors up to 1, and errors less 1/2 beyond it.

    Parameters
    ----------
    outputs : float of shape (n_rows, n_targets)
        The head's output.
    targets : float of shape (n_rows, n_targets)
        Amounts whose standard deviation is about 1.
    weights : float of shape (n_rows,)
        How much each row counts.

    Returns
    -------
    float of shape ()
        Equal to the squared loss where no error is larger than 1.

    Raises
    ------
    TrainingError
        If the shapes do not belong together.

    References
    ----------
    .. [1] Huber (1964), Robust estimation of a location parameter, Annals of Mathematical
       Statistics 35.
    """
    outputs = _check_amounts(outputs, targets, weights)
    losses = F.huber_loss(outputs, targets.to(outputs.dtype), reduction="none")
    return (weights * losses.sum(dim=1)).mean()


def _as_rows(outputs: Tensor) -> Tensor:
    if outputs.ndim != 2:  # noqa: PLR2004 - a matrix
        raise TrainingError(
            f"outputs must have the shape (n_rows, n_outputs); got {tuple(outputs.shape)}."
        )
    return outputs if outputs.dtype == torch.float64 else outputs.float()


def _check_amounts(outputs: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    outputs = _as_rows(outputs)
    check_shape("targets", targets, tuple(outputs.shape))
    check_shape("weights", weights, (len(outputs),))
    return outputs
