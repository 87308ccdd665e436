"""The Transformer encoder itself, in torch.

Reading order: packing, embeddings, positions, attention, feed_forward, layer, stack, pooling.
Elsewhere on purpose: weights from files (`skencoder.checkpoints`), text
(`skencoder.tokenization`, `skencoder.text_encoder`).
"""

from skencoder.encoder.attention import SelfAttention, reference_attention, run_attention
from skencoder.encoder.config import EncoderConfig
from skencoder.encoder.feed_forward import FeedForward
from skencoder.encoder.layer import EncoderLayer, PostNorm, PreNorm
from skencoder.encoder.packing import Boundaries
from skencoder.encoder.pooling import POOLINGS
from skencoder.encoder.positions import SinusoidalPositions, learned_positions
from skencoder.encoder.prepacked import PrepackedLinear, can_prepack, prepack
from skencoder.encoder.stack import Encoder

__all__ = [
    "POOLINGS",
    "Boundaries",
    "Encoder",
    "EncoderConfig",
    "EncoderLayer",
    "FeedForward",
    "PostNorm",
    "PreNorm",
    "PrepackedLinear",
    "SelfAttention",
    "SinusoidalPositions",
    "can_prepack",
    "learned_positions",
    "prepack",
    "reference_attention",
    "run_attention",
]
