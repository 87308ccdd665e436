"""What a comparison takes into account; apart from it, so that ``--help`` shows it at once."""

from dataclasses import dataclass
from pathlib import Path

from skencoder.errors import ParameterError

MIN_RESAMPLES = 100


@dataclass(frozen=True)
class CompareSettings:
    """What to compare, and how strictly.

    Parameters
    ----------
    models : list of str, optional
        Labels or names of models, the first being the one that others are compared with; by
        default all that are there, compared with the best that ran.
    tasks : list of str, optional
        Keep only these tasks; by default all.
    published : path, optional
        CSV file with columns model, task, split, subset, metric, score. Its models stand in the
        tables too, and runs that disagree with it make the exit code 1.
    decimals : int, default=4
        How many decimals have to agree with a published score.
    trained_decimals : int, default=3
        The same, of tasks in which a classifier or a clustering is fitted.
    resamples : int, default=2000
        How often examples are drawn for an interval.
    seed : int, default=0
        Of the draws.

    Raises
    ------
    ParameterError
        If a number is too small.
    """

    models: list[str] | None = None
    tasks: list[str] | None = None
    published: Path | None = None
    decimals: int = 4
    trained_decimals: int = 3
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resamples < MIN_RESAMPLES:
            raise ParameterError(
                f"resamples={self.resamples}: expected at least {MIN_RESAMPLES}, or an interval "
                "means nothing."
            )
        for name in ("decimals", "trained_decimals", "seed"):
            if getattr(self, name) < 0:
                raise ParameterError(f"{name}={getattr(self, name)}: expected 0 or more.")
