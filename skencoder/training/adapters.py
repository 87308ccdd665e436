"""LoRA: an encoder is tuned by small matrices beside its linear maps, which stay as they are.

What the small matrices learn is merged into the maps at the end, so that saving and encoding know
nothing of them. How they are trained stands in the loop.
"""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import NamedTuple

import torch
from torch import nn

from skencoder.encoder import FeedForward, GatedFeedForward, SelfAttention, is_packed
from skencoder.errors import ParameterError
from skencoder.parameter_checks import check_count, check_finite, check_share
from skencoder.training.adapted_linear import AdaptedLinear

# What holds the linear maps of a layer.
BLOCKS = (SelfAttention, FeedForward, GatedFeedForward)


class _Place(NamedTuple):
    """A linear map of an encoder: its full name, what holds it, and under which name."""

    name: str
    block: nn.Module
    child: str

    @property
    def map(self) -> nn.Module:
        return self.block.get_submodule(self.child)


def add_adapters(
    encoder: nn.Module,
    *,
    rank: int = 8,
    alpha: float = 16.0,
    dropout: float = 0.0,
    targets: Sequence[str] = ("query", "value"),
    generator: torch.Generator,
) -> list[str]:
    """Put a trained matrix of low rank beside linear maps, and freeze everything else.

    Parameters
    ----------
    encoder : Encoder, or a module that holds one
        Changed in place. Layers that share their weights share the adapters.
    rank : int, default=8
        Rank of the addition; at most the smaller side of every map.
    alpha : float, default=16
        The addition is multiplied by ``alpha / rank``; above 0.
    dropout : float, default=0
        Part of the addition's input zeroed in training; below 1.
    targets : sequence of str, default=("query", "value")
        Which maps of each layer: of query, key, value, output (attention), expand, contract and,
        where the feed-forward block is gated, gate.
    generator : torch.Generator
        Draws the new matrices: a seed gives the same on every device.

    Returns
    -------
    list of str
        The maps' names in the encoder, in its order.

    Raises
    ------
    ParameterError
        If a parameter has an impossible value, there is no such map, its rank would be too large,
        it has an adapter already, or the encoder is packed. Nothing is changed then.

    See Also
    --------
    merge_adapters : Goes back to plain maps.

    References
    ----------
    .. [1] Hu et al. (2021), LoRA, arXiv:2106.09685, section 4.1.
    """
    check_count("rank", rank, at_least=1)
    if check_finite("alpha", alpha) <= 0:
        raise ParameterError(f"alpha must be above 0; got {alpha!r}.")
    if check_share("dropout", dropout) == 1:
        raise ParameterError("dropout must be below 1, or the adapters would see nothing.")
    if is_packed(encoder):
        raise ParameterError("A packed encoder cannot be trained; load it anew and in float32.")
    chosen = [(place, _checked(place, rank)) for place in _chosen(encoder, targets)]
    encoder.requires_grad_(False)
    for place, linear in chosen:
        adapted = AdaptedLinear(
            linear, rank=rank, scale=alpha / rank, dropout=dropout, generator=generator
        )
        setattr(place.block, place.child, adapted)
    return [place.name for place, _ in chosen]


def merge_adapters(encoder: nn.Module) -> None:
    """Put plain linear maps back that compute what the adapted ones did.

    Parameters
    ----------
    encoder : Encoder, or a module that holds one
        Changed in place; all its parameters are trainable afterwards. Without adapters that is all
        that happens.

    References
    ----------
    .. [1] Hu et al. (2021), LoRA, arXiv:2106.09685, section 4.1, on inference.
    """
    for place in _places(encoder):
        if isinstance(place.map, AdaptedLinear):
            setattr(place.block, place.child, place.map.merged())
    encoder.requires_grad_(True)


def _places(encoder: nn.Module) -> Iterator[_Place]:
    # A list: maps are exchanged on the way.
    for name, block in list(encoder.named_modules()):
        if isinstance(block, BLOCKS):
            prefix = f"{name}." if name else ""
            for child, _ in list(block.named_children()):
                yield _Place(prefix + child, block, child)


def _chosen(encoder: nn.Module, targets: Sequence[str]) -> list[_Place]:
    places = list(_places(encoder))
    known = sorted({place.child for place in places})
    if isinstance(targets, str) or not targets:
        raise ParameterError(
            f"targets must name at least one of {', '.join(known)}, in a tuple; got {targets!r}."
        )
    for target in targets:
        if target not in known:
            meant = get_close_matches(str(target), known, 1)
            hint = f" Did you mean {meant[0]!r}?" if meant else ""
            raise ParameterError(
                f"targets names {target!r}, but the layers have {', '.join(known)}.{hint}"
            )
    return [place for place in places if place.child in targets]


def _checked(place: _Place, rank: int) -> nn.Linear:
    linear = place.map
    if isinstance(linear, AdaptedLinear):
        raise ParameterError(f"{place.name} has an adapter already; call merge_adapters first.")
    # Not a subclass, whose other arithmetic would be lost.
    if type(linear) is not nn.Linear:
        raise ParameterError(
            f"{place.name} is a {type(linear).__name__}; only an nn.Linear can have an adapter."
        )
    smaller = min(linear.in_features, linear.out_features)
    if rank > smaller:
        raise ParameterError(
            f"rank={rank} is larger than the smaller side of {place.name}, {smaller}; choose a "
            f"rank of at most {smaller}."
        )
    return linear
