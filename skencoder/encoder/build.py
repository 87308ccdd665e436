"""From a configuration to parts: which class a name stands for is decided here, once.

The parts know nothing of each other; how they are stacked stands in stack.py.
"""

from torch import nn

from skencoder.encoder.attention import SelfAttention
from skencoder.encoder.config import Alibi, EncoderConfig, RelativeBias, Rotary
from skencoder.encoder.embeddings import Embeddings
from skencoder.encoder.feed_forward import FeedForward, GatedFeedForward
from skencoder.encoder.layer import EncoderLayer, PostNorm, PreNorm
from skencoder.encoder.positions import (
    AlibiPositions,
    LearnedPositions,
    RelativePositions,
    RotaryPositions,
    SinusoidalPositions,
    empty_table,
)

RESIDUALS: dict[str, type[PostNorm] | type[PreNorm]] = {"post": PostNorm, "pre": PreNorm}


def build_norm(config: EncoderConfig, width: int) -> nn.Module:
    """Make a norm: layer norm or root-mean-square norm.

    ``(x - mean(x)) / sqrt(var(x) + eps) * g + b``, and ``x / sqrt(mean(x^2) + eps) * g``.

    Parameters
    ----------
    config : EncoderConfig
        Says which.
    width : int
        Dimensions that are normalised together.

    Returns
    -------
    nn.Module
        From (..., width) to the same.

    References
    ----------
    .. [1] Ba et al. (2016), Layer Normalization, arXiv:1607.06450, equation 4.
    .. [2] Zhang & Sennrich (2019), Root Mean Square Layer Normalization, arXiv:1910.07467.
    """
    if config.norm == "rms":
        return nn.RMSNorm(width, eps=config.layer_norm_eps)
    return nn.LayerNorm(width, eps=config.layer_norm_eps, bias="norm" not in config.unbiased)


def build_embeddings(config: EncoderConfig) -> Embeddings:
    """Make the bottom of the stack.

    Parameters
    ----------
    config : EncoderConfig
        Sizes and choices.

    Returns
    -------
    Embeddings
        Its tables are not initialised yet.
    """
    width = config.embedding_size or config.hidden_size
    types = config.type_vocab_size
    projected = config.embedding_size is not None
    return Embeddings(
        token=empty_table(config.vocab_size, width),
        token_type=empty_table(types, width) if types else None,
        positions=_build_input_positions(config, width),
        norm=build_norm(config, width) if config.norms_embeddings else nn.Identity(),
        projection=nn.Linear(width, config.hidden_size) if projected else nn.Identity(),
        dropout=nn.Dropout(config.hidden_dropout_prob),
    )


def _build_input_positions(config: EncoderConfig, width: int) -> nn.Module | None:
    if config.positions == "learned":
        return LearnedPositions(config.max_position_embeddings, width, config.pad_token_id)
    if config.positions == "sinusoidal":
        return SinusoidalPositions(config.max_position_embeddings, width)
    return None


def build_attention_positions(config: EncoderConfig) -> nn.Module:
    """Make what fills a `Scope` with distances.

    Parameters
    ----------
    config : EncoderConfig
        Sizes and choices.

    Returns
    -------
    nn.Module
        From a `Scope` to a `Scope`.
    """
    choice = config.attention_positions
    if isinstance(choice, Rotary):
        return RotaryPositions(choice, config.head_dim)
    if isinstance(choice, RelativeBias):
        heads = config.num_attention_heads
        return RelativePositions(choice.num_buckets, choice.max_distance, heads)
    if isinstance(choice, Alibi):
        return AlibiPositions(config.num_attention_heads)
    return nn.Identity()


def build_layer(config: EncoderConfig, index: int) -> EncoderLayer:
    """Make one layer.

    Parameters
    ----------
    config : EncoderConfig
        Sizes and choices.
    index : int
        Its place in the stack, counted from 0.

    Returns
    -------
    EncoderLayer
        Its linear maps are not initialised yet.
    """
    residual, dropout = RESIDUALS[config.norm_position], config.hidden_dropout_prob
    # Before the first block of a pre-norm stack, what was just normalised is not normalised again.
    plain_start = index == 0 and config.norm_position == "pre" and config.norms_embeddings
    first_norm = nn.Identity() if plain_start else build_norm(config, config.hidden_size)
    return EncoderLayer(
        attention=residual(_build_attention(config), first_norm, dropout),
        feed_forward=residual(
            _build_feed_forward(config), build_norm(config, config.hidden_size), dropout
        ),
    )


def _build_attention(config: EncoderConfig) -> SelfAttention:
    return SelfAttention(
        config.hidden_size,
        config.num_attention_heads,
        num_key_value_heads=config.num_key_value_heads,
        bias="attention" not in config.unbiased,
        dropout=config.attention_probs_dropout_prob,
    )


def _build_feed_forward(config: EncoderConfig) -> FeedForward | GatedFeedForward:
    hidden, intermediate = config.hidden_size, config.intermediate_size
    biased = "expand" not in config.unbiased
    expand = nn.Linear(hidden, intermediate, bias=biased)
    contract = nn.Linear(intermediate, hidden, bias="contract" not in config.unbiased)
    if not config.gated:
        return FeedForward(expand, contract, config.hidden_act)
    gate = nn.Linear(hidden, intermediate, bias=biased)
    return GatedFeedForward(gate, expand, contract, config.hidden_act)
