"""ModelHandle: a model that is loaded when a text has to be encoded, and not before."""

import sys
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from skencoder.cache import EmbeddingCache
from skencoder.checkpoint_files import CheckpointFiles, read_checkpoint_files
from skencoder.encode_once.registry import REGISTRY, check_fingerprint
from skencoder.encoding_plan import ModelFacts
from skencoder.errors import CheckpointError, DeviceError, ParameterError
from skencoder.frames import user_stacklevel
from skencoder.model_source import Source

if TYPE_CHECKING:
    import torch

    from skencoder.text_encoder import TextEncoder


class ModelHandle:
    """A model that may or may not be in memory.

    Parameters
    ----------
    source : Source
        What it is loaded from.
    given : TextEncoder, optional
        The model itself, where the user has loaded it.
    unpickled : bool, default=False
        Whether it comes from elsewhere, and may run on another device than there.

    Attributes
    ----------
    facts : ModelFacts or None
        What was last known of the model.
    """

    def __init__(
        self, source: Source, given: "TextEncoder | None" = None, *, unpickled: bool = False
    ) -> None:
        self.source = source
        self.facts: ModelFacts | None = None
        self._given = given
        self.unpickled = unpickled
        self._loaded: TextEncoder | None = None
        if given is not None and given.is_as_loaded:
            REGISTRY.adopt(given)
        _handles.add(self)

    @classmethod
    def find(cls, model: str | Path, *, precision: str, device: str) -> "ModelHandle":
        """Find a model's files and read what identifies it; no weights are loaded.

        Parameters
        ----------
        model : str or Path
            A folder, the name of an installed model package, or a hub id.
        precision, device : str
            As the user asked.

        Returns
        -------
        ModelHandle
            Not loaded.

        Raises
        ------
        CheckpointNotFoundError
            If there is no such checkpoint.
        CheckpointError
            If a file is damaged, or asks for something that is not computed here.
        """
        files = _find_files(model, False)
        is_folder = files.folder == Path(model).expanduser()
        name = str(files.folder.resolve()) if is_folder else str(model)
        return cls(Source(name, files.fingerprint, precision, device))

    @property
    def in_memory(self) -> "TextEncoder | None":
        """The model, if it is there."""
        return self._held or REGISTRY.find(self.source)

    @property
    def _held(self) -> "TextEncoder | None":
        return self._given or self._loaded

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the model's configuration, weights, tokenizer and sentence settings."""
        return self.source.fingerprint if self._held is None else self._held.fingerprint

    @property
    def is_reproducible(self) -> bool:
        """Whether another process that loads the source gets the same model."""
        return self._held is None or self._held.is_as_loaded

    def load(self, cache: EmbeddingCache | None = None) -> "TextEncoder":
        """Give the model, and load it where it is not in memory.

        Parameters
        ----------
        cache : EmbeddingCache, optional
            Where a load is counted.

        Returns
        -------
        TextEncoder
            The one of this process.

        Raises
        ------
        CheckpointError
            If the files are not those that were meant, or weights that were changed before a fork
            are on a GPU that the child cannot use.
        """
        held, source = self._held, self.source
        if held is not None and not held.is_stranded:
            return held
        if held is not None:
            self._check_changes()
            source = replace(source, device="cpu")

        def count() -> None:
            if cache is not None:
                cache.count(model_loads=1)

        try:
            self._loaded = REGISTRY.load(source, count)
        except DeviceError as error:
            if not self.unpickled:
                raise
            warnings.warn(
                f"{error} The pickled encoder goes on there.",
                UserWarning,
                stacklevel=user_stacklevel(),
            )
            self._loaded = REGISTRY.load(replace(source, device="auto"), count)
        self._given = None
        return self._loaded

    @property
    def device(self) -> "torch.device":
        """Where the model is, or would be; it is not loaded for that."""
        from skencoder.devices import resolve_devices

        model = self.in_memory
        return resolve_devices(self.source.device)[0] if model is None else model.device

    def count_tokens(self, text: str) -> int:
        """Count a text's tokens, special ones aside.

        Parameters
        ----------
        text : str
            One text.

        Returns
        -------
        int
            Its length in tokens.
        """
        model = self.in_memory
        if model is not None:
            return model.tokenizer.count(text)
        from skencoder.tokenization import TextTokenizer

        files = _find_files(self.source.model, self.source.trust_remote_code)
        tokenizer = TextTokenizer.load(
            files.modules.transformer,
            lowercase=files.settings.lowercase,
            trust_remote_code=self.source.trust_remote_code,
        )
        return tokenizer.count(text)

    def check_files(self) -> None:
        """Refuse files that are not those the handle was made for.

        Raises
        ------
        CheckpointError
            If their fingerprint differs; both are named.
        """
        files = _find_files(self.source.model, self.source.trust_remote_code)
        check_fingerprint(self.source, files.fingerprint)

    def asked_for(self, *, precision: str, device: str) -> "ModelHandle":
        """Give the handle of the same model as an estimator asks for it.

        Parameters
        ----------
        precision, device : str
            As the user asked.

        Returns
        -------
        ModelHandle
            This one, or one that is loaded otherwise.

        Raises
        ------
        ParameterError
            If it is loaded, and otherwise.
        """
        given, asked = self._given, {"precision": precision, "device": device}
        loaded = given and {"precision": given.precision, "device": given.device_names}
        wanted = {name: value for name, value in asked.items() if value != "auto"}
        if loaded and any(loaded[name] != value for name, value in wanted.items()):
            raise ParameterError(
                f"model is already loaded in {loaded['precision']} on {loaded['device']}, but "
                f"precision={precision!r} and device={device!r} were asked for; leave both at "
                f"'auto', or load it that way with TextEncoder.load."
            )
        if loaded or not wanted:
            return self
        source = replace(
            self.source,
            precision=wanted.get("precision", self.source.precision),
            device=wanted.get("device", self.source.device),
        )
        return ModelHandle(source, unpickled=self.unpickled)

    def let_go(self) -> None:
        """Forget the model in memory, unless it is the user's own."""
        self._loaded = None

    def _check_changes(self) -> None:
        if not self.is_reproducible:
            raise CheckpointError(
                f"The weights of {self.source.model!r} were changed since they were loaded, and "
                f"another process cannot load them. Write them with EncoderVectorizer.save, and "
                f"load that folder."
            )

    def __getstate__(self) -> dict[str, Any]:
        self._check_changes()
        return asdict(self.source)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(Source(**state), unpickled=True)  # type: ignore[misc]

    def __sklearn_clone__(self) -> "ModelHandle":
        return self

    def __repr__(self) -> str:
        return f"ModelHandle({self.source.model!r}, {self.source.fingerprint[:8]})"


