"""An encoder's parts exchanged for those that a GPU computes in fewer, larger steps.

The new parts hold the old ones under the same names, so weights are saved and loaded as before.
They serve inference; where a gradient is wanted they compute as the plain parts do. How the steps
themselves are computed stands in kernels/; what a CPU does instead in packed/.
"""

from typing import Any

import torch
from torch import Tensor, nn

from skencoder.encoder.attention import SelfAttention
from skencoder.encoder.embeddings import Embeddings
from skencoder.encoder.kernels import (
    LONGEST_SHORT,
    PLAIN,
    WIDEST_SHORT_HEAD,
    Lookup,
    Norm,
    Sight,
    kernels_for,
)
from skencoder.encoder.layer import PostNorm
from skencoder.encoder.packing import Boundaries
from skencoder.encoder.positions import (
    LearnedPositions,
    SinusoidalPositions,
    positions_after_padding,
)
from skencoder.encoder.scope import Scope
from skencoder.encoder.stack import Encoder
from skencoder.encoder.varlen_attention import HALF_PRECISION, varlen_attention


def fuse_for_gpu(encoder: Encoder) -> Encoder:
    """Exchange an encoder's parts for a GPU's, each where it can be.

    Attention goes by `gpu_attention`; a residual sum and its layer norm are one step, and so are
    the embeddings and theirs. Root-mean-square norms and norms before the blocks stay.

    Parameters
    ----------
    encoder : Encoder
        On any device; changed in place. Nothing is gained but on a CUDA device.

    Returns
    -------
    Encoder
        The same, with the same results up to rounding and the same names of its weights.
    """
    for module in list(encoder.modules()):
        if isinstance(module, SelfAttention):
            module.attention = gpu_attention
        for name, child in list(module.named_children()):
            if type(child) is PostNorm and isinstance(child.norm, nn.LayerNorm):
                setattr(module, name, FusedPostNorm(child))
    if FusedEmbeddings.fits(encoder.embeddings):
        encoder.embeddings = FusedEmbeddings(encoder.embeddings)  # type: ignore[assignment]
    return encoder


def gpu_attention(
    query: Tensor, key: Tensor, value: Tensor, scope: Scope, dropout: float = 0.0
) -> Tensor:
    """Compute the same as `reference_attention`, short texts in a kernel of their own.

    Parameters
    ----------
    query : float of shape (tokens, heads, head_dim)
        Projected token vectors, texts packed end to end.
    key, value : float of shape (tokens, key_value_heads, head_dim)
        The same; each head serves ``heads / key_value_heads`` neighbouring query heads.
    scope : Scope
        Where each text begins, who sees whom, and the bias.
    dropout : float, default=0
        Part of the weights that is zeroed, the others raised to make up for it.

    Returns
    -------
    float of shape (tokens, heads, head_dim)
        Weighted sums of the values.
    """
    kernels = kernels_for(query.device.type)
    if dropout or not (kernels.compiled and _fits_short(query, scope)):
        return varlen_attention(query, key, value, scope, dropout)
    boundaries = scope.boundaries
    sight = Sight(boundaries.cu_seqlens, boundaries.longest, scope.window, scope.bias)
    return kernels.short_attention(query, key, value, sight)


def _fits_short(query: Tensor, scope: Scope) -> bool:
    # Single precision has no matrix instruction that keeps all its digits: torch's own kernels
    # are no slower there.
    return (
        scope.boundaries.longest <= LONGEST_SHORT
        and query.shape[-1] <= WIDEST_SHORT_HEAD
        and query.dtype in HALF_PRECISION
        and not _needs_gradient(query)
    )


