"""What objectives have in common: parameters of their own, and those of their training."""

from typing import Any, Self

from sklearn.base import BaseEstimator

from skencoder.objectives.training import Training


class TrainedObjective(BaseEstimator):
    """An objective's parameters; ``training__...`` can be set where ``training`` is None."""

    training: Training | None

    def set_params(self, **params: Any) -> Self:
        """Set parameters, those of the training too.

        Parameters
        ----------
        **params : object
            By name, such as ``temperature`` or ``training__learning_rate``.

        Returns
        -------
        TrainedObjective
            Itself.

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        nested = any(name.startswith("training__") for name in params)
        if nested and self.training is None and "training" not in params:
            # The same as None, but with parameters that can be set.
            self.training = Training()
        super().set_params(**params)
        return self
