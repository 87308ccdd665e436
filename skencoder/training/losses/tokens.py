"""The loss of masked tokens that are to be guessed."""

import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor

from skencoder.errors import TrainingError
from skencoder.training.losses.inputs import check_shape


def masked_token_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Sum the cross entropy of the tokens at the masked places.

    ``-sum_i log(exp(logits_{i, target_i}) / sum_v exp(logits_{i, v}))``. A sum, so that
    micro-batches of unlike size add up to one batch: divide by the batch's number of places.

    Parameters
    ----------
    logits : float of shape (places, vocab)
        The head's output at the masked places.
    targets : int64 of shape (places,)
        Which token stood there.

    Returns
    -------
    float of shape ()
        In nats; 0 where there is no place.

    Raises
    ------
    TrainingError
        If the shapes do not belong together.

    References
    ----------
    .. [1] Devlin et al. (2019), BERT, arXiv:1810.04805, section 3.1 and appendix A.1.
    """
    if logits.ndim != 2:  # noqa: PLR2004 - a matrix
        raise TrainingError(
            f"logits must have the shape (places, vocab); got {tuple(logits.shape)}."
        )
    check_shape("targets", targets, (len(logits),))
    logits = logits if logits.dtype == torch.float64 else logits.float()
    return F.cross_entropy(logits, targets.long(), reduction="sum")
