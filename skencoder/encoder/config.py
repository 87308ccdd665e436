"""What an encoder is made of, as plain data. How it is computed stands in the other files."""

import math
from dataclasses import dataclass
from typing import Literal

PositionKind = Literal["none", "learned", "sinusoidal"]
NormPosition = Literal["post", "pre"]
NormKind = Literal["layer", "rms"]
Activation = Literal["gelu", "gelu_tanh", "relu", "silu"]


@dataclass(frozen=True, kw_only=True)
class Rotary:
    """Positions that turn queries and keys.

    Parameters
    ----------
    theta : float, default=10000
        Base of the wavelengths; larger reaches further.
    local_theta : float or None, default=None
        The same for layers with a window; None takes ``theta``.
    dim : int or None, default=None
        Dimensions of a head that are turned, an even number; None turns all.
    scale : float, default=1
        Positions are divided by it, to reach further than in training.
    """

    theta: float = 10000.0
    local_theta: float | None = None
    dim: int | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        for name in ("theta", "local_theta", "scale"):
            value = getattr(self, name)
            if value is not None and not _is_positive(value):
                raise ValueError(f"rotary {name} must be positive; got {value!r}.")
        if self.dim is not None and (not _is_count(self.dim) or self.dim % 2):
            raise ValueError(f"rotary dim must be a positive even number; got {self.dim!r}.")


@dataclass(frozen=True, kw_only=True)
class RelativeBias:
    """Positions that add a trained number to each score, by distance.

    Parameters
    ----------
    num_buckets : int, default=32
        Numbers per head, half of them for each direction; an even number from 4 on.
    max_distance : int, default=128
        From this distance on all share one number, in tokens.
    """

    num_buckets: int = 32
    max_distance: int = 128

    def __post_init__(self) -> None:
        if not _is_count(self.num_buckets) or self.num_buckets < 4 or self.num_buckets % 2:  # noqa: PLR2004
            raise ValueError(
                f"num_buckets must be an even number from 4 on; got {self.num_buckets!r}."
            )
        if not _is_count(self.max_distance) or self.max_distance <= self.num_buckets // 4:
            raise ValueError(
                f"max_distance must be above num_buckets / 4; got {self.max_distance!r}."
            )


@dataclass(frozen=True, kw_only=True)
class Alibi:
    """Positions that subtract from each score in proportion to distance; nothing is trained."""


