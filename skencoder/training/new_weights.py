"""How large the weights of a model begin that is trained from nothing."""

import math
from functools import partial

import torch

from skencoder.encoder import MaskedLM
from skencoder.encoder.stack import initialise

# Deviation of token vectors where sines, whose own is 0.7, are added to them: at that of other
# weights sines drown them, and at 1, the original Transformer's, they move slowly. Of 0.06, 0.1,
# 0.3, 0.6 and 1 this one learned fastest (docs/training.md, "From nothing").
BESIDE_SINES = 0.3


def draw_weights(model: MaskedLM) -> None:
    """Draw all weights anew, by torch's own generator.

    Their deviation is ``sqrt(2 / (5 d))``, d the width: BERT's 0.02 at BERT's 768 dimensions, more
    for narrower models, whose signals would else fade from layer to layer.

    Parameters
    ----------
    model : MaskedLM
        Changed in place. Where positions are sinusoidal its token vectors are drawn larger, and
        the head's norm smaller by as much, so that the first guesses are no surer.

    References
    ----------
    .. [1] Nguyen & Salazar (2019), Transformers without Tears, arXiv:1910.05895 (SmallInit).
    .. [2] Vaswani et al. (2017), arXiv:1706.03762, section 3.4, which multiplies token vectors by
       ``sqrt(d)`` before it adds the sines.
    """
    config = model.encoder.config
    deviation = math.sqrt(2 / (5 * config.hidden_size))
    model.apply(partial(initialise, deviation=deviation))
    if config.positions == "sinusoidal":
        _raise_tokens(model, BESIDE_SINES / deviation)


@torch.no_grad()
def _raise_tokens(model: MaskedLM, factor: float) -> None:
    model.encoder.embeddings.token.weight.mul_(factor)
    scale = getattr(model.head.norm, "weight", None)
    if scale is not None and model.head_config.tied:
        scale.div_(factor)
