"""What a distillation run makes of what; apart from it, so that ``--help`` shows it at once."""

from dataclasses import dataclass
from pathlib import Path

from skencoder.errors import ParameterError


@dataclass(frozen=True)
class DistillationSettings:
    """Which student is made of which teacher, and what it learns from.

    Parameters
    ----------
    data_root : path
        Folder with mteb/stsbenchmark-sts and mteb/banking77.
    texts : path, optional
        File of more texts to learn from: .csv, .jsonl, or plain with one text per line.
    model : str, default="all-MiniLM-L6-v2"
        The teacher; the student begins with some of its layers.
    layers : int, default=3
        Layers of the student.
    epochs : float, default=2
        Passes over the texts.
    learning_rate : float, default=0.0003
        The highest.
    most_texts : int, default=40000
        Texts to learn from, at most.
    draws : int, default=10
        How often eight texts of each label of Banking77 are drawn.
    rounds : int, default=15
        How often the speed of both is measured, in turns.
    choose : bool, default=False
        Leave the test splits alone: judge on STSBenchmark's validation split, and on rows of
        Banking77's training split. For choices.
    seed : int, default=0
        Of all that is drawn.

    Raises
    ------
    ParameterError
        If a number is too small.
    """

    data_root: Path
    texts: Path | None = None
    model: str = "all-MiniLM-L6-v2"
    layers: int = 3
    epochs: float = 2.0
    learning_rate: float = 3e-4
    most_texts: int = 40_000
    draws: int = 10
    rounds: int = 15
    choose: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"layers": 1, "most_texts": 2, "draws": 1, "rounds": 2, "seed": 0}
        for name, number in least.items():
            if getattr(self, name) < number:
                raise ParameterError(f"{name}={getattr(self, name)}: expected at least {number}.")