class FusedPostNorm(nn.Module):
    """``norm(h + sublayer(h))`` with sum and norm in one step.

    Parameters
    ----------
    plain : PostNorm
        Whose parts it takes over; its norm is a layer norm.
    """

    def __init__(self, plain: PostNorm) -> None:
        super().__init__()
        self.sublayer = plain.sublayer
        self.norm = plain.norm
        self.dropout = plain.dropout

    def prepare(self, hidden_states: Tensor) -> Tensor:
        """Give what the sublayer sees.

        Parameters
        ----------
        hidden_states : float of shape (tokens, hidden)
            Input of the residual.

        Returns
        -------
        float of shape (tokens, hidden)
            The same.
        """
        return hidden_states

    def forward(self, hidden_states: Tensor, *context: Any) -> Tensor:
        """Run the sublayer, add what came in, normalise.

        Parameters
        ----------
        hidden_states : float of shape (tokens, hidden)
            One vector per token.
        *context : object
            What else the sublayer takes.

        Returns
        -------
        float of shape (tokens, hidden)
            One vector per token.
        """
        added: Tensor = self.dropout(self.sublayer(hidden_states, *context))
        # The compiled kernels have no gradient.
        kernels = PLAIN if _needs_gradient(added) else kernels_for(added.device.type)
        return kernels.residual_norm(hidden_states, added, _norm_of(self.norm))


class FusedEmbeddings(nn.Module):
    """The sum of the looked-up vectors and its norm in one step.

    Parameters
    ----------
    plain : Embeddings
        Whose parts it takes over; `fits` says whether it can.
    """

    def __init__(self, plain: Embeddings) -> None:
        super().__init__()
        # In the order of the plain one, which is the order of the weights in its state.
        self.token = plain.token
        self.token_type = plain.token_type
        self.positions = plain.positions
        self.norm = plain.norm
        self.projection = plain.projection
        self.dropout = plain.dropout

    @staticmethod
    def fits(plain: nn.Module) -> bool:
        """Tell whether these embeddings can be computed in one step.

        Parameters
        ----------
        plain : nn.Module
            An encoder's embeddings.

        Returns
        -------
        bool
            False where they are no such sum, or their norm is no layer norm.
        """
        known = (LearnedPositions, SinusoidalPositions, type(None))
        return (
            type(plain) is Embeddings
            and isinstance(plain.norm, nn.LayerNorm)
            and isinstance(plain.positions, known)
        )

    def forward(
        self, input_ids: Tensor, boundaries: Boundaries, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """Embed a packed batch.

        Parameters
        ----------
        input_ids : int of shape (tokens,)
            Token ids, texts packed end to end.
        boundaries : Boundaries
            Where each text begins.
        token_type_ids : int of shape (tokens,), optional
            Segment of each token; without it all are segment 0.

        Returns
        -------
        float of shape (tokens, hidden)
            Input of the first layer.
        """
        table = self.token.weight
        # The compiled kernels have no gradient.
        kernels = PLAIN if _needs_gradient(table) else kernels_for(table.device.type)
        normed = kernels.embed_norm(
            Lookup(table, input_ids),
            _positions_of(self.positions, input_ids, boundaries),
            self.token_type and Lookup(self.token_type.weight, token_type_ids),  # type: ignore[arg-type]
            _norm_of(self.norm),
        )
        embedded: Tensor = self.projection(self.dropout(normed))
        return embedded


def _positions_of(
    positions: nn.Module | None, input_ids: Tensor, boundaries: Boundaries
) -> Lookup | None:
    if isinstance(positions, SinusoidalPositions):
        return Lookup(positions.table, boundaries.position_ids())
    if isinstance(positions, LearnedPositions):
        pad = positions.pad_token_id
        rows = (
            boundaries.position_ids()
            if pad is None
            else positions_after_padding(input_ids, boundaries, pad)
        )
        return Lookup(positions.table.weight, rows)
    return None


def _norm_of(norm: nn.Module) -> Norm:
    return Norm(norm.weight, norm.bias, norm.eps)  # type: ignore[arg-type]


def _needs_gradient(value: Tensor) -> bool:
    return torch.is_grad_enabled() and value.requires_grad
