"""Loading a checkpoint: the one file that puts the others of this room together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from skencoder.checkpoint_files import (
    SentenceSettings,
    locate_checkpoint,
    read_checkpoint_files,
    read_modules,
)
from skencoder.checkpoints.dense import load_projection
from skencoder.checkpoints.fallback import TransformersEncoder, load_transformers_encoder
from skencoder.checkpoints.families import FAMILIES
from skencoder.checkpoints.static import load_static_encoder
from skencoder.checkpoints.weights import load_encoder, load_head, load_with_head
from skencoder.encoder import Encoder, MaskedLM, StaticEncoder, projection_widths
from skencoder.errors import CheckpointError
from skencoder.files import read_json, read_optional_json


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint.

    Parameters
    ----------
    encoder : Encoder, TransformersEncoder or StaticEncoder
        In evaluation mode, float32, on the CPU.
    folder : Path
        Where its configuration, weights and tokenizer lie.
    settings : SentenceSettings
        Pooling, unit length, limits and prompts of its authors.
    projection : nn.Sequential or None
        Linear maps of its authors after pooling, if there are any.
    fingerprint : str
        SHA-256 over configuration, weights, tokenizer and settings, 64 hexadecimal digits.
    model_type : str
        Its family, as ``config.json`` names it; "StaticEmbedding" where there is none.
    special_ids : mapping of str to int
        What ``config.json`` says of special tokens, such as ``pad_token_id``.
    masked_lm : MaskedLM or None
        The same encoder with its masked-language-model head, where that was asked for and is
        there.
    """

    encoder: Encoder | TransformersEncoder | StaticEncoder
    folder: Path
    settings: SentenceSettings
    projection: nn.Sequential | None
    fingerprint: str
    model_type: str
    special_ids: Mapping[str, int] = field(default_factory=dict)
    masked_lm: MaskedLM | None = None


def load_checkpoint(
    name: str | Path, *, trust_remote_code: bool = False, with_head: bool = False
) -> Checkpoint:
    """Load a checkpoint in the published layout.

    Parameters
    ----------
    name : str or Path
        A folder, the name of an installed model package, or a hub id.
    trust_remote_code : bool, default=False
        Whether code from the checkpoint may be run, for an architecture or a variant that this
        package does not compute. It can do whatever you can do.
    with_head : bool, default=False
        Whether its masked-language-model head is loaded too, where there is one.

    Returns
    -------
    Checkpoint
        Encoder, folder, settings and fingerprint.

    Raises
    ------
    CheckpointNotFoundError
        If there is no such checkpoint.
    CheckpointError
        If a file is missing, damaged, or asks for something that is not computed here.

    Examples
    --------
    >>> from skencoder.checkpoints import load_checkpoint
    >>> checkpoint = load_checkpoint("all-MiniLM-L6-v2")
    >>> checkpoint.encoder.config.num_hidden_layers, checkpoint.settings.pooling
    (6, 'mean')
    """
    files = read_checkpoint_files(name, trust_remote_code=trust_remote_code)
    modules, settings = files.modules, files.settings
    model: Encoder | MaskedLM | TransformersEncoder | StaticEncoder
    path = modules.transformer / "config.json"
    if modules.static:
        published = {"model_type": "StaticEmbedding"} | read_optional_json(path)
        model = load_static_encoder(modules.transformer)
    else:
        published = read_json(path)
        model = _load_model(path, published, trust_remote_code, with_head)
    masked_lm = model if isinstance(model, MaskedLM) else None
    encoder = model.encoder if isinstance(model, MaskedLM) else model
    projection = load_projection(modules)
    _check_widths(encoder.config.hidden_size, settings, projection, files.folder)
    return Checkpoint(
        encoder=encoder,
        folder=modules.transformer,
        settings=settings,
        projection=projection,
        fingerprint=files.fingerprint,
        model_type=str(published.get("model_type")),
        special_ids=read_special_ids(published),
        masked_lm=masked_lm,
    )


def read_special_ids(published: Mapping[str, Any]) -> dict[str, int]:
    """Pick the ids of special tokens out of ``config.json``.

    Parameters
    ----------
    published : mapping
        The file's fields.

    Returns
    -------
    dict of str to int
        Such as ``pad_token_id``.
    """
    return {
        name: value
        for name, value in published.items()
        if name.endswith("_token_id") and isinstance(value, int)
    }


def load_masked_lm(name: str | Path) -> MaskedLM:
    """Load an encoder with its masked-language-model head.

    Parameters
    ----------
    name : str or Path
        A folder, the name of an installed model package, or a hub id.

    Returns
    -------
    MaskedLM
        In evaluation mode, float32, on the CPU.

    Raises
    ------
    CheckpointNotFoundError
        If there is no such checkpoint.
    HeadNotFoundError
        If it has no such head.
    CheckpointError
        If a file is missing, damaged, or asks for something that is not computed here.
    """
    folder = read_modules(locate_checkpoint(name)).transformer
    path = folder / "config.json"
    published = read_json(path)
    model_type = published.get("model_type")
    family = FAMILIES.get(str(model_type))
    if family is None:
        raise CheckpointError(
            f"{path} has model_type={model_type!r}; heads are loaded of {', '.join(FAMILIES)}."
        )
    config, head = family.read_config(published, path), family.read_head(published, path)
    return load_head(folder, config, head, family)


def _load_model(
    path: Path, published: Mapping[str, Any], trust_remote_code: bool, with_head: bool
) -> Encoder | MaskedLM | TransformersEncoder:
    family = FAMILIES.get(str(published.get("model_type")))
    if family is None:
        return load_transformers_encoder(path, published, trust_remote_code)
    try:
        config = family.read_config(published, path)
    except CheckpointError as error:
        if "auto_map" not in published:
            raise
        if not trust_remote_code:
            raise CheckpointError(
                f"{error} Its folder brings code of its own for that, which is run only if you "
                f"trust it: TextEncoder.load(..., trust_remote_code=True)."
            ) from error
        return load_transformers_encoder(path, published, trust_remote_code)
    if not with_head:
        return load_encoder(path.parent, config, family)
    return load_with_head(path.parent, config, family.read_head(published, path), family)


def _check_widths(
    hidden_size: int, settings: SentenceSettings, projection: nn.Sequential | None, folder: Path
) -> None:
    width = hidden_size * len(settings.pooling.split("+"))
    if projection is not None:
        widths = projection_widths(projection)
        taken, given = widths[0][0], widths[-1][1]
        if taken != width:
            raise CheckpointError(
                f"{folder} has a Dense module that takes {taken} dimensions (in_features), but "
                f"its pooling {settings.pooling} gives {width}."
            )
        width = given
    if (settings.truncate_dim or 0) > width:
        raise CheckpointError(
            f"{folder / 'config_sentence_transformers.json'} has truncate_dim="
            f"{settings.truncate_dim}, but the vectors have {width} dimensions."
        )