def as_handle(model: object) -> ModelHandle | None:
    """Give a loaded model's handle.

    Parameters
    ----------
    model : object
        A TextEncoder, the handle of one, or anything else.

    Returns
    -------
    ModelHandle or None
        None for anything else.
    """
    if isinstance(model, ModelHandle):
        return model
    # Where nobody has loaded the class, nothing can be an object of it.
    home = sys.modules.get("skencoder.text_encoder")
    if home is not None and isinstance(model, home.TextEncoder):
        return ModelHandle(model.source, model)
    return None


_hub_folders: dict[tuple[str, bool], Path] = {}


def _find_files(name: str | Path, trust_remote_code: bool) -> CheckpointFiles:
    """Read a checkpoint's small files; a hub's folder is asked for once per process."""
    known = _hub_folders.get((str(name), trust_remote_code))
    files = read_checkpoint_files(known or name, trust_remote_code=trust_remote_code)
    if files.folder != Path(name).expanduser():
        _hub_folders[str(name), trust_remote_code] = files.folder
    return files


_handles: WeakSet[ModelHandle] = WeakSet()


def release() -> None:
    """Let go of every model that estimators have loaded in this process.

    Fitted estimators stay fitted: the next text that has to be encoded loads its model again.
    """
    for handle in list(_handles):
        handle.let_go()
    _hub_folders.clear()
    REGISTRY.release()
