"""A checkpoint's parts, to be trained and to be written again."""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from skencoder.checkpoint_files import SentenceSettings
from skencoder.checkpoints import TransformersEncoder, load_checkpoint, save_checkpoint
from skencoder.encoder import Encoder, MaskedLM, StaticEncoder
from skencoder.errors import CheckpointError

if TYPE_CHECKING:
    from skencoder.training.added import Added


@dataclass(frozen=True)
class Parts:
    """What a checkpoint consists of.

    Parameters
    ----------
    model : Encoder, MaskedLM or StaticEncoder
        Float32, on the CPU.
    tokenizer_folder : Path
        Where its tokenizer's files lie.
    settings : SentenceSettings
        How a text becomes a vector.
    projection : nn.Sequential or None
        Linear maps after pooling.
    added : Added or None, default=None
        What was learned beside frozen weights; None where all of them were trained, or none.
    """

    model: Encoder | MaskedLM | StaticEncoder
    tokenizer_folder: Path
    settings: SentenceSettings
    projection: nn.Sequential | None
    added: "Added | None" = None

    def save(self, folder: Path) -> Path:
        """Write a checkpoint; it appears whole or not at all.

        Parameters
        ----------
        folder : Path
            Where to; it must not exist, or be empty.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        CheckpointError
            If the folder holds something, or no published family has all the parts.
        OSError
            If the disk is full or the folder cannot be written; nothing is left behind.
        """
        return save_checkpoint(
            folder,
            self.model,
            tokenizer_folder=self.tokenizer_folder,
            settings=self.settings,
            projection=self.projection,
        )


def load_parts(name: str | Path, *, with_head: bool = False) -> Parts:
    """Load a checkpoint's encoder for training.

    Parameters
    ----------
    name : str or Path
        A folder, the name of an installed model package, or a hub id.
    with_head : bool, default=False
        Whether its masked-language-model head is taken along, where there is one.

    Returns
    -------
    Parts
        Float32, on the CPU.

    Raises
    ------
    CheckpointError
        If it is not there, is damaged, or is not computed by this package.
    """
    checkpoint = load_checkpoint(name, with_head=with_head)
    if isinstance(checkpoint.encoder, TransformersEncoder):
        raise CheckpointError(
            f"{str(name)!r} has model_type={checkpoint.model_type!r}, which is computed by "
            f"transformers; only architectures that this package computes itself can be trained."
        )
    # Copies: what was loaded is mapped from the file.
    model = checkpoint.masked_lm or checkpoint.encoder
    model, projection = deepcopy((model, checkpoint.projection))
    return Parts(model, checkpoint.folder, checkpoint.settings, projection)
