"""The tensors of a checkpoint folder, memory-mapped: safetensors, shards, or a pickle's numbers.

Which of them a model needs stands in weights.py. A pickle is read with ``weights_only=True``:
tensors and containers, no code.
"""

import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from skencoder.checkpoint_files import find_weights
from skencoder.errors import CheckpointError

# Narrower numbers need scales that stand elsewhere.
FLOATS = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def read_tensors(folder: Path) -> tuple[Path, dict[str, Tensor]]:
    """Map all tensors of a folder.

    Parameters
    ----------
    folder : Path
        Where they lie.

    Returns
    -------
    Path
        The file to name in messages: the one file, or the index.
    dict of str to Tensor
        By published name.

    Raises
    ------
    CheckpointError
        If a file is missing, damaged, or holds anything but tensors.
    """
    files = find_weights(folder)
    tensors: dict[str, Tensor] = {}
    for path in files:
        if path.suffix == ".json":
            continue
        read = _read_safetensors if path.suffix == ".safetensors" else _read_pickle
        tensors |= read(path)
    return files[0], tensors


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is not a whole safetensors file ({error}); fetch it again."
        ) from error


def _read_pickle(path: Path) -> dict[str, Tensor]:
    try:
        content = _unpickle(path)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than tensors, or is damaged, and was not executed "
            f"({str(error).splitlines()[0]}). Fetch it again, or ask for model.safetensors."
        ) from error
    except Exception as error:  # torch raises what its readers raise
        raise CheckpointError(
            f"{path} is not a whole file of tensors ({type(error).__name__}: "
            f"{str(error).splitlines()[0] if str(error) else ''}); fetch it again."
        ) from error
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in content.items()
    ):
        raise CheckpointError(f"{path} must hold a mapping of names to tensors, and nothing else.")
    return content


def _unpickle(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError as error:
        # Files of before torch 1.6 are no zip archives and cannot be mapped.
        if "mmap" not in str(error):
            raise
        return torch.load(path, map_location="cpu", weights_only=True)


def is_usable(tensor: Tensor) -> bool:
    """Tell whether a tensor holds weights: plain, in memory, floating-point and finite.

    Parameters
    ----------
    tensor : Tensor
        As read from a file.

    Returns
    -------
    bool
        False for sparse, quantised, integer and 8-bit tensors, and those with NaN or infinity.
    """
    plain = tensor.layout == torch.strided and tensor.device.type == "cpu" and not tensor.is_nested
    return plain and tensor.dtype in FLOATS and bool(tensor.isfinite().all())
