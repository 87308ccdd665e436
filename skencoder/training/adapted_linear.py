"""One linear map with an addition of low rank. Which maps get one stands in adapters.py."""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor, nn


class AdaptedLinear(nn.Module):
    """A linear map with a trained addition of low rank: ``W x + b + scale B A x``.

    ``W`` and ``b`` are frozen. ``A`` is drawn as PyTorch draws a linear map (uniform, within
    ``1 / sqrt(in)``) and ``B`` is 0, so that the map begins as it was.

    Parameters
    ----------
    linear : nn.Linear
        The map; its parameters are frozen.
    rank : int
        Rows of ``A`` and columns of ``B``.
    scale : float
        ``alpha / rank``.
    dropout : float
        Part of ``x`` zeroed on its way to ``A`` in training.
    generator : torch.Generator
        Draws ``A``, on its own device.

    Attributes
    ----------
    down : Parameter of shape (rank, in)
        ``A``.
    up : Parameter of shape (out, rank)
        ``B``.
    """

    def __init__(
        self,
        linear: nn.Linear,
        *,
        rank: int,
        scale: float,
        dropout: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.scale = scale
        self.dropout = nn.Dropout(dropout)
        # Drawn where the generator is: a seed gives the same matrix on every device.
        down = torch.empty(rank, linear.in_features, device=generator.device)
        nn.init.kaiming_uniform_(down, a=math.sqrt(5), generator=generator)
        self.down = nn.Parameter(down.to(linear.weight))
        self.up = nn.Parameter(linear.weight.new_zeros(linear.out_features, rank))
        self.train(linear.training)

    def forward(self, vectors: Tensor) -> Tensor:
        """Map every vector.

        Parameters
        ----------
        vectors : float of shape (tokens, in)
            One per token.

        Returns
        -------
        float of shape (tokens, out)
            One per token.
        """
        added = F.linear(self.dropout(vectors), self.down)
        mapped: Tensor = self.linear(vectors)
        return mapped + self.scale * F.linear(added, self.up)

    def merged(self) -> nn.Linear:
        """Give the plain map that computes the same.

        Returns
        -------
        nn.Linear
            The frozen one, its weight exchanged for ``W + scale B A``, summed in float32 at least.
        """
        weight = self.linear.weight.detach()
        exact = torch.promote_types(weight.dtype, torch.float32)
        added = self.up.detach().to(exact) @ self.down.detach().to(exact)
        # A new tensor: others may share the old one.
        merged = weight.to(exact) + self.scale * added
        self.linear.weight = nn.Parameter(merged.to(weight.dtype))
        return self.linear
