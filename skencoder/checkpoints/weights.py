"""From a safetensors file to a loaded encoder: memory-mapped, every mismatch told at once."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from skencoder.checkpoints.family import Family
from skencoder.checkpoints.files import describe_folder
from skencoder.encoder import Encoder, EncoderConfig
from skencoder.errors import CheckpointError

WEIGHTS_FILE = "model.safetensors"


def load_encoder(folder: Path, config: EncoderConfig, family: Family) -> Encoder:
    """Build an encoder around the tensors of ``model.safetensors``.

    Parameters
    ----------
    folder : Path
        Checkpoint folder.
    config : EncoderConfig
        What to build.
    family : Family
        How the file names its tensors.

    Returns
    -------
    Encoder
        In evaluation mode, float32, its tensors mapped from the file.

    Raises
    ------
    CheckpointError
        If the file is missing or damaged, or its keys or shapes do not fit.
    """
    # On the meta device no memory is taken and nothing random is drawn for what gets replaced.
    with torch.device("meta"):
        encoder = Encoder(config)
    path = folder / WEIGHTS_FILE
    tensors = {family.strip_prefix(key): value for key, value in _read_tensors(path).items()}
    names = family.published_names(encoder.state_dict())
    _check_tensors(tensors, encoder, names, family, path)
    state = {ours: tensors[theirs].float() for ours, theirs in names.items()}
    encoder.load_state_dict(state, assign=True)
    return encoder.eval().requires_grad_(False)


def _read_tensors(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise CheckpointError(f"{path} is missing. {describe_folder(path.parent)}")
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is not a whole safetensors file ({error}); fetch it again."
        ) from error


def _check_tensors(
    tensors: dict[str, Tensor], encoder: Encoder, names: dict[str, str], family: Family, path: Path
) -> None:
    expected = {names[ours]: value.shape for ours, value in encoder.state_dict().items()}
    surplus = tensors.keys() - expected.keys()
    problems = {
        "missing": sorted(expected.keys() - tensors.keys()),
        "unexpected": sorted(key for key in surplus if not family.is_ignored(key)),
        "no floating-point numbers": sorted(
            key for key in expected.keys() & tensors.keys() if not tensors[key].is_floating_point()
        ),
        "NaN or infinity in": sorted(
            key for key in expected.keys() & tensors.keys() if not tensors[key].isfinite().all()
        ),
        "wrong shape": [
            f"{key} {tuple(tensors[key].shape)} instead of {tuple(shape)}"
            for key, shape in expected.items()
            if key in tensors and tensors[key].shape != shape
        ],
    }
    found = [f"{kind}: {', '.join(keys)}" for kind, keys in problems.items() if keys]
    if found:
        raise CheckpointError(f"{path} does not fit its config.json; {'; '.join(found)}.")
