"""What a training wrote down of itself, step by step."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """One step.

    Parameters
    ----------
    step : int
        Counted from 1.
    epoch : float
        Passes over the rows that are done after it.
    loss : float
        Of the rows that it looked at, before it changed anything.
    learning_rate : float
        With which it changed the weights.
    gradient_norm : float
        Length of the gradient before it was shortened.
    tokens : int
        That it read.
    seconds : float
        Since the training began, pauses left out.
    validation_loss : float or None
        Of the held-out rows after the step, where it was taken.
    validation_loss_before : float or None
        Of the held-out rows before the step, where it is the first.
    """

    step: int
    epoch: float
    loss: float
    learning_rate: float
    gradient_norm: float
    tokens: int
    seconds: float
    validation_loss: float | None = None
    validation_loss_before: float | None = None
