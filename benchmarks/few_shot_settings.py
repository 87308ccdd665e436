"""What a few-shot run compares; apart from it, so that ``--help`` shows it without torch."""

from dataclasses import dataclass
from pathlib import Path

from skencoder.errors import ParameterError


@dataclass(frozen=True)
class FewShotSettings:
    """Which data are learned from, how little of them, and beside what.

    Parameters
    ----------
    data_root : path
        Folder with mteb/banking77 or mteb/sib200.
    data : str, default="Banking77"
        Which of the two: "Banking77" or "SIB-200, English".
    model : str, default="all-MiniLM-L6-v2"
        Name or folder of a checkpoint.
    shots : int, default=8
        Texts of each label to learn from, at least three.
    draws : int, default=5
        How often they are drawn, each time with another seed.
    setfit_draws : int, default=0
        In how many of the draws setfit, where it is installed, takes its turn too: minutes each.
    setfit_iterations : int, default=5
        Pairs of each kind that setfit makes of a text (its ``num_iterations``).
    choose : bool, default=False
        Leave the test rows alone: draw otherwise, and judge on training rows that were not
        drawn. For choices.

    Raises
    ------
    ParameterError
        If a number is too small.
    """

    data_root: Path
    data: str = "Banking77"
    model: str = "all-MiniLM-L6-v2"
    shots: int = 8
    draws: int = 5
    setfit_draws: int = 0
    setfit_iterations: int = 5
    choose: bool = False

    def __post_init__(self) -> None:
        least = {"shots": 3, "draws": 2, "setfit_draws": 0, "setfit_iterations": 1}
        for name, number in least.items():
            if getattr(self, name) < number:
                raise ParameterError(f"{name}={getattr(self, name)}: expected at least {number}.")
