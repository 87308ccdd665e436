"""Attention and feed-forward on packed maps, with the residual inside.

Each wraps the plain part, which keeps the weights: what is done to them is followed here.
"""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from skencoder.encoder.attention import SelfAttention
from skencoder.encoder.feed_forward import FeedForward, GatedFeedForward
from skencoder.encoder.layer import PostNorm, PreNorm
from skencoder.encoder.matmul_attention import attend_into
from skencoder.encoder.packed.maps import Map, MapMaker
from skencoder.encoder.scope import Scope


class Computation(Protocol):
    """What a sublayer adds to its residual, made of maps."""

    def __call__(self, seen: Tensor, residual: Tensor, *context: Any) -> Tensor:
        """Compute from what is seen and add it to the residual, both (tokens, hidden)."""


class PackedSublayer(nn.Module):
    """A plain sublayer, computed on packed copies of its weights.

    Parameters
    ----------
    plain : nn.Module
        Keeps the weights.
    lay_out : callable
        Makes the computation from the plain sublayer as it is now.
    """

    def __init__(self, plain: nn.Module, lay_out: Callable[[Any], Computation]) -> None:
        super().__init__()
        self.plain = plain
        self.lay_out = lay_out
        self.register_load_state_dict_post_hook(_lay_out_again)  # type: ignore[no-untyped-call]
        self.compute = lay_out(plain)

    def forward(self, seen: Tensor, residual: Tensor, *context: Any) -> Tensor:
        """Compute and add.

        Parameters
        ----------
        seen : float of shape (tokens, hidden)
            What the sublayer sees.
        residual : float of shape (tokens, hidden)
            What its output is added to.
        *context : object
            What else the sublayer takes.

        Returns
        -------
        float of shape (tokens, hidden)
            The sum.

        Raises
        ------
        RuntimeError
            If the weights are to be trained: the packed ones have no gradient.
        """
        if torch.is_grad_enabled() and any(p.requires_grad for p in self.plain.parameters()):
            raise RuntimeError(
                "This encoder is packed for inference and cannot be trained; load one with "
                "skencoder.checkpoints.load_checkpoint, which is not."
            )
        return self.compute(seen, residual, *context)

    def weights(self, seen: Tensor, scope: Scope) -> list[Tensor]:
        """Say how much every token gathers from every other, by the plain formula.

        Parameters
        ----------
        seen : float of shape (tokens, hidden)
            What the sublayer sees.
        scope : Scope
            Where each text begins, who sees whom, and how distance counts.

        Returns
        -------
        list of float tensors of shape (heads, sequence, sequence)
            One per text.
        """
        # Rows below the tokens only fill the kernels up.
        tokens = seen[: scope.boundaries.n_tokens]
        weights: list[Tensor] = self.plain.weights(tokens, scope)  # type: ignore[operator]
        return weights

    # What follows keeps the packed weights in step with the plain ones, whatever is done to them.

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "PackedSublayer":
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.compute = self.lay_out(self.plain)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return PackedSublayer, (self.plain, self.lay_out)


def _lay_out_again(module: nn.Module, _: Any) -> None:
    if isinstance(module, PackedSublayer):
        module.compute = module.lay_out(module.plain)


def add_inside(block: PostNorm | PreNorm, seen: Tensor, residual: Tensor, *context: Any) -> Tensor:
    """Run a block's packed sublayer, whose last map adds the residual.

    Parameters
    ----------
    block : PostNorm or PreNorm
        Its sublayer is a `PackedSublayer`; nothing is dropped in inference.
    seen : float of shape (tokens, hidden)
        What the sublayer sees.
    residual : float of shape (tokens, hidden)
        What is added.
    *context : object
        What else the sublayer takes.

    Returns
    -------
    float of shape (tokens, hidden)
        The sum.
    """
    added: Tensor = block.sublayer(seen, residual, *context)
    return added


class AttentionOnMaps:
    """Multi-head self-attention with one product for queries, keys and values.

    Parameters
    ----------
    plain : SelfAttention
        As it is now.
    make_map : callable
        Lays out linears.
    fused_in : torch.dtype or None
        In what torch's fused kernel attends to long texts; None is what the maps give.
    """

    def __init__(
        self, plain: SelfAttention, make_map: MapMaker, fused_in: torch.dtype | None
    ) -> None:
        self.project = make_map([plain.query, plain.key, plain.value])
        self.output: Map = make_map([plain.output])
        self.head_dim = plain.head_dim
        widths = (linear.out_features for linear in (plain.query, plain.key, plain.value))
        self.heads = [width // plain.head_dim for width in widths]
        self.fused_in = fused_in

    def __call__(self, seen: Tensor, residual: Tensor, scope: Scope) -> Tensor:
        """Mix the tokens of each text and add the residual, both (tokens, hidden)."""
        tokens = scope.boundaries.n_tokens
        projected = self.project(seen)[:tokens]
        # (tokens, heads * head_dim) -> (tokens, heads, head_dim), queries, keys and values apart
        query, key, value = projected.unflatten(1, (-1, self.head_dim)).split(self.heads, dim=1)
        context = query.new_empty(len(seen), *query.shape[1:])
        context[tokens:] = 0
        parts = scope.rotate(query), scope.rotate(key), value
        attend_into(context[:tokens], parts, scope, self.fused_in or query.dtype)
        return self.output.add(context.flatten(1), residual)


class FeedForwardOnMaps:
    """``r + W_2 act(W_1 h + b_1) + b_2`` in two calls.

    Parameters
    ----------
    plain : FeedForward
        As it is now.
    make_map : callable
        Lays out linears.
    """

    def __init__(self, plain: FeedForward, make_map: MapMaker) -> None:
        self.expand = make_map([_linear(plain.expand)], plain.activation_name)
        self.contract = make_map([_linear(plain.contract)])

    def __call__(self, seen: Tensor, residual: Tensor) -> Tensor:
        """Transform each row and add the residual, both (tokens, hidden)."""
        return self.contract.add(self.expand(seen), residual)


class GatedFeedForwardOnMaps:
    """``r + W_2 (act(W_g h) * W_1 h)``.

    Parameters
    ----------
    plain : GatedFeedForward
        As it is now.
    make_map : callable
        Lays out linears.
    """

    def __init__(self, plain: GatedFeedForward, make_map: MapMaker) -> None:
        self.gate = make_map([_linear(plain.gate)], plain.activation_name)
        self.expand = make_map([_linear(plain.expand)])
        self.contract = make_map([_linear(plain.contract)])

    def __call__(self, seen: Tensor, residual: Tensor) -> Tensor:
        """Transform each row and add the residual, both (tokens, hidden)."""
        return self.contract.add(self.gate(seen).mul_(self.expand(seen)), residual)


def _linear(module: nn.Module) -> nn.Linear:
    if not isinstance(module, nn.Linear):
        raise TypeError(f"Only linear maps can be packed; got {type(module).__name__}.")
    return module
