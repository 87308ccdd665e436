"""What a speed run measures; apart from it, so that ``--help`` can show it without torch."""

from dataclasses import dataclass

from skencoder.errors import ParameterError

MIN_ROUNDS = 2


@dataclass(frozen=True)
class SpeedSettings:
    """What to measure.

    Parameters
    ----------
    model : str, default="all-MiniLM-L6-v2"
        Name or folder of a checkpoint; every engine loads the same folder.
    engines : list of str, optional
        Engines to time beside sentence-transformers; by default all that can run here.
    sets : list of str, optional
        Sets of texts, short or mixed; by default both.
    texts : int, default=256
        Texts per set.
    rounds : int, default=7
        How often each engine encodes each set.
    threads : int, optional
        Threads for every engine; by default the cores this process may use.

    Raises
    ------
    ParameterError
        If a number is too small.
    """

    model: str = "all-MiniLM-L6-v2"
    engines: list[str] | None = None
    sets: list[str] | None = None
    texts: int = 256
    rounds: int = 7
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.rounds < MIN_ROUNDS:
            raise ParameterError(f"rounds={self.rounds}: expected at least {MIN_ROUNDS}.")
        if self.threads is not None and self.threads < 1:
            raise ParameterError(f"threads={self.threads}: expected at least 1.")
