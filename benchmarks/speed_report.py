"""What a speed run found out, as data and as JSON; `speed_tables` shows it."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from .speed_statistics import EngineSpeed, Rounds


@dataclass(frozen=True)
class GemmSpeed:
    """What matrix multiplication alone reached in one precision.

    Parameters
    ----------
    precision : str
        Of both factors.
    shapes : str
        "model" for the model's linear maps on 2,048 tokens, the limit engines are held to;
        "square" for one multiplication of 2,048 x 2,048 matrices.
    path : str
        The fastest of torch's ways to do it here.
    operations : float
        Multiplications and additions in one round.
    seconds : tuple of float
        Wall time of each round.
    rate : float
        Operations per second, median over the rounds.
    """

    precision: str
    shapes: str
    path: str
    operations: float
    seconds: tuple[float, ...]
    rate: float


@dataclass(frozen=True)
class SetSpeed:
    """What was measured on one set of texts.

    Parameters
    ----------
    name : str
        Key of `speed_texts.TEXT_SETS`.
    description : str
        What the texts are.
    n_texts : int
        Texts encoded in one round.
    median_tokens : float
        Tokens of a text, special tokens included, cut at the model's limit.
    tokens : int
        Of all texts together.
    operations : float or None
        What the model needs for them; None where it is not counted.
    engines : tuple of EngineSpeed
        The baseline first.
    gemm : tuple of GemmSpeed
        Measured in the same rounds.
    """

    name: str
    description: str
    n_texts: int
    median_tokens: float
    tokens: int
    operations: float | None
    engines: tuple[EngineSpeed, ...]
    gemm: tuple[GemmSpeed, ...] = ()


@dataclass(frozen=True)
class EngineMemory:
    """Memory of one engine beyond its weights.

    Parameters
    ----------
    engine : str
        Name of the engine.
    n_texts : tuple of int
        Texts encoded at once.
    peak_bytes : tuple of (int or None)
        Most private memory beyond what is in use between calls, for each number of texts.
    """

    engine: str
    n_texts: tuple[int, ...]
    peak_bytes: tuple[int | None, ...]


@dataclass(frozen=True)
class SpeedReport:
    """Everything a speed run found out.

    Parameters
    ----------
    settings : dict
        What was asked for.
    machine : dict
        As `environment.describe_machine` gives it.
    versions : dict
        As `environment.package_versions` gives it.
    sets : tuple of SetSpeed
        One per set of texts.
    latency : tuple of Rounds
        One short text at a time: seconds are the median over calls, of each round.
    memory : tuple of EngineMemory
        Each engine in a process of its own.
    memory_texts : str or None
        The set of texts memory was measured on.
    left_out : dict of str to str
        What could not be measured, and why.
    """

    settings: dict[str, Any]
    machine: dict[str, Any]
    versions: dict[str, str | None]
    sets: tuple[SetSpeed, ...]
    latency: tuple[Rounds, ...] = ()
    memory: tuple[EngineMemory, ...] = ()
    memory_texts: str | None = None
    left_out: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Write everything as JSON.

        Returns
        -------
        str
            Indented, with a final newline.
        """
        return json.dumps(asdict(self), indent=2, default=str) + "\n"
