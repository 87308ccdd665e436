"""The loop: steps, a rate that rises and falls, the loss on held-out rows, and when to stop.

A training that goes on after an interruption, and one that was never interrupted, do the same:
what chance decides stands in drawing.py.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import nn

from skencoder.errors import TrainingError
from skencoder.fork_lock import ForkLock
from skencoder.tokenization import Index
from skencoder.training.attention import attend_for_training
from skencoder.training.drawing import Drawing
from skencoder.training.history import Record
from skencoder.training.learner import Learner
from skencoder.training.optimizer import clip_gradient, make_optimizer, trained_parameters
from skencoder.training.options import LoopOptions
from skencoder.training.schedules import warmup_then
from skencoder.training.stopping import Best
from skencoder.training.tasks import Task

# Told of each step, and of how many there are.
Watch = Callable[[Record, int], object]
SHOWN_ROWS = 10
# Dropout is drawn from a generator that all threads of a process share, so that of two trainings
# at once each would take the other's draws. Nor would two be faster than one after the other.
_ALONE = ForkLock(threading.RLock)


@dataclass
class Training:
    """A training: what it consists of, and how far it has come.

    Parameters
    ----------
    learner : Learner
        The model.
    task : Task
        What it learns.
    options : LoopOptions
        How.
    seed : int
        Of all that is drawn.

    Attributes
    ----------
    records : list of Record
        One per step that was taken.
    best : Best
        Weights at the lowest loss on held-out rows, where that is watched.
    is_whole : bool
        Whether weights, records and best belong together; False while a step changes them, and
        for good where it was interrupted.
    """

    learner: Learner
    task: Task
    options: LoopOptions
    seed: int
    records: list[Record] = field(default_factory=list, init=False)
    best: Best = field(default_factory=Best, init=False)

    def __post_init__(self) -> None:
        self.drawing = Drawing(self.task, self.options, self.seed)
        self.parameters = trained_parameters(self.modules)
        self.optimizer = make_optimizer(self.parameters, self.options)
        self.total = self.options.steps(self.drawing.per_epoch)
        self.steps_per_look = self.options.steps_per_look(self.drawing.per_epoch)
        self.is_whole = True

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """All that is trained, by name."""
        return self.learner.modules | dict(self.task.modules)

    @property
    def is_done(self) -> bool:
        """Whether no step is left, or the held-out loss has not fallen for long enough."""
        patience = self.options.patience
        stale = patience is not None and self.best.age >= patience
        return len(self.records) >= self.total or stale

    def run(self, watch: Watch) -> None:
        """Take all steps that are left; where another thread trains, when it has done.

        Parameters
        ----------
        watch : callable
            Told of each step.

        Raises
        ------
        TrainingError
            If the loss or its gradient is not finite, with the step and the user's rows; the
            weights are those before that step. If the loss on held-out rows is not finite.
        """
        devices = [self.learner.device] if self.learner.device.type == "cuda" else []
        try:
            with _ALONE.mine, self._attending(), torch.random.fork_rng(devices):
                self._run(watch)
        finally:
            self._train(False)

    def _attending(self) -> AbstractContextManager[None]:
        return attend_for_training(self.learner.encoder, autocast=self.learner.autocast)

    def _run(self, watch: Watch) -> None:
        begun = time.perf_counter() - (self.records[-1].seconds if self.records else 0.0)
        # An interruption may have come between the last step and this.
        self._validate_if_due()
        before = self._loss_before()
        while not self.is_done:
            self._step(len(self.records), begun, before)
            before = None
            self._validate_if_due()
            watch(self.records[-1], self.total)
        if self.options.patience is not None:
            self.best.restore(self.modules)

    def _step(self, number: int, begun: float, before: float | None) -> None:
        step, rate = self.drawing.step(number), self._rate(number)
        self._train(True)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.task.accumulate(self.learner, step)
        norm = float(clip_gradient(self.parameters, self.options.max_grad_norm))
        self._check_finite(number + 1, step.rows, loss, norm)
        record = Record(
            step=number + 1,
            epoch=(number + 1) / self.drawing.per_epoch,
            loss=loss,
            learning_rate=rate,
            gradient_norm=norm,
            tokens=self.task.tokens(step.rows),
            seconds=time.perf_counter() - begun,
            validation_loss_before=before,
        )
        with self._changing():
            self.optimizer.step()
            self.records.append(record)

    def _rate(self, number: int) -> float:
        options = self.options
        factor = warmup_then(
            options.schedule,  # type: ignore[arg-type]
            number,
            total_steps=self.total,
            warmup_steps=math.ceil(options.warmup * (self.total - 1)),
        )
        return options.learning_rate * factor

    def _check_finite(self, step: int, rows: Index, loss: float, norm: float) -> None:
        if math.isfinite(loss) and math.isfinite(norm):
            return
        # A text of many windows is named once.
        named = list(dict.fromkeys(self.task.origins(rows).tolist()))
        shown = ", ".join(map(str, named[:SHOWN_ROWS]))
        if len(named) > SHOWN_ROWS:
            shown += f" and {len(named) - SHOWN_ROWS} more"
        what = f"loss is {loss}" if not math.isfinite(loss) else f"gradient has length {norm}"
        raise TrainingError(
            f"Step {step}: the {what}, on rows {shown}. A lower learning_rate "
            f"({self.options.learning_rate} now) or precision='float32' may help; the weights "
            f"are those before this step."
        )

    def _loss_before(self) -> float | None:
        """Take the loss on held-out rows before the first step: the first best there is."""
        if self.records or self.is_done or not len(self.drawing.held_out):
            return None
        loss = self._held_out_loss()
        self._see(loss)
        return loss

    def _validate_if_due(self) -> None:
        steps = len(self.records)
        is_due = steps % self.steps_per_look == 0 or steps == self.total
        if not (steps and is_due and len(self.drawing.held_out)):
            return
        if self.records[-1].validation_loss is None:
            loss = self._held_out_loss()
            with self._changing():
                self._see(loss)
                self.records[-1] = replace(self.records[-1], validation_loss=loss)

    def _see(self, loss: float) -> None:
        if self.options.patience is not None:
            self.best.see(loss, self.modules)

    def _held_out_loss(self) -> float:
        self._train(False)
        steps = self.drawing.validation()
        losses = [self.task.evaluate(self.learner, step) for step in steps]
        loss = float(np.average(losses, weights=[len(step.rows) for step in steps]))
        if not math.isfinite(loss):
            done = len(self.records)
            when = f"After step {done}" if done else "Before the first step"
            raise TrainingError(
                f"{when} the loss on the held-out rows is {loss}. A lower learning_rate "
                f"({self.options.learning_rate} now) or precision='float32' may help."
            )
        return loss

    def _train(self, mode: bool) -> None:
        self.learner.train(mode)
        for module in self.task.modules.values():
            module.train(mode)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Say what has to happen whole: what an interruption leaves of it is nothing to keep."""
        self.is_whole = False
        yield
        self.is_whole = True
