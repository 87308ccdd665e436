"""Which device computes, and in which precision it multiplies natively."""

from collections.abc import Mapping
from typing import Any

import torch

from skencoder.errors import DeviceError, ParameterError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
# What torch calls the instructions that multiply bfloat16 without converting it first.
CPU_BFLOAT16 = ("avx512_bf16", "amx_bf16")


def resolve_device(device: str) -> torch.device:
    """Turn the ``device`` parameter into a device that is there.

    Parameters
    ----------
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps", ...; auto takes the first GPU, else the CPU.

    Returns
    -------
    torch.device
        One that this machine has.

    Raises
    ------
    ParameterError
        If it is not the name of a device.
    DeviceError
        If this machine has no such device.
    """
    available = available_devices()
    if device == "auto":
        return torch.device(available[0])
    try:
        wanted = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ParameterError(
            f"device must be 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'; got {device!r}."
        ) from error
    if f"{wanted.type}:{wanted.index or 0}" not in available and str(wanted) not in available:
        raise DeviceError(
            f"device={device!r} is not there; this machine has {', '.join(sorted(available))}. "
            f"device='auto' takes what there is."
        )
    return wanted


def available_devices() -> list[str]:
    """List the devices of this machine, best first.

    Returns
    -------
    list of str
        Such as ["cuda:0", "cuda:1", "cpu"].
    """
    gpus = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    apple = ["mps"] if torch.backends.mps.is_available() else []
    return [*gpus, *apple, "cpu"]


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """Turn the ``precision`` parameter into a dtype.

    Parameters
    ----------
    precision : str
        "auto", "float32" or "bfloat16"; auto takes bfloat16 only where it is native.
    device : torch.device
        Where it is multiplied.

    Returns
    -------
    torch.dtype
        Of the weights and activations.

    Raises
    ------
    ParameterError
        If there is no such precision.
    """
    if precision == "auto":
        return torch.bfloat16 if multiplies_bfloat16(device) else torch.float32
    if not isinstance(precision, str) or precision not in DTYPES:
        raise ParameterError(
            f"precision must be 'auto', {' or '.join(map(repr, DTYPES))}; got {precision!r}."
        )
    return DTYPES[precision]


def multiplies_bfloat16(device: torch.device) -> bool:
    """Tell whether a device multiplies bfloat16 natively.

    Parameters
    ----------
    device : torch.device
        The device.

    Returns
    -------
    bool
        False where unknown.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        # Not every supported torch has the function.
        capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        return any(capabilities.get(name, False) for name in CPU_BFLOAT16)
    return False
