"""How bias is measured; apart from it, so that ``--help`` can show it without torch."""

from dataclasses import dataclass
from typing import Literal

from skencoder.errors import ParameterError


@dataclass(frozen=True)
class BiasSettings:
    """How bias is measured.

    Parameters
    ----------
    samples : int, default=100,000
        Partitions of an association test's targets that are drawn where there are more than
        --most-exact.
    most_exact : int, default=100,000
        Up to so many partitions all are tried, and nothing is drawn.
    seed : int, default=0
        Of the draw.
    precision : str, default="float32"
        Of the weights, as published figures are.
    device : str, default="auto"
        Such as cpu or cuda; auto takes a GPU where there is one.

    Raises
    ------
    ParameterError
        If a number cannot be used.
    """

    samples: int = 100_000
    most_exact: int = 100_000
    seed: int = 0
    precision: Literal["float32", "bfloat16", "float16", "int8", "auto"] = "float32"
    device: str = "auto"

    def __post_init__(self) -> None:
        for name, least in {"samples": 1, "most_exact": 0, "seed": 0}.items():
            value = getattr(self, name)
            if value < least:
                raise ParameterError(f"{name}={value}: expected {least} or more.")
