"""What a speed run measures; apart from it, so that ``--help`` can show it without torch."""

from dataclasses import dataclass
from pathlib import Path

from skencoder.errors import ParameterError

MIN_ROUNDS = 2
PRECISIONS = ("float32", "bfloat16", "int8")
MEASURES = ("latency", "memory", "gemm")


@dataclass(frozen=True)
class SpeedSettings:
    """What to measure.

    Parameters
    ----------
    model : str, default="all-MiniLM-L6-v2"
        Name or folder of a checkpoint; every engine loads the same folder.
    against : list of str, optional
        Libraries to time beside this one, or single engines such as onnxruntime-int8; by
        default all that can run here. sentence-transformers in float32 is always measured.
    precision : list of str, optional
        Precisions of this package's and the others' engines: float32, bfloat16, int8; by
        default all that can run here.
    lengths : list of str, optional
        Sets of texts: short, mixed, long; by default all three.
    texts : int, default=256
        Texts per set.
    rounds : int, default=7
        How often each engine encodes each set.
    threads : int, optional
        Threads for every engine; by default the cores this process may use.
    measure : list of str, optional
        What is measured beside speed: latency (one short text at a time), memory (each engine
        in a process of its own) and gemm (what matrix multiplication alone reaches here); by
        default all three.
    pause : float, default=0.25
        Seconds of rest before each timing, until the threads of the last library sleep.
    device : str, default="cpu"
        "cpu" or "cuda"; an engine that computes elsewhere is left out.
    exports : path, optional
        Folder that keeps models exported for other libraries; by default they are made again
        for each run.
    gguf : path, optional
        A file of the same model for llama.cpp, timed as llama-cpp-file.

    Raises
    ------
    ParameterError
        If a number is too small or a path is not there.
    """

    model: str = "all-MiniLM-L6-v2"
    against: list[str] | None = None
    precision: list[str] | None = None
    lengths: list[str] | None = None
    texts: int = 256
    rounds: int = 7
    threads: int | None = None
    measure: list[str] | None = None
    pause: float = 0.25
    device: str = "cpu"
    exports: Path | None = None
    gguf: Path | None = None

    def __post_init__(self) -> None:
        if self.rounds < MIN_ROUNDS:
            raise ParameterError(f"rounds={self.rounds}: expected at least {MIN_ROUNDS}.")
        if self.threads is not None and self.threads < 1:
            raise ParameterError(f"threads={self.threads}: expected at least 1.")
        if self.pause < 0:
            raise ParameterError(f"pause={self.pause}: expected 0 or more.")
        if self.device not in ("cpu", "cuda"):
            raise ParameterError(f"device={self.device!r}: expected 'cpu' or 'cuda'.")
        if self.gguf is not None and not self.gguf.is_file():
            raise ParameterError(f"gguf={str(self.gguf)!r}: there is no such file.")
        if self.exports is not None and self.exports.exists() and not self.exports.is_dir():
            raise ParameterError(f"exports={str(self.exports)!r}: expected a folder.")
