"""A mean over few repetitions and how far it may be off: Student's interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from skencoder.errors import ParameterError

CONFIDENCE = 0.95


@dataclass(frozen=True)
class SeedInterval:
    """A mean with its 95 % interval.

    Parameters
    ----------
    mean : float
        Over the repetitions.
    low, high : float
        Ends of the interval.
    """

    mean: float
    low: float
    high: float


def seed_interval(values: Sequence[float]) -> SeedInterval:
    """Give the mean of repetitions, and where it lies with a probability of 95 %.

    Parameters
    ----------
    values : sequence of float of length n_seeds
        One per repetition, at least two.

    Returns
    -------
    SeedInterval
        By Student's t with ``n_seeds - 1`` degrees of freedom, which suits as few as five.

    Raises
    ------
    ParameterError
        If there are fewer than two.
    """
    n_seeds = len(values)
    if n_seeds < 2:  # noqa: PLR2004 - a spread needs two
        raise ParameterError(f"An interval over seeds needs at least 2; got {n_seeds}.")
    mean = float(np.mean(values))
    error = float(np.std(values, ddof=1) / np.sqrt(n_seeds))
    reach = float(student.ppf((1 + CONFIDENCE) / 2, n_seeds - 1)) * error
    return SeedInterval(mean, mean - reach, mean + reach)
