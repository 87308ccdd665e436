"""How a model is trained, whatever it is trained for."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skencoder.errors import ParameterError
from skencoder.parameter_checks import (
    check_above_zero,
    check_count,
    check_finite,
    check_share,
)

SCHEDULES = ("linear", "cosine", "constant")
PRECISIONS = ("auto", "float32", "bfloat16")
# On held-out rows in a training of one epoch or less, whose end alone would stop nothing.
LOOKS = 10


@dataclass(frozen=True, kw_only=True)
class AdapterOptions:
    """Matrices of low rank that are trained in place of all weights.

    Parameters
    ----------
    rank : int, default=8
        Of each addition.
    alpha : float, default=16
        The addition is multiplied by ``alpha / rank``.
    targets : tuple of str, default=("query", "value")
        Which linear maps of each layer get one.
    """

    rank: int = 8
    alpha: float = 16.0
    targets: tuple[str, ...] = ("query", "value")


@dataclass(frozen=True, kw_only=True)
class LoopOptions:
    """How a model is trained.

    Parameters
    ----------
    epochs : float
        Passes over the rows; a part of one counts too.
    max_steps : int or None
        Steps at most; 0 trains nothing.
    batch_size : int
        Rows that a step looks at.
    batch_tokens : int
        Most tokens in one pass through the model; a step is as many passes as it takes.
    learning_rate : float
        The highest.
    schedule : {"linear", "cosine", "constant"}
        How it falls after the warm-up.
    warmup : float
        Share of the steps in which it rises.
    weight_decay : float
        Of weights, not of biases and norms.
    max_grad_norm : float
        A longer gradient is shortened to this length.
    precision : {"auto", "float32", "bfloat16"}
        In what the model multiplies; its weights stay float32. Auto takes bfloat16 where the
        hardware multiplies it natively.
    gradient_checkpointing : bool
        Less memory, a third more time.
    adapters : AdapterOptions or None
        Train these and leave the weights as they are; None trains all weights.
    validation_share : float
        Part of the rows that is held out to watch the loss.
    patience : int or None
        Looks at the held-out rows without a lower loss after which training stops; the best
        weights are kept, which may be the first ones. None goes on to the end and keeps the last.
    folder : Path or None
        Where the state is kept for going on after an interruption.
    save_seconds : float
        Time between two states, in seconds.

    Raises
    ------
    ParameterError
        If a number cannot be used; it is named.
    """

    epochs: float
    max_steps: int | None
    batch_size: int
    batch_tokens: int
    learning_rate: float
    schedule: str
    warmup: float
    weight_decay: float
    max_grad_norm: float
    precision: str
    gradient_checkpointing: bool
    adapters: AdapterOptions | None
    validation_share: float
    patience: int | None
    folder: Path | None
    save_seconds: float

    def __post_init__(self) -> None:
        self._make_plain()
        for name in ("epochs", "learning_rate", "max_grad_norm"):
            check_above_zero(name, getattr(self, name))
        for name in ("weight_decay", "save_seconds"):
            if check_finite(name, getattr(self, name)) < 0:
                raise ParameterError(f"{name} must be 0 or more; got {getattr(self, name)!r}.")
        check_share("warmup", self.warmup)
        check_count("batch_size", self.batch_size, at_least=1)
        check_count("batch_tokens", self.batch_tokens, at_least=1)
        if self.max_steps is not None:
            check_count("max_steps", self.max_steps, at_least=0)
        _check_choice("schedule", self.schedule, SCHEDULES)
        _check_choice("precision", self.precision, PRECISIONS)
        if not isinstance(self.gradient_checkpointing, bool):
            raise ParameterError(
                f"gradient_checkpointing must be True or False; got "
                f"{self.gradient_checkpointing!r}."
            )
        self._check_validation()

    def _make_plain(self) -> None:
        """Turn numpy's numbers, which searches draw, into Python's: a state is kept as JSON."""
        for name, value in vars(self).items():
            if isinstance(value, np.generic):
                object.__setattr__(self, name, value.item())

    def _check_validation(self) -> None:
        if check_share("validation_share", self.validation_share) > 1 / 2:
            raise ParameterError(
                f"validation_share must be at most 0.5; got {self.validation_share!r}."
            )
        if self.patience is None:
            return
        check_count("patience", self.patience, at_least=1)
        if not self.validation_share:
            raise ParameterError(
                f"patience={self.patience} watches the loss on held-out rows, but "
                f"validation_share=0 holds none out; choose for instance 0.1."
            )

    def steps(self, per_epoch: int) -> int:
        """Count the steps of a training.

        Parameters
        ----------
        per_epoch : int
            Steps of one pass over the rows.

        Returns
        -------
        int
            At least 1, unless ``max_steps`` is 0.
        """
        steps = max(1, math.ceil(self.epochs * per_epoch))
        return steps if self.max_steps is None else min(steps, self.max_steps)

    def steps_per_look(self, per_epoch: int) -> int:
        """Say after how many steps the loss on held-out rows is taken.

        Parameters
        ----------
        per_epoch : int
            Steps of one pass over the rows.

        Returns
        -------
        int
            Those of an epoch, or, where there is but one and patience watches, of a tenth.
        """
        total = self.steps(per_epoch)
        if self.patience is None or total > per_epoch:
            return per_epoch
        return max(1, math.ceil(total / LOOKS))


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ParameterError(f"{name} must be one of {', '.join(choices)}; got {value!r}.")
