"""The Transformer encoder itself, in torch.

Reading order: packing, embeddings, scope, positions, attention, feed_forward, layer, stack,
masked_lm, pooling, projection, similarity, static; config and build say which parts a
configuration names. A CPU's own parts: matmul_attention, packed; a GPU's: kernels, ragged,
padded_attention, varlen_attention, fused, readout, buckets, graphs.
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
from skencoder.encoder.fused import fuse_for_gpu, gpu_attention
from skencoder.encoder.graphs import BucketedEncoder
from skencoder.encoder.layer import EncoderLayer, PostNorm, PreNorm
from skencoder.encoder.masked_lm import HeadConfig, MaskedLM, MaskedLMHead
from skencoder.encoder.matmul_attention import matmul_attention
from skencoder.encoder.packed import (
    can_prepack,
    is_packed,
    plain_state,
    prepack,
    quantize,
    why_not_int8,
)
from skencoder.encoder.packing import Boundaries
from skencoder.encoder.padded_attention import padded_attention
from skencoder.encoder.pooling import POOLINGS, pool, skip_tokens
from skencoder.encoder.positions import (
    AlibiPositions,
    LearnedPositions,
    RelativePositions,
    RotaryPositions,
    SinusoidalPositions,
)
from skencoder.encoder.projection import PROJECTION_ACTIVATIONS, Projection, projection_widths
from skencoder.encoder.readout import Readout, read_out
from skencoder.encoder.scope import Scope
from skencoder.encoder.similarity import SIMILARITIES
from skencoder.encoder.stack import Encoder, EncoderOutput, resolve_layer
from skencoder.encoder.static import NO_TOKEN, StaticConfig, StaticEncoder
from skencoder.encoder.varlen_attention import varlen_attention

__all__ = [
    "ACTIVATIONS",
    "NO_TOKEN",
    "POOLINGS",
    "PROJECTION_ACTIVATIONS",
    "SIMILARITIES",
    "Alibi",
    "AlibiPositions",
    "Boundaries",
    "BucketedEncoder",
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
    "Projection",
    "Readout",
    "RelativeBias",
    "RelativePositions",
    "Rotary",
    "RotaryPositions",
    "Scope",
    "SelfAttention",
    "SinusoidalPositions",
    "StaticConfig",
    "StaticEncoder",
    "attention_weights",
    "can_prepack",
    "fuse_for_gpu",
    "gpu_attention",
    "is_packed",
    "matmul_attention",
    "padded_attention",
    "plain_state",
    "pool",
    "prepack",
    "projection_widths",
    "quantize",
    "read_out",
    "reference_attention",
    "resolve_layer",
    "run_attention",
    "skip_tokens",
    "varlen_attention",
    "why_not_int8",
]
