"""Linear maps in the layout of the CPU's matrix kernels, and what they fuse with.

A plain linear copies its bias into the output, multiplies, and hands the result to the activation
and to the residual: four passes over the tokens. A packed one does all in the multiplication.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

# A hint for the layout: about as many tokens as a batch has.
EXPECTED_TOKENS = 2048
# Our activations by the kernels' names: operation and algorithm.
FUSED = {"gelu": ("gelu", "none"), "gelu_tanh": ("gelu", "tanh")}
FUSED |= {"relu": ("relu", ""), "silu": ("swish", "")}


class Map(Protocol):
    """A linear map with what stands around it."""

    def __call__(self, vectors: Tensor) -> Tensor:
        """Map each row, (tokens, in_features) to (tokens, out_features), and activate it."""

    def add(self, vectors: Tensor, residual: Tensor) -> Tensor:
        """Map each row and add another.

        Parameters
        ----------
        vectors : float of shape (tokens, in_features)
            One row per token.
        residual : float of shape (tokens, out_features)
            What is added.

        Returns
        -------
        float of shape (tokens, out_features)
            The sum.
        """


class MapMaker(Protocol):
    """What makes a `Map` of the rows of one or several linears, in order."""

    def __call__(self, linears: Sequence[nn.Linear], activation: str | None = None) -> Map:
        """Lay out the weights as they are now."""


class PackedMap:
    """``act(x W^T + b)`` or ``r + x W^T + b`` in one call, float32 or bfloat16.

    Parameters
    ----------
    linears : sequence of nn.Linear
        With the same input; their outputs are put side by side.
    activation : {"gelu", "gelu_tanh", "relu", "silu"} or None, default=None
        What is applied to the result, without a residual.
    """

    def __init__(self, linears: Sequence[nn.Linear], activation: str | None = None) -> None:
        weight, self.bias = join(linears)
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight, EXPECTED_TOKENS)
        self.operation, self.algorithm = FUSED[activation] if activation else ("none", "")

    def __call__(self, vectors: Tensor) -> Tensor:
        """Map every row.

        Parameters
        ----------
        vectors : float of shape (tokens, in_features)
            In the precision of the weights.

        Returns
        -------
        float of shape (tokens, out_features)
            The same precision.
        """
        mapped: Tensor = torch.ops.mkldnn._linear_pointwise(
            vectors, self.weight, self.bias, self.operation, [], self.algorithm
        )
        return mapped

    def add(self, vectors: Tensor, residual: Tensor) -> Tensor:
        """Map every row and add another.

        Parameters
        ----------
        vectors : float of shape (tokens, in_features)
            In the precision of the weights.
        residual : float of shape (tokens, out_features)
            The same precision.

        Returns
        -------
        float of shape (tokens, out_features)
            The same precision.
        """
        added: Tensor = torch.ops.mkldnn._linear_pointwise.binary(
            vectors, residual, self.weight, self.bias, "add"
        )
        return added


def join(linears: Sequence[nn.Linear]) -> tuple[Tensor, Tensor | None]:
    """Put linears with the same input side by side.

    Parameters
    ----------
    linears : sequence of nn.Linear
        All with a bias or all without.

    Returns
    -------
    weight : float of shape (sum of out_features, in_features)
        Without gradient.
    bias : float of shape (sum of out_features,), or None
        Without gradient.
    """
    weight = torch.cat([linear.weight.detach() for linear in linears])
    biases = [linear.bias.detach() for linear in linears if linear.bias is not None]
    return weight, torch.cat(biases) if biases else None


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
    kernel = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    if not hasattr(kernel, "binary") or not hasattr(torch.ops.mkldnn, "_reorder_linear_weight"):
        return False
    return dtype == torch.float32 or (
        dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    )
