"""An encoder's sublayers are replaced by packed ones, in place.

Which maps they are made of is decided here: oneDNN's in the precision of the weights, or 8-bit.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from skencoder.encoder.attention import SelfAttention
from skencoder.encoder.feed_forward import FeedForward, GatedFeedForward
from skencoder.encoder.layer import PostNorm, PreNorm
from skencoder.encoder.packed.maps import MapMaker, PackedMap, can_prepack
from skencoder.encoder.packed.quantized import QuantizedMap
from skencoder.encoder.packed.sublayers import (
    AttentionOnMaps,
    Computation,
    FeedForwardOnMaps,
    GatedFeedForwardOnMaps,
    PackedSublayer,
    add_inside,
)
from skencoder.encoder.stack import Encoder

# The kernels are made anew for each number of rows they have not met; so it is rounded up. With 32
# a single short text took an eighth longer.
ROWS = 16


def prepack(encoder: Encoder) -> Encoder:
    """Lay an encoder's weights out for inference on a CPU, in their own precision.

    Parameters
    ----------
    encoder : Encoder
        On the CPU; changed in place.

    Returns
    -------
    Encoder
        The same, with the same results up to rounding.
    """
    return _replace_sublayers(encoder, PackedMap, None)


def quantize(encoder: Encoder) -> Encoder:
    """Round an encoder's linear maps to 8-bit integers, for inference on a CPU.

    Attention, norms and sums stay in floating point.

    Parameters
    ----------
    encoder : Encoder
        On the CPU, in float32; changed in place. Its own weights stay as they are, so that
        saving and the fingerprint do.

    Returns
    -------
    Encoder
        The same, with results that agree to about two digits.
    """
    fused_in = torch.bfloat16 if can_prepack(torch.bfloat16) else None
    return _replace_sublayers(encoder, QuantizedMap, fused_in)


def _replace_sublayers(
    encoder: Encoder, make_map: MapMaker, fused_in: torch.dtype | None
) -> Encoder:
    if is_packed(encoder):
        return encoder
    lay_out: dict[type[nn.Module], Callable[[Any], Computation]] = {
        SelfAttention: partial(AttentionOnMaps, make_map=make_map, fused_in=fused_in),
        FeedForward: partial(FeedForwardOnMaps, make_map=make_map),
        GatedFeedForward: partial(GatedFeedForwardOnMaps, make_map=make_map),
    }
    for block in list(encoder.modules()):
        if isinstance(block, PostNorm | PreNorm):
            block.sublayer = PackedSublayer(block.sublayer, lay_out[type(block.sublayer)])
            block.add = add_inside
    encoder.row_multiple = ROWS
    return encoder


def is_packed(encoder: nn.Module) -> bool:
    """Tell whether an encoder was packed.

    Parameters
    ----------
    encoder : nn.Module
        An encoder, alone or with a head.

    Returns
    -------
    bool
        True if a sublayer of it is.
    """
    return any(isinstance(module, PackedSublayer) for module in encoder.modules())


def plain_state(module: nn.Module) -> dict[str, Tensor]:
    """Give a module's weights under the names they have where nothing is packed.

    Parameters
    ----------
    module : nn.Module
        An encoder, packed or not, alone or with a head.

    Returns
    -------
    dict of str to Tensor
        As ``state_dict``.
    """
    return {
        name.replace(".sublayer.plain.", ".sublayer."): value
        for name, value in module.state_dict().items()
    }
