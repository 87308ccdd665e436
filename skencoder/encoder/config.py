"""What an encoder is made of, as plain data. How it is computed stands in the other files."""

from dataclasses import dataclass
from typing import Literal

PositionKind = Literal["learned", "sinusoidal"]
NormPosition = Literal["post", "pre"]
Activation = Literal["gelu", "gelu_tanh", "relu"]


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
    intermediate_size : int, default=1536
        Width between the two matrices of the feed-forward block.
    hidden_act : {"gelu", "gelu_tanh", "relu"}, default="gelu"
        Activation between the two matrices; "gelu" is the exact (erf) form.
    max_position_embeddings : int, default=512
        Longest text in tokens.
    type_vocab_size : int, default=2
        Rows of the segment table; 0 leaves the table out.
    layer_norm_eps : float, default=1e-12
        Added to the variance inside every layer norm.
    positions : {"learned", "sinusoidal"}, default="learned"
        How a token knows its place.
    norm_position : {"post", "pre"}, default="post"
        Layer norm after each residual sum (the original) or before each block.

    Raises
    ------
    ValueError
        If a size is not positive or the heads do not divide the width.
    """

    vocab_size: int
    hidden_size: int = 384
    num_hidden_layers: int = 6
    num_attention_heads: int = 12
    intermediate_size: int = 1536
    hidden_act: Activation = "gelu"
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    positions: PositionKind = "learned"
    norm_position: NormPosition = "post"

    def __post_init__(self) -> None:
        for name in _SIZES:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a positive integer; got {value!r}.")
        if not isinstance(self.type_vocab_size, int) or self.type_vocab_size < 0:
            raise ValueError(f"type_vocab_size must be 0 or more; got {self.type_vocab_size!r}.")
        if not isinstance(self.layer_norm_eps, float | int) or self.layer_norm_eps <= 0:
            raise ValueError(f"layer_norm_eps must be positive; got {self.layer_norm_eps!r}.")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name} must be one of {', '.join(choices)}; got {getattr(self, name)!r}."
                )
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size must be a multiple of num_attention_heads; "
                f"got {self.hidden_size} and {self.num_attention_heads}."
            )

    @property
    def head_dim(self) -> int:
        """Dimensions each head works on."""
        return self.hidden_size // self.num_attention_heads


_SIZES = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
)
_CHOICES = {
    "positions": ("learned", "sinusoidal"),
    "norm_position": ("post", "pre"),
    "hidden_act": ("gelu", "gelu_tanh", "relu"),
}
