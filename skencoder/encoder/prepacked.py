"""The same linear maps with weights laid out once for the CPU's matrix kernels (oneDNN).

A plain linear copies its bias into the output, multiplies, and hands the result to the
activation: three passes over the tokens. The packed one does all in the multiplication.
It serves inference only: the packed weights have no gradient and are not in ``state_dict``, and
they are a second copy, while the plain ones stay mapped from their file and need not be in memory.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from skencoder.encoder.feed_forward import FeedForward, GatedFeedForward
from skencoder.encoder.stack import Encoder

# A hint for the layout: about as many tokens as a batch has.
EXPECTED_TOKENS = 2048
# Our activations by the kernels' names: operation and algorithm.
FUSED = {"gelu": ("gelu", "none"), "gelu_tanh": ("gelu", "tanh")}
FUSED |= {"relu": ("relu", ""), "silu": ("swish", "")}


class PrepackedLinear(nn.Module):
    """``act(x W^T + b)`` in one call, with W in the kernel's own layout.

    Parameters
    ----------
    linear : nn.Linear
        The map; its weights stay as they are.
    activation : {"gelu", "gelu_tanh", "relu", "silu"} or None, default=None
        What is applied to the result.
    """

    def __init__(self, linear: nn.Linear, activation: str | None = None) -> None:
        super().__init__()
        self.linear = linear
        self.activation = activation
        self.operation, self.algorithm = FUSED[activation] if activation else ("none", "")
        self.register_load_state_dict_post_hook(_pack_again)  # type: ignore[no-untyped-call]
        self._pack()

    def _pack(self) -> None:
        self.packed_weight = torch.ops.mkldnn._reorder_linear_weight(
            self.linear.weight.detach(), EXPECTED_TOKENS
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

        Raises
        ------
        RuntimeError
            If the weights are to be trained: the packed ones have no gradient.
        """
        if self.linear.weight.requires_grad and torch.is_grad_enabled():
            raise RuntimeError(
                "This encoder is packed for inference and cannot be trained; load one with "
                "skencoder.checkpoints.load_checkpoint, which is not."
            )
        mapped: Tensor = torch.ops.mkldnn._linear_pointwise(
            hidden_states,
            self.packed_weight,
            self.linear.bias,
            self.operation,
            [],
            self.algorithm,
        )
        return mapped

    # What follows keeps the packed weights in step with the plain ones, whatever is done to them.

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "PrepackedLinear":
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._pack()
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return PrepackedLinear, (self.linear, self.activation)


def _pack_again(module: nn.Module, _: Any) -> None:
    if isinstance(module, PrepackedLinear):
        module._pack()


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
    if any(isinstance(module, PrepackedLinear) for module in encoder.modules()):
        return encoder
    for module in list(encoder.modules()):
        if isinstance(module, FeedForward):
            _fuse_activation(module, "expand")
        if isinstance(module, GatedFeedForward):
            _fuse_activation(module, "gate")
    for module in list(encoder.modules()):
        # What is packed already still holds its plain linear.
        if not isinstance(module, PrepackedLinear):
            _pack_children(module)
    return encoder


def _fuse_activation(block: FeedForward | GatedFeedForward, name: str) -> None:
    setattr(block, name, PrepackedLinear(getattr(block, name), block.activation_name))
    block.activation = nn.Identity()


def _pack_children(module: nn.Module) -> None:
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Linear):
            setattr(module, name, PrepackedLinear(child))


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
    return {name.replace(".linear.", "."): value for name, value in module.state_dict().items()}
