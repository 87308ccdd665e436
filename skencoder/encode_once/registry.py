"""One model per process, whatever the number of estimators that use it."""

import gc
import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from skencoder.errors import CheckpointError, DeviceError
from skencoder.model_source import Source

if TYPE_CHECKING:
    from skencoder.text_encoder import TextEncoder

Key = tuple[Any, ...]


class Registry:
    """The models of this process.

    The one that was used last is kept; others live as long as somebody holds them.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: in a child made by fork, another thread may have held the lock."""
        self._lock = threading.RLock()
        self._models: WeakValueDictionary[Key, TextEncoder] = WeakValueDictionary()
        self._latest: TextEncoder | None = None

    def load(self, source: Source, on_load: Callable[[], object]) -> "TextEncoder":
        """Give a model, and load it if it is not there.

        Parameters
        ----------
        source : Source
            What to load.
        on_load : callable
            Called if it is loaded.

        Returns
        -------
        TextEncoder
            The same object for everyone who asks for the same.

        Raises
        ------
        CheckpointError
            If what is loaded is not what the fingerprint says.
        DeviceError
            If this machine has no such device.
        """
        with self._lock:
            key = _key(source)
            model = self._get(key)
            if model is None:
                model = _load(source)
                on_load()
                self._models[key] = model
            self._latest = model
            return model

    def adopt(self, model: "TextEncoder") -> None:
        """Take in a model that somebody has loaded.

        Parameters
        ----------
        model : TextEncoder
            As it was loaded.
        """
        with self._lock:
            key = _key(model.source)
            if self._get(key) is None:
                self._models[key] = model

    def find(self, source: Source) -> "TextEncoder | None":
        """Give a model if it is there.

        Parameters
        ----------
        source : Source
            What it would have been loaded from.

        Returns
        -------
        TextEncoder or None
            None where torch or the model is not loaded.
        """
        # Without torch nothing is loaded, and this is not the place to load it.
        if "torch" not in sys.modules or not self._models:
            return None
        with self._lock:
            return self._get(_key(source))

    def _get(self, key: Key) -> "TextEncoder | None":
        model = self._models.get(key)
        if model is not None and (model.is_stranded or not model.is_as_loaded):
            # It is not what its source says any more, or cannot be used here.
            del self._models[key]
            return None
        return model

    def release(self) -> None:
        """Let go of all models."""
        with self._lock:
            self._latest = None
            self._models.clear()
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_initialized():
            torch.cuda.empty_cache()


def _key(source: Source) -> Key:
    """Name what would be loaded: "auto" and what it means here are the same model."""
    from skencoder.devices import resolve_devices, resolve_precision

    try:
        devices = resolve_devices(source.device)
        precision = resolve_precision(source.precision, devices[0])
    except DeviceError:
        return (source,)
    return (source.fingerprint, source.trust_remote_code, str(devices), precision)


def _load(source: Source) -> "TextEncoder":
    from skencoder.text_encoder import TextEncoder

    model = TextEncoder.load(
        source.model,
        precision=source.precision,
        device=source.device,
        trust_remote_code=source.trust_remote_code,
    )
    check_fingerprint(source, model.source.fingerprint)
    return model


def check_fingerprint(source: Source, found: str) -> None:
    """Refuse another model than the one that was meant.

    Parameters
    ----------
    source : Source
        What was meant.
    found : str
        Fingerprint of what is there.

    Raises
    ------
    CheckpointError
        If they differ; both are named.
    """
    if found != source.fingerprint:
        raise CheckpointError(
            f"model={source.model!r} is not the one that was fitted or pickled: fingerprint "
            f"{source.fingerprint} expected, got {found}. Give back the old files, or fit again."
        )


REGISTRY = Registry()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=REGISTRY.forget)
