"""ModelHandle: a model that is loaded when a text has to be encoded, and not before."""

import hashlib
import json
import os
import platform
import sys
import warnings
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from skencoder.cache import ENCODING_REVISION, EmbeddingCache
from skencoder.checkpoint_files import CheckpointFiles, SentenceSettings, read_checkpoint_files
from skencoder.encode_once.registry import REGISTRY, check_fingerprint
from skencoder.encoding_plan import ModelFacts
from skencoder.errors import CheckpointError, DeviceError, ParameterError
from skencoder.model_source import Source

if TYPE_CHECKING:
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
    """

    def __init__(
        self, source: Source, given: "TextEncoder | None" = None, *, unpickled: bool = False
    ) -> None:
        self.source = source
        self._given = given
        self._unpickled = unpickled
        self._loaded: TextEncoder | None = None
        self._pid = os.getpid()
        self._facts: ModelFacts | None = None
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
        folder = Path(model).expanduser()
        name = str(folder.resolve()) if folder.is_dir() else str(model)
        fingerprint = _find_files(name, False).fingerprint
        return cls(Source(name, fingerprint, precision, device))

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the model's configuration, weights, tokenizer and sentence settings."""
        return self.source.fingerprint if self._given is None else self._given.fingerprint

    @property
    def is_reproducible(self) -> bool:
        """Whether another process that loads the source gets the same model."""
        return self._given is None or self._given.is_as_loaded

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
            If the files are not those that were meant.
        """
        model = self._given or self._loaded
        if model is not None and not self._is_stranded(model):
            return model

        def count() -> None:
            if cache is not None:
                cache.count(model_loads=1)

        source = self.source if model is None else replace(self.source, device="cpu")
        try:
            self._loaded = REGISTRY.load(source, count)
        except DeviceError as error:
            if not self._unpickled:
                raise
            warnings.warn(f"{error} The pickled encoder goes on there.", UserWarning, stacklevel=2)
            self._loaded = REGISTRY.load(replace(source, device="auto"), count)
        self._given, self._pid = None, os.getpid()
        return self._loaded

    def knows_facts(self, cache: EmbeddingCache | None) -> bool:
        """Tell whether `facts` needs no model to be loaded.

        Parameters
        ----------
        cache : EmbeddingCache or None
            Where they may be known.

        Returns
        -------
        bool
            True where the model is in memory, or was once.
        """
        if self._in_memory() is None and self._facts is None and cache is not None:
            self._facts = facts_from_json(cache.get_fact(self._fact_name()))
        return self._in_memory() is not None or self._facts is not None

    def learn(self, facts: ModelFacts | None) -> None:
        """Take over what another process knows of the model.

        Parameters
        ----------
        facts : ModelFacts or None
            What it knows; nothing is changed where that is nothing.
        """
        self._facts = facts or self._facts

    def _in_memory(self) -> "TextEncoder | None":
        return self._given or self._loaded or REGISTRY.find(self.source)

    def facts(self, cache: EmbeddingCache | None) -> ModelFacts:
        """Say what is to be known of the model, from the cache if that has it.

        Parameters
        ----------
        cache : EmbeddingCache or None
            Where it may be known.

        Returns
        -------
        ModelFacts
            Sizes, settings, precision.
        """
        if not self.knows_facts(cache) or self._in_memory() is not None:
            self._facts = (self._in_memory() or self.load(cache)).facts
        assert self._facts is not None
        new = cache is not None and cache.get_fact(self._fact_name()) is None
        if cache is not None and new and self.is_reproducible:
            cache.put_fact(self._fact_name(), facts_to_json(self._facts))
        return self._facts

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
        known = self._in_memory()
        if known is not None:
            return known.tokenizer.count(text)
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

    def check_request(self, *, precision: str, device: str) -> None:
        """Refuse to have a model that is loaded be something else.

        Parameters
        ----------
        precision, device : str
            As the user asked.

        Raises
        ------
        ParameterError
            If it is loaded otherwise.
        """
        loaded = self._given
        if loaded is None:
            return
        where = str(loaded.device)
        if precision not in ("auto", loaded.precision) or device not in ("auto", where):
            raise ParameterError(
                f"model is already loaded in {loaded.precision} on {where}, but "
                f"precision={precision!r} and device={device!r} were asked for; leave both at "
                f"'auto', or load it that way with TextEncoder.load."
            )

    def let_go(self) -> None:
        """Forget the model in memory, unless it is the user's own."""
        self._loaded = None

    def _is_stranded(self, model: "TextEncoder") -> bool:
        """Tell whether a model was inherited by fork from a process whose GPU is closed to us."""
        return self._pid != os.getpid() and model.device.type != "cpu"

    def _fact_name(self) -> str:
        """Name what is known, with all that "auto" depends on."""
        depends = [
            ENCODING_REVISION,
            asdict(self.source) | {"model": None},
            platform.node(),
            metadata.version("torch"),
            os.environ.get("CUDA_VISIBLE_DEVICES"),
        ]
        return f"model/{hashlib.blake2b(json.dumps(depends).encode(), digest_size=16).hexdigest()}"

    def __sklearn_clone__(self) -> "ModelHandle":
        return self

    def __getstate__(self) -> dict[str, Any]:
        if not self.is_reproducible:
            raise CheckpointError(
                f"The weights of {self.source.model!r} were changed since they were loaded, and a "
                f"pickle holds no weights. Write them with EncoderVectorizer.save, and load that "
                f"folder."
            )
        return asdict(self.source)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(Source(**state), unpickled=True)  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"ModelHandle({self.source.model!r}, {self.source.fingerprint[:8]})"


def facts_to_json(facts: ModelFacts) -> dict[str, Any]:
    """Write what is known of a model.

    Parameters
    ----------
    facts : ModelFacts
        What is known.

    Returns
    -------
    dict
        What JSON can hold.
    """
    return asdict(facts)


def facts_from_json(fact: dict[str, Any] | None) -> ModelFacts | None:
    """Read what is known of a model.

    Parameters
    ----------
    fact : dict or None
        As `facts_to_json` wrote it.

    Returns
    -------
    ModelFacts or None
        None where nothing was written.
    """
    if fact is None:
        return None
    widths = fact["projection_widths"]
    return ModelFacts(
        **fact
        | {
            "settings": SentenceSettings(**fact["settings"]),
            "projection_widths": widths and tuple(widths),
        }
    )


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


def _find_files(name: str, trust_remote_code: bool) -> CheckpointFiles:
    """Read a checkpoint's small files; a hub's folder is asked for once per process."""
    known = _hub_folders.get((name, trust_remote_code))
    files = read_checkpoint_files(known or name, trust_remote_code=trust_remote_code)
    if not Path(name).is_dir():
        _hub_folders[name, trust_remote_code] = files.folder
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
