"""How large the weights of a model begin that is trained from nothing."""

import math
from functools import partial

import torch

from skencoder.encoder import MaskedLM
from skencoder.encoder.stack import initialise

# Of token vectors beside sines, whose deviation is 0.7: as in the original Transformer. Beside a
# narrow model's other weights they would be drowned; figures stand in docs/training.md.
BESIDE_SINES = 1.0


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
