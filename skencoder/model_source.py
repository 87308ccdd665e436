"""What a model is loaded from: all that a pickle of one, or a request for one, has to hold."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """What a model was or will be loaded from.

    Parameters
    ----------
    model : str
        A folder's absolute path, the name of a model package, or a hub id.
    fingerprint : str
        SHA-256 over configuration, weights, tokenizer and sentence settings.
    precision, device : str
        As asked for, so that "auto" is decided again where it is loaded; several devices are
        joined by commas.
    trust_remote_code : bool, default=False
        Whether the checkpoint's own code may be run.
    """

    model: str
    fingerprint: str
    precision: str
    device: str
    trust_remote_code: bool = False


def name_devices(device: str | Sequence[str]) -> str:
    """Write one or several devices as one string.

    Parameters
    ----------
    device : str or sequence of str
        As the user gave them.

    Returns
    -------
    str
        Joined by commas.
    """
    several = isinstance(device, list | tuple)
    return ",".join(map(str, device)) if several else str(device)
