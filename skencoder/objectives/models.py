"""The models that learn: as they were published, with a head, or smaller."""

import os
import shutil
import warnings
import weakref
from dataclasses import replace
from pathlib import Path

import torch

from skencoder.distillation import distill_static
from skencoder.encoder import Encoder, MaskedLM
from skencoder.errors import CheckpointError, TrainingWarning
from skencoder.frames import user_stacklevel
from skencoder.training.new_heads import add_head
from skencoder.training.parts import Parts, load_parts
from skencoder.training.students import fewer_layers, narrower


def open_as_it_is(model: str, seed: int) -> Parts:
    """Give the model as it was published.

    Parameters
    ----------
    model : str
        Name or folder of the checkpoint it begins as.
    seed : int
        Of weights that are new; there are none.

    Returns
    -------
    Parts
        Float32, on the CPU.

    Raises
    ------
    CheckpointError
        If it is not there, is damaged, or is not computed by this package.
    """
    return load_parts(model)


def open_with_head(model: str, seed: int) -> Parts:
    """Give the model with a head that guesses tokens; where it was published without, a new one.

    Parameters
    ----------
    model : str
        Name or folder of the checkpoint it begins as.
    seed : int
        Of a new head's weights.

    Returns
    -------
    Parts
        Its model is a MaskedLM, float32, on the CPU.

    Raises
    ------
    CheckpointError
        If it is not there, is damaged, is not computed by this package, or is static.

    Warns
    -----
    TrainingWarning
        If the head is new.
    """
    parts = load_parts(model, with_head=True)
    if isinstance(parts.model, MaskedLM):
        return parts
    if not isinstance(parts.model, Encoder):
        raise CheckpointError(
            f"{model!r} is a static model: a table without layers cannot guess masked tokens."
        )
    warnings.warn(
        f"{model!r} was published without the head that guesses masked tokens. A new one begins "
        f"with random weights and is learned too, so that at first the encoder is pulled about; "
        f"more steps, or the model that this one was made from, help.",
        TrainingWarning,
        stacklevel=user_stacklevel(),
    )
    generator = torch.Generator().manual_seed(seed % 2**63)
    return replace(parts, model=add_head(parts.model, generator=generator))


def open_student(
    model: str, *, num_hidden_layers: int | None, hidden_size: int | None, static: bool
) -> Parts:
    """Give a smaller model, made of another one's weights.

    Parameters
    ----------
    model : str
        Name or folder of the model it is made of.
    num_hidden_layers : int or None
        Layers to keep; None keeps all.
    hidden_size : int or None
        Dimensions to keep; None keeps all.
    static : bool
        Whether it is a table of token vectors.

    Returns
    -------
    Parts
        Float32, on the CPU.

    Raises
    ------
    CheckpointError
        If the model cannot be made smaller in this way.
    ParameterError
        If a size does not fit the model.
    """
    if static:
        return _open_static(model)
    parts = load_parts(model)
    if num_hidden_layers is None and hidden_size is None:
        return parts
    if not isinstance(parts.model, Encoder):
        raise CheckpointError(f"{model!r} is a static model: it has no layers to leave out.")
    encoder = parts.model
    if num_hidden_layers is not None:
        encoder = fewer_layers(encoder, num_hidden_layers)
    if hidden_size is None:
        return replace(parts, model=encoder)
    # Maps after pooling take vectors of the old width.
    narrow = narrower(encoder, hidden_size)
    return replace(parts, model=narrow, projection=None)


def _open_static(model: str) -> Parts:
    folder = Path(distill_static(model, n_components=None).source.model)
    parts = load_parts(folder)
    # The tokenizer's files are needed as long as the model is.
    weakref.finalize(parts.model, _remove, folder, os.getpid())
    return parts


def _remove(folder: Path, owner: int) -> None:
    # A child made by fork inherits the duty, but not the folder.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
