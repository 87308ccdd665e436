"""The Transformer encoder itself, in torch.

Reading order: packing, embeddings, scope, positions, attention, feed_forward, layer, stack,
masked_lm, pooling, projection, similarity; config and build say which parts a configuration names.
Elsewhere on purpose: weights from files (`skencoder.checkpoints`), text
(`skencoder.tokenization`, `skencoder.text_encoder`).
"""

from skencoder.encoder.attention import (
    SelfAttention,
    attention_weights,
    reference_attention,
    run_attention,
)
from skencoder.encoder.config import Alibi, EncoderConfig, RelativeBias, Rotary
from skencoder.encoder.embeddings import Embeddings
from skencoder.encoder.feed_forward import ACTIVATIONS, FeedForward, GatedFeedForward
from skencoder.encoder.layer import EncoderLayer, PostNorm, PreNorm
from skencoder.encoder.masked_lm import HeadConfig, MaskedLM, MaskedLMHead
from skencoder.encoder.packing import Boundaries
from skencoder.encoder.pooling import POOLINGS, pool, skip_tokens
from skencoder.encoder.positions import (
    AlibiPositions,
    LearnedPositions,
    RelativePositions,
    RotaryPositions,
    SinusoidalPositions,
)
from skencoder.encoder.prepacked import PrepackedLinear, can_prepack, plain_state, prepack
from skencoder.encoder.projection import PROJECTION_ACTIVATIONS, Projection, projection_widths
from skencoder.encoder.scope import Scope
from skencoder.encoder.similarity import SIMILARITIES
from skencoder.encoder.stack import Encoder, EncoderOutput, resolve_layer

__all__ = [
    "ACTIVATIONS",
    "POOLINGS",
    "PROJECTION_ACTIVATIONS",
    "SIMILARITIES",
    "Alibi",
    "AlibiPositions",
    "Boundaries",
    "Embeddings",
    "Encoder",
    "EncoderConfig",
    "EncoderLayer",
    "EncoderOutput",
    "FeedForward",
    "GatedFeedForward",
    "HeadConfig",
    "LearnedPositions",
    "MaskedLM",
    "MaskedLMHead",
    "PostNorm",
    "PreNorm",
    "PrepackedLinear",
    "Projection",
    "RelativeBias",
    "RelativePositions",
    "Rotary",
    "RotaryPositions",
    "Scope",
    "SelfAttention",
    "SinusoidalPositions",
    "attention_weights",
    "can_prepack",
    "plain_state",
    "pool",
    "prepack",
    "projection_widths",
    "reference_attention",
    "resolve_layer",
    "run_attention",
    "skip_tokens",
]
