"""The same linear maps with weights laid out once for the CPU's matrix kernels (oneDNN).

A plain linear copies its bias into the output, multiplies, and hands the result to the
activation: three passes over the tokens. The packed one does all in the multiplication.
It serves inference only: the packed weights have no gradient and are not in ``state_dict``.
"""

import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor, nn

from skencoder.encoder.feed_forward import FeedForward
from skencoder.encoder.stack import Encoder

# A hint for the layout: about as many tokens as a batch has.
EXPECTED_TOKENS = 2048


class PrepackedLinear(nn.Module):
    """``act(x W^T + b)`` in one call, with W in the kernel's own layout.

    Parameters
    ----------
    linear : nn.Linear
        The map; its weights stay as they are.
    activation : {"none", "gelu"}, default="none"
        What is applied to the result; "gelu" is the exact (erf) form.
    """

    def __init__(self, linear: nn.Linear, activation: str = "none") -> None:
        super().__init__()
        self.linear = linear
        self.activation = activation
        self.algorithm = "none" if activation == "gelu" else ""
        self.packed_weight = torch.ops.mkldnn._reorder_linear_weight(
            linear.weight.detach(), EXPECTED_TOKENS
        )

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Map every token vector.

        Parameters
        ----------
        hidden_states : float of shape (tokens, in_features)
            One vector per token.

        Returns
        -------
        float of shape (tokens, out_features)
            One vector per token.
        """
        mapped: Tensor = torch.ops.mkldnn._linear_pointwise(
            hidden_states,
            self.packed_weight,
            self.linear.bias,
            self.activation,
            [],
            self.algorithm,
        )
        return mapped


def can_prepack(dtype: torch.dtype) -> bool:
    """Tell whether this torch and this CPU have the packed kernels.

    Parameters
    ----------
    dtype : torch.dtype
        Of weights and activations.

    Returns
    -------
    bool
        False where plain torch has to do.
    """
    if not torch.backends.mkldnn.is_available():
        return False
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    return dtype == torch.float32 or (
        dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    )


def prepack(encoder: Encoder) -> Encoder:
    """Replace an encoder's linear maps by packed ones, for inference on a CPU.

    Parameters
    ----------
    encoder : Encoder
        On the CPU; changed in place.

    Returns
    -------
    Encoder
        The same, with the same results up to rounding.
    """
    for module in list(encoder.modules()):
        if isinstance(module, FeedForward):
            _fuse_activation(module)
    for module in list(encoder.modules()):
        # What is packed already still holds its plain linear.
        if not isinstance(module, PrepackedLinear):
            _pack_children(module)
    return encoder


def _fuse_activation(block: FeedForward) -> None:
    if block.activation is F.gelu and isinstance(block.expand, nn.Linear):
        block.expand = PrepackedLinear(block.expand, "gelu")
        block.activation = nn.Identity()


def _pack_children(module: nn.Module) -> None:
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Linear):
            setattr(module, name, PrepackedLinear(child))
