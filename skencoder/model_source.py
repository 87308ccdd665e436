"""What a model is loaded from: all that a pickle of one, or a request for one, has to hold."""

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
        As asked for, so that "auto" is decided again where it is loaded.
    trust_remote_code : bool, default=False
        Whether the checkpoint's own code may be run.
    """

    model: str
    fingerprint: str
    precision: str
    device: str
    trust_remote_code: bool = False
