"""A name becomes an encoder with its tokenizer file and sentence settings.

Nothing from a checkpoint is ever executed or unpickled: JSON and safetensors only.
"""

from skencoder.checkpoints.checkpoint import FAMILIES, Checkpoint, load_checkpoint
from skencoder.checkpoints.family import Family
from skencoder.checkpoints.locate import MODEL_PACKAGES, ModelPackage, locate_checkpoint
from skencoder.checkpoints.sentence import SentenceSettings

__all__ = [
    "FAMILIES",
    "MODEL_PACKAGES",
    "Checkpoint",
    "Family",
    "ModelPackage",
    "SentenceSettings",
    "load_checkpoint",
    "locate_checkpoint",
]
