"""Loading a checkpoint: the one function that puts the other files of this room together."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from skencoder.checkpoints.bert import BERT_FAMILY
from skencoder.checkpoints.family import Family
from skencoder.checkpoints.files import file_sha256, read_json
from skencoder.checkpoints.locate import locate_checkpoint
from skencoder.checkpoints.sentence import SentenceSettings, read_sentence_settings
from skencoder.checkpoints.weights import WEIGHTS_FILE, load_encoder
from skencoder.encoder import Encoder
from skencoder.errors import CheckpointError

FAMILIES: dict[str, Family] = {"bert": BERT_FAMILY}
TOKENIZER_FILE = "tokenizer.json"


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint.

    Parameters
    ----------
    encoder : Encoder
        In evaluation mode, float32, on the CPU.
    tokenizer_file : Path
        Its ``tokenizer.json``.
    settings : SentenceSettings
        Pooling, unit length, limits and prompts of its authors.
    fingerprint : str
        SHA-256 over configuration, weights, tokenizer and settings, 64 hexadecimal digits.
    """

    encoder: Encoder
    tokenizer_file: Path
    settings: SentenceSettings
    fingerprint: str


def load_checkpoint(name: str | Path) -> Checkpoint:
    """Load a checkpoint in the published layout.

    Parameters
    ----------
    name : str or Path
        A folder, the name of an installed model package, or a hub id.

    Returns
    -------
    Checkpoint
        Encoder, tokenizer file, settings and fingerprint.

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
    folder = locate_checkpoint(name)
    fields = read_json(folder / "config.json")
    family = _find_family(fields.get("model_type"), folder / "config.json")
    config = family.read_config(fields, folder / "config.json")
    tokenizer_file = folder / TOKENIZER_FILE
    if not tokenizer_file.is_file():
        raise CheckpointError(f"{tokenizer_file} is missing; the tokenizer is read from it.")
    settings = read_sentence_settings(folder)
    return Checkpoint(
        encoder=load_encoder(folder, config, family),
        tokenizer_file=tokenizer_file,
        settings=settings,
        fingerprint=_fingerprint(folder, settings),
    )


def _find_family(model_type: object, path: Path) -> Family:
    family = FAMILIES.get(str(model_type))
    if family is None:
        raise CheckpointError(
            f"{path} has model_type={model_type!r}; supported are {', '.join(sorted(FAMILIES))}."
        )
    return family


def _fingerprint(folder: Path, settings: SentenceSettings) -> str:
    names = ("config.json", WEIGHTS_FILE, TOKENIZER_FILE)
    hashes = "".join(file_sha256(folder / name) for name in names)
    return hashlib.sha256(f"{hashes}{settings!r}".encode()).hexdigest()
