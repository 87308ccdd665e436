"""The engines that speed compares, by name. How each loads a checkpoint is in its `peer_*` file.

Adding a peer is one file with a function and a line here. How they are timed is in `speed`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from skencoder.errors import ParameterError

from .errors import EngineUnavailableError

Encode = Callable[[list[str]], NDArray[Any]]

BASELINE = "sentence-transformers"
OWN = "skencoder"
BATCH = 32  # texts, for every engine that takes padded batches


@dataclass(frozen=True)
class Setup:
    """What an engine is given to load; plain data, so that another process can be given it too.

    Parameters
    ----------
    model : str
        Name or folder of a checkpoint.
    threads : int
        Threads to compute with.
    exports : str
        Folder for files made of the checkpoint, kept as long as engines run.
    device : str
        "cpu" or "cuda".
    gguf : str or None
        A file for llama.cpp.
    """

    model: str
    threads: int
    exports: str
    device: str = "cpu"
    gguf: str | None = None

    @property
    def exports_folder(self) -> Path:
        """The folder of the exports."""
        return Path(self.exports)


@dataclass(frozen=True)
class Engine:
    """One way to run a checkpoint.

    Parameters
    ----------
    library : str
        By which it is chosen.
    precision : str or None
        Of its matrix multiplications; None where a file decides, then it is always taken.
    description : str
        Settings, for people.
    load : callable
        Takes a `Setup` and returns a function from a list of texts to float vectors of shape
        (n_texts, n_features). Raises `EngineUnavailableError` where it cannot run.
    devices : tuple of str
        Where it computes.
    """

    library: str
    precision: str | None
    description: str
    load: Callable[[Setup], Encode]
    devices: tuple[str, ...] = ("cpu",)


def _load_peer(setup: Setup, *, module: str, **options: Any) -> Encode:
    """Load a peer by its file, which is imported only now."""
    package = __package__ or "benchmarks"
    encode: Encode = import_module(f".{module}", package).load(setup, **options)
    return encode


def _peer(library: str, precision: str | None, description: str, /, **options: Any) -> Engine:
    module = "peer_" + library.replace("-", "_")
    return Engine(library, precision, description, partial(_load_peer, module=module, **options))


def _everywhere(library: str, precision: str, description: str) -> Engine:
    module = "own_engine" if library == OWN else "peer_" + library.replace("-", "_")
    load = partial(_load_peer, module=module, precision=precision)
    return Engine(library, precision, description, load, ("cpu", "cuda"))


ENGINES: dict[str, Engine] = {
    BASELINE: _everywhere(BASELINE, "float32", "batches of 32"),
    "sentence-transformers-bfloat16": _everywhere(BASELINE, "bfloat16", "batches of 32"),
    "skencoder-float32": _everywhere(OWN, "float32", "EncoderVectorizer"),
    "skencoder-bfloat16": _everywhere(OWN, "bfloat16", "EncoderVectorizer"),
    "skencoder-int8": _everywhere(OWN, "int8", "EncoderVectorizer"),
    "onnxruntime-float32": _peer("onnxruntime", "float32", "batches of 32", precision="float32"),
    "onnxruntime-int8": _peer(
        "onnxruntime", "int8", "weights int8 by channel, activations dynamic", precision="int8"
    ),
    "openvino-float32": _peer("openvino", "float32", "batches of 32", precision="float32"),
    "openvino-bfloat16": _peer(
        "openvino", "bfloat16", "its default where native", precision="bfloat16"
    ),
    "openvino-int8": _peer("openvino", "int8", "static, calibrated by nncf", precision="int8"),
    "fastembed-float32": _peer("fastembed", "float32", "batches of 32"),
    "ctranslate2-float32": _peer("ctranslate2", "float32", "batches of 32", precision="float32"),
    "ctranslate2-int8": _peer("ctranslate2", "int8", "weights int8", precision="int8"),
    "llama-cpp-float32": _peer("llama-cpp", "float32", "GGUF F32", kind="F32"),
    "llama-cpp-bfloat16": _peer("llama-cpp", "bfloat16", "GGUF BF16", kind="BF16"),
    "llama-cpp-int8": _peer("llama-cpp", "int8", "GGUF Q8_0", kind="Q8_0"),
    "llama-cpp-file": _peer("llama-cpp", None, "the file given by --gguf", kind=None),
}


def choose_engines(
    against: Sequence[str] | None, precisions: Sequence[str] | None
) -> dict[str, Engine]:
    """Pick engines by library or name, and by precision.

    Parameters
    ----------
    against : sequence of str, optional
        Names of libraries or engines; by default all.
    precisions : sequence of str, optional
        By default all.

    Returns
    -------
    dict of str to Engine
        The baseline first, then this package's, then the others in the registry's order.

    Raises
    ------
    ParameterError
        If there is no such engine or precision.
    """
    libraries = list(dict.fromkeys(engine.library for engine in ENGINES.values()))
    known = [*libraries, *(name for name in ENGINES if name not in libraries)]
    wanted = {OWN, *check_names("against", against, known)}
    allowed = {None, *check_names("precision", precisions, _precisions())}
    chosen = {
        name: engine
        for name, engine in ENGINES.items()
        if name in wanted or (engine.library in wanted and engine.precision in allowed)
    }
    return {BASELINE: ENGINES[BASELINE]} | chosen


def _precisions() -> list[str]:
    return list(dict.fromkeys(e.precision for e in ENGINES.values() if e.precision))


def check_names(parameter: str, wanted: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    """Refuse names that are not known.

    Parameters
    ----------
    parameter : str
        Name in the message.
    wanted : sequence of str, optional
        Names; None takes all.
    known : sequence of str
        All there are.

    Returns
    -------
    list of str
        What is wanted.

    Raises
    ------
    ParameterError
        If a name is not known; the message lists all.
    """
    unknown = [name for name in wanted or () if name not in known]
    if unknown:
        raise ParameterError(
            f"{parameter}: there is no {' or '.join(map(repr, unknown))}; "
            f"expected some of {', '.join(known)}."
        )
    return list(known if wanted is None else wanted)


def load_engine(engine: Engine, setup: Setup) -> Encode:
    """Load one engine.

    Parameters
    ----------
    engine : Engine
        Which.
    setup : Setup
        What it is given.

    Returns
    -------
    callable
        From a list of texts to float of shape (n_texts, n_features).

    Raises
    ------
    EngineUnavailableError
        If it cannot run here.
    """
    if setup.device not in engine.devices:
        raise EngineUnavailableError(f"it computes on {' and '.join(engine.devices)} only here")
    return engine.load(setup)
