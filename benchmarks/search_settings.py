"""What a search run measures; apart from it, so that ``--help`` can show it without torch."""

from dataclasses import dataclass
from pathlib import Path

from skencoder.errors import ParameterError

from .speed_settings import MIN_ROUNDS

VECTOR_SETS = ("clustered", "texts")
MEASURES = ("latency", "memory")


@dataclass(frozen=True)
class SearchSettings:
    """What to measure.

    Parameters
    ----------
    against : list of str, optional
        What to time beside plain numpy, such as faiss-flat; by default all that can run here.
    vectors : list of str, optional
        Sets of vectors: clustered (random, of the sizes below) and texts (real ones, embedded by
        the default model); by default both.
    documents : int, default=100_000
        Random vectors that are searched.
    queries : int, default=1000
        Queries of one round; of texts at most a tenth of them.
    neighbors : int, default=10
        How many are asked for.
    dimensions : int, default=384
        Of the random vectors.
    texts : path, optional
        A file with a text on each line; by default Python's own documentation.
    rounds : int, default=7
        How often each searches.
    threads : int, optional
        Threads for every engine; by default the cores this process may use.
    measure : list of str, optional
        What is measured beside speed: latency (one query at a time) and memory (each engine in a
        process of its own); by default both.
    pause : float, default=0.25
        Seconds of rest before each timing, until the threads of the last library sleep.
    seed : int, default=0
        Of the random vectors.

    Raises
    ------
    ParameterError
        If a number is too small, or the file is not there.
    """

    against: list[str] | None = None
    vectors: list[str] | None = None
    documents: int = 100_000
    queries: int = 1000
    neighbors: int = 10
    dimensions: int = 384
    texts: Path | None = None
    rounds: int = 7
    threads: int | None = None
    measure: list[str] | None = None
    pause: float = 0.25
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("documents", "queries", "neighbors", "dimensions"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name}={getattr(self, name)}: expected at least 1.")
        if self.neighbors > self.documents:
            raise ParameterError(
                f"neighbors={self.neighbors}: expected at most documents={self.documents}."
            )
        if self.rounds < MIN_ROUNDS:
            raise ParameterError(f"rounds={self.rounds}: expected at least {MIN_ROUNDS}.")
        if self.threads is not None and self.threads < 1:
            raise ParameterError(f"threads={self.threads}: expected at least 1.")
        if self.pause < 0:
            raise ParameterError(f"pause={self.pause}: expected 0 or more.")
        if self.texts is not None and not self.texts.is_file():
            raise ParameterError(f"texts={str(self.texts)!r}: there is no such file.")
