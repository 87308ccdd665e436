"""Amounts in their own unit and as numbers of mean 0 and standard deviation 1."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skencoder.estimators.target_rows import Floats


@dataclass(frozen=True)
class Units:
    """What is 0 and what is 1 inside.

    Parameters
    ----------
    mean : float64 of shape (n_targets,)
        In the targets' unit.
    scale : float64 of shape (n_targets,)
        Their standard deviation; 1 for a target that is always the same.
    """

    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, y: Floats, weights: Floats) -> "Units":
        """Measure targets.

        Parameters
        ----------
        y : float64 of shape (n_texts,) or (n_texts, n_targets)
            Amounts.
        weights : float64 of shape (n_texts,)
            How much each counts.

        Returns
        -------
        Units
            Of their weighted mean and standard deviation.
        """
        columns = y.reshape(len(y), -1)
        mean = np.average(columns, axis=0, weights=weights)
        scale = np.sqrt(np.average((columns - mean) ** 2, axis=0, weights=weights))
        # What is left of equal numbers after a mean was taken off is rounding.
        is_constant = scale <= 1e-12 * np.maximum(np.abs(columns).max(axis=0), 1e-300)
        return cls(mean, np.where(is_constant, 1.0, scale))

    def standardise(self, y: Floats) -> NDArray[np.float32]:
        """Give amounts as they are inside.

        Parameters
        ----------
        y : float64 of shape (n_texts,) or (n_texts, n_targets)
            In their unit.

        Returns
        -------
        float32 of shape (n_texts, n_targets)
            Without a unit.
        """
        return ((y.reshape(len(y), -1) - self.mean) / self.scale).astype(np.float32)

    def give(self, coef: Floats, intercept: Floats) -> tuple[Floats, Floats]:
        """Turn a head that gives numbers without a unit into one that gives amounts.

        Parameters
        ----------
        coef : float64 of shape (n_targets, n_features)
            Weights.
        intercept : float64 of shape (n_targets,)
            What is added.

        Returns
        -------
        tuple of 2 float64 arrays
            The same in the targets' unit.
        """
        return coef * self.scale[:, None], intercept * self.scale + self.mean

    def strip(self, coef: Floats, intercept: Floats) -> tuple[Floats, Floats]:
        """Do the opposite of `give`.

        Parameters
        ----------
        coef : float64 of shape (n_targets, n_features)
            Weights in the targets' unit.
        intercept : float64 of shape (n_targets,)
            The same.

        Returns
        -------
        tuple of 2 float64 arrays
            Without a unit.
        """
        return coef / self.scale[:, None], (intercept - self.mean) / self.scale