AttentionPositions = Rotary | RelativeBias | Alibi


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Sizes and choices of a Transformer encoder, named as in published checkpoints.

    Parameters
    ----------
    vocab_size : int
        Rows of the token embedding table.
    hidden_size : int, default=384
        Width of every token vector; a multiple of ``num_attention_heads``.
    num_hidden_layers : int, default=6
        Layers in the stack.
    num_attention_heads : int, default=12
        Heads per layer; each works on ``hidden_size / num_attention_heads`` dimensions.
    num_key_value_heads : int or None, default=None
        Heads of keys and values, each shared by a group of query heads; None is one for each.
    intermediate_size : int, default=1536
        Width between the matrices of the feed-forward block.
    hidden_act : {"gelu", "gelu_tanh", "relu", "silu"}, default="gelu"
        Activation of the feed-forward block; "gelu" is the exact (erf) form.
    gated : bool, default=False
        Whether the activated half multiplies a second, linear one (GEGLU, SwiGLU).
    max_position_embeddings : int, default=512
        Longest text in tokens.
    positions : {"learned", "sinusoidal", "none"}, default="learned"
        What is added to the token vectors at the input.
    attention_positions : Rotary, RelativeBias, Alibi or None, default=None
        How distance counts inside attention.
    pad_token_id : int or None, default=None
        RoBERTa's way to count learned positions: from ``pad_token_id + 1``, this token skipped.
        None counts from 0.
    windows : tuple of (int or None) of length num_hidden_layers, or None, default=None
        How far each layer's attention reaches to either side, in tokens; None is the whole text.
    type_vocab_size : int, default=2
        Rows of the segment table; 0 leaves the table out.
    embedding_size : int or None, default=None
        Width of the tables where it is not ``hidden_size``; a linear map leads to it.
    num_hidden_groups : int or None, default=None
        Layers with weights of their own; neighbours share them. None gives each its own.
    norm : {"layer", "rms"}, default="layer"
        Layer norm or root-mean-square norm.
    norm_position : {"post", "pre"}, default="post"
        Norm after each residual sum (the original) or before each block.
    embedding_norm : bool or None, default=None
        Whether the embeddings are normalised; None is what the original of each
        ``norm_position`` does, post yes and pre no.
    layer_norm_eps : float, default=1e-12
        Added to the variance inside every norm.
    unbiased : tuple of str, default=()
        Parts without a bias: "attention", "expand", "contract" (feed-forward), "norm".
    hidden_dropout_prob : float, default=0.1
        Part of the dimensions zeroed in training after the embeddings and each block.
    attention_probs_dropout_prob : float, default=0.1
        Part of the attention weights zeroed in training.

    Raises
    ------
    ValueError
        If a size is not positive, the heads do not divide the width, or parts do not fit.
    """

    vocab_size: int
    hidden_size: int = 384
    num_hidden_layers: int = 6
    num_attention_heads: int = 12
    num_key_value_heads: int | None = None
    intermediate_size: int = 1536
    hidden_act: Activation = "gelu"
    gated: bool = False
    max_position_embeddings: int = 512
    positions: PositionKind = "learned"
    attention_positions: AttentionPositions | None = None
    pad_token_id: int | None = None
    windows: tuple[int | None, ...] | None = None
    type_vocab_size: int = 2
    embedding_size: int | None = None
    num_hidden_groups: int | None = None
    norm: NormKind = "layer"
    norm_position: NormPosition = "post"
    embedding_norm: bool | None = None
    layer_norm_eps: float = 1e-12
    unbiased: tuple[str, ...] = ()
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1

    def __post_init__(self) -> None:
        self._check_sizes()
        self._check_choices()
        self._check_fit()

    def _check_sizes(self) -> None:
        for name in _SIZES:
            if not _is_count(getattr(self, name)):
                raise ValueError(
                    f"{name} must be a positive integer; got {getattr(self, name)!r}."
                )
        if self.num_hidden_layers > MOST_LAYERS:
            raise ValueError(
                f"num_hidden_layers must be at most {MOST_LAYERS}; got {self.num_hidden_layers}."
            )
        for name in _OPTIONAL_SIZES:
            if getattr(self, name) is not None and not _is_count(getattr(self, name)):
                raise ValueError(
                    f"{name} must be a positive integer or None; got {getattr(self, name)!r}."
                )
        if self.type_vocab_size != 0 and not _is_count(self.type_vocab_size):
            raise ValueError(f"type_vocab_size must be 0 or more; got {self.type_vocab_size!r}.")
        if not _is_positive(self.layer_norm_eps):
            raise ValueError(f"layer_norm_eps must be positive; got {self.layer_norm_eps!r}.")
        for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
            value = getattr(self, name)
            if not isinstance(value, float | int) or not 0 <= value < 1:
                raise ValueError(f"{name} must lie in [0, 1); got {value!r}.")

    def _check_choices(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name} must be one of {', '.join(choices)}; got {getattr(self, name)!r}."
                )
        unknown = set(self.unbiased) - set(BIASED_PARTS)
        if unknown:
            raise ValueError(
                f"unbiased may name {', '.join(BIASED_PARTS)}; got {', '.join(sorted(unknown))}."
            )

    def _check_fit(self) -> None:
        _check_multiple(self, "hidden_size", "num_attention_heads")
        _check_multiple(self, "num_attention_heads", "num_key_value_heads")
        if self.windows is not None and (
            len(self.windows) != self.num_hidden_layers
            or not all(window is None or _is_count(window) for window in self.windows)
        ):
            raise ValueError(
                f"windows must name tokens or None for each of {self.num_hidden_layers} layers; "
                f"got {self.windows!r}."
            )
        if (self.num_hidden_groups or 1) > self.num_hidden_layers:
            raise ValueError(
                f"num_hidden_groups must be at most num_hidden_layers; "
                f"got {self.num_hidden_groups} and {self.num_hidden_layers}."
            )
        if isinstance(self.attention_positions, Rotary):
            turned = self.attention_positions.dim or self.head_dim
            if turned > self.head_dim or turned % 2:
                raise ValueError(
                    f"rotary positions turn an even number of a head's dimensions; "
                    f"got {turned} of {self.head_dim}."
                )

    @property
    def head_dim(self) -> int:
        """Dimensions each head works on."""
        return self.hidden_size // self.num_attention_heads

    @property
    def norms_embeddings(self) -> bool:
        """Whether the embeddings are normalised, "None" decided."""
        return self.norm_position == "post" if self.embedding_norm is None else self.embedding_norm

    def window(self, layer: int) -> int | None:
        """Say how far one layer's attention reaches.

        Parameters
        ----------
        layer : int
            Index of the layer, counted from 0.

        Returns
        -------
        int or None
            Tokens to either side; None is the whole text.
        """
        return None if self.windows is None else self.windows[layer]


# A size beyond this is a damaged file's, and would be met by memory or patience first.
LARGEST, MOST_LAYERS = 2**31 - 1, 1000
BIASED_PARTS = ("attention", "expand", "contract", "norm")
_SIZES = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
)
_OPTIONAL_SIZES = ("num_key_value_heads", "embedding_size", "num_hidden_groups")
_CHOICES = {
    "positions": ("learned", "sinusoidal", "none"),
    "norm": ("layer", "rms"),
    "norm_position": ("post", "pre"),
    "hidden_act": ("gelu", "gelu_tanh", "relu", "silu"),
}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST


def _is_positive(value: object) -> bool:
    return isinstance(value, float | int) and math.isfinite(value) and value > 0


def _check_multiple(config: EncoderConfig, name: str, divisor: str) -> None:
    if getattr(config, name) % (getattr(config, divisor) or 1):
        raise ValueError(
            f"{name} must be a multiple of {divisor}; "
            f"got {getattr(config, name)} and {getattr(config, divisor)}."
        )
