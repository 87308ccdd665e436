"""Which devices compute, and in which precision they multiply natively."""

import os
from collections.abc import Mapping
from typing import Any

import torch

from skencoder.encoder import why_not_int8
from skencoder.errors import DeviceError, ParameterError

# Of weights and activations; what int8 leaves in floating point is float32.
DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "int8": torch.float32,
}
# What torch calls the instructions that multiply bfloat16 without converting it first.
CPU_BFLOAT16 = ("avx512_bf16", "amx_bf16")


def resolve_devices(device: str) -> list[torch.device]:
    """Turn the ``device`` parameter into devices that are there.

    Parameters
    ----------
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps", or several joined by commas; auto takes the first
        GPU, else the CPU.

    Returns
    -------
    list of torch.device
        At least one; a device named twice stands there twice.

    Raises
    ------
    ParameterError
        If it is not the name of a device, or several kinds are mixed.
    DeviceError
        If this machine has no such device.
    """
    devices = [_resolve_one(name.strip()) for name in device.split(",")]
    if len({one.type for one in devices}) > 1:
        raise ParameterError(
            f"device={device!r} mixes kinds of devices, which do not give quite the same vectors; "
            f"name devices of one kind."
        )
    return devices


def _resolve_one(device: str) -> torch.device:
    available = available_devices()
    if device == "auto":
        return torch.device(available[0])
    try:
        wanted = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ParameterError(
            f"device must be 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps', or a list of such; "
            f"got {device!r}."
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


def available_cores() -> int:
    """Count the processor cores this process may use.

    Returns
    -------
    int
        At least 1.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def resolve_precision(precision: str, device: torch.device) -> str:
    """Turn the ``precision`` parameter into one that a device has.

    Parameters
    ----------
    precision : str
        "auto", "float32", "bfloat16", "float16" or "int8"; auto takes bfloat16 where it is native,
        else float32.
    device : torch.device
        Where it is multiplied.

    Returns
    -------
    str
        A key of `DTYPES`.

    Raises
    ------
    ParameterError
        If there is no such precision.
    DeviceError
        If the device does not have it.
    """
    if precision == "auto":
        return "bfloat16" if multiplies_bfloat16(device) else "float32"
    if not isinstance(precision, str) or precision not in DTYPES:
        raise ParameterError(
            f"precision must be 'auto', {' or '.join(map(repr, DTYPES))}; got {precision!r}."
        )
    reason = _why_not(precision, device)
    if reason:
        raise DeviceError(
            f"precision={precision!r} is not to be had on {device}: {reason}. precision='auto' "
            f"takes the fastest that loses nothing to speak of."
        )
    return precision


def _why_not(precision: str, device: torch.device) -> str | None:
    if precision == "float16" and device.type == "cpu":
        return "a CPU multiplies it more slowly than float32"
    if precision == "int8":
        return why_not_int8() if device.type == "cpu" else "only a CPU's kernels are there"
    return None


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
