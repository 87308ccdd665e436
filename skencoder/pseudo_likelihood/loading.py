"""A checkpoint becomes an encoder with its masked-LM head, on a device, or is refused.

A head is never made up: without trained weights every score would be noise.
"""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch

from skencoder.checkpoint_files import CheckpointFiles, read_checkpoint_files
from skencoder.checkpoints import Checkpoint, load_masked_lm
from skencoder.checkpoints.checkpoint import read_special_ids
from skencoder.devices import DTYPES, resolve_devices, resolve_precision
from skencoder.encoder import Encoder, MaskedLM, MaskedLMHead
from skencoder.engines import hire_workers
from skencoder.errors import CheckpointError, ParameterError
from skencoder.files import read_json
from skencoder.pseudo_likelihood.mask_token import find_mask_id
from skencoder.tokenization import TextTokenizer
from skencoder.vocabulary import check_vocabulary


@dataclass(frozen=True)
class LoadedMaskedLM:
    """An encoder with its head, ready to score.

    Parameters
    ----------
    name : str
        As it was asked for; for messages.
    encoder : Encoder
        On its device, in the precision asked for.
    head : MaskedLMHead
        On the same device, always float32: bfloat16 keeps two digits of a logit.
    tokenizer : TextTokenizer
        Of the same checkpoint.
    mask_id : int
        The mask's id.
    fingerprint : str
        SHA-256 over configuration, weights, tokenizer and settings.
    precision : str
        In what the encoder computes.
    """

    name: str
    encoder: Encoder
    head: MaskedLMHead
    tokenizer: TextTokenizer
    mask_id: int
    fingerprint: str
    precision: str

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.head.parameters()).device


def load_for_scoring(
    name: str | Path, *, precision: str = "float32", device: str = "auto"
) -> LoadedMaskedLM:
    """Load a checkpoint with its masked-language-model head.

    Parameters
    ----------
    name : str or Path
        A folder, the name of an installed model package, or a hub id.
    precision : {"float32", "bfloat16", "float16", "int8", "auto"}, default="float32"
        Of the encoder.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; auto takes the first GPU, else the CPU.

    Returns
    -------
    LoadedMaskedLM
        Ready to score.

    Raises
    ------
    CheckpointError
        If the checkpoint is not there, has no such head or no mask token, or cannot be used.
    DeviceError
        If this machine has no such device, or the device not this precision.
    ParameterError
        If precision or device has no such choice.
    """
    where = resolve_device(device)
    resolved = resolve_precision(precision, where)
    files = read_checkpoint_files(name)
    if files.modules.static:
        raise CheckpointError(
            f"{files.folder} is a static model, a table of token vectors: it has no masked-"
            f"language-model head and cannot guess a token from the others."
        )
    masked_lm = load_masked_lm(name)
    checkpoint = _describe(files, masked_lm)
    tokenizer = TextTokenizer.load(checkpoint.folder, lowercase=files.settings.lowercase)
    check_vocabulary(tokenizer, checkpoint)
    mask_id = find_mask_id(checkpoint.folder, tokenizer, checkpoint.special_ids)
    _check_mask_id(mask_id, checkpoint)
    encoder, head = _to_device(masked_lm, where, resolved)
    return LoadedMaskedLM(
        str(name), encoder, head, tokenizer, mask_id, checkpoint.fingerprint, resolved
    )


def resolve_device(device: str) -> torch.device:
    """Turn the name of one device into a device that is there.

    Parameters
    ----------
    device : str
        "cpu", "cuda", "cuda:1" or "mps"; auto takes the first GPU, else the CPU.

    Returns
    -------
    torch.device
        Where to compute.

    Raises
    ------
    DeviceError
        If this machine has no such device.
    ParameterError
        If it is not the name of one device.
    """
    devices = resolve_devices(device) if isinstance(device, str) else []
    if len(devices) != 1:
        raise ParameterError(
            f"device must name one device, such as 'cpu', 'cuda' or 'auto'; got {device!r}."
        )
    return devices[0]


def _describe(files: CheckpointFiles, masked_lm: MaskedLM) -> Checkpoint:
    folder = files.modules.transformer
    published = read_json(folder / "config.json")
    return Checkpoint(
        encoder=masked_lm.encoder,
        folder=folder,
        settings=files.settings,
        projection=None,
        fingerprint=files.fingerprint,
        model_type=str(published.get("model_type")),
        special_ids=read_special_ids(published),
    )


def _check_mask_id(mask_id: int, checkpoint: Checkpoint) -> None:
    vocab_size = checkpoint.encoder.config.vocab_size
    if not 0 <= mask_id < vocab_size:
        raise CheckpointError(
            f"The mask token of {checkpoint.folder} has the id {mask_id}, but config.json has "
            f"vocab_size={vocab_size}; the tokenizer belongs to another model."
        )


def _to_device(
    masked_lm: MaskedLM, device: torch.device, precision: str
) -> tuple[Encoder, MaskedLMHead]:
    encoder, head = masked_lm.encoder, masked_lm.head
    if DTYPES[precision] != torch.float32:
        # Its decoder may be the table that the encoder is about to round.
        head = deepcopy(head)
    (worker,) = hire_workers(encoder, None, [device], precision)
    if not isinstance(worker.encoder, Encoder):
        raise TypeError(f"an Encoder was expected; got a {type(worker.encoder).__name__}.")
    return worker.encoder, head.to(device)
