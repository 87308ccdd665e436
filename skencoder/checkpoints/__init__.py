"""A name becomes an encoder with its tokenizer folder and sentence settings, and back.

Nothing from a checkpoint is executed, unless the caller trusts its code: JSON, safetensors, and of
a pickle its tensors only.
"""

from skencoder.checkpoint_files import (
    MODEL_PACKAGES,
    ModelPackage,
    SentenceSettings,
    locate_checkpoint,
)
from skencoder.checkpoints.checkpoint import Checkpoint, load_checkpoint, load_masked_lm
from skencoder.checkpoints.fallback import TransformersEncoder
from skencoder.checkpoints.families import FAMILIES
from skencoder.checkpoints.family import Family
from skencoder.checkpoints.save import save_checkpoint
from skencoder.checkpoints.writable import check_can_be_written, writable_model

__all__ = [
    "FAMILIES",
    "MODEL_PACKAGES",
    "Checkpoint",
    "Family",
    "ModelPackage",
    "SentenceSettings",
    "TransformersEncoder",
    "check_can_be_written",
    "load_checkpoint",
    "load_masked_lm",
    "locate_checkpoint",
    "save_checkpoint",
    "writable_model",
]
