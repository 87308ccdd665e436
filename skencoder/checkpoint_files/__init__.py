"""A checkpoint's files, without torch: where they are, what its authors set, what identifies it.

A process that finds every vector in the cache needs no more than this room of a model.
"""

from skencoder.checkpoint_files.identity import CheckpointFiles, read_checkpoint_files
from skencoder.checkpoint_files.locate import MODEL_PACKAGES, ModelPackage, locate_checkpoint
from skencoder.checkpoint_files.modules import Modules, read_modules
from skencoder.checkpoint_files.sentence import (
    OLD_POOLING_NAMES,
    OWN_FIELD,
    POOLING_NAMES,
    SIMILARITY_NAMES,
    SentenceSettings,
    read_sentence_settings,
)
from skencoder.checkpoint_files.weight_files import WEIGHTS_FILE, find_weights

__all__ = [
    "MODEL_PACKAGES",
    "OLD_POOLING_NAMES",
    "OWN_FIELD",
    "POOLING_NAMES",
    "SIMILARITY_NAMES",
    "WEIGHTS_FILE",
    "CheckpointFiles",
    "ModelPackage",
    "Modules",
    "SentenceSettings",
    "find_weights",
    "locate_checkpoint",
    "read_checkpoint_files",
    "read_modules",
    "read_sentence_settings",
]
