"""The loop: batches, steps, a rate that rises and falls, held-out rows, and when to stop.

All that is drawn is drawn from the seed and the step's number, so that a training that goes on
after an interruption, and one that was never interrupted, do the same.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import nn

from skencoder.errors import TrainingError
from skencoder.tokenization import Index
from skencoder.training.history import Record
from skencoder.training.learner import Learner, attend_for_training
from skencoder.training.optimizer import clip_gradient, make_optimizer, trained_parameters
from skencoder.training.options import LoopOptions
from skencoder.training.schedules import warmup_then
from skencoder.training.stopping import Best
from skencoder.training.tasks import Step, Task

# Told of each step, and of how many there are.
Watch = Callable[[Record, int], object]
# What is drawn for what: the held-out rows, an epoch's order, a step.
HELD_OUT, ORDER, STEP = range(3)
SHOWN_ROWS = 10


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
    """

    learner: Learner
    task: Task
    options: LoopOptions
    seed: int
    records: list[Record] = field(default_factory=list)
    best: Best = field(default_factory=Best)

    def __post_init__(self) -> None:
        self.rows, self.held_out = self._divide()
        self.parameters = trained_parameters(self.modules)
        self.optimizer = make_optimizer(self.parameters, self.options)
        self.per_epoch = len(self._epoch(0))
        self.total = self.options.steps(self.per_epoch)

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
        """Take all steps that are left.

        Parameters
        ----------
        watch : callable
            Told of each step.

        Raises
        ------
        TrainingError
            If the loss or its gradient is not finite; the weights are those before that step.
        """
        undo = attend_for_training(self.learner.encoder)
        devices = [self.learner.device] if self.learner.device.type == "cuda" else []
        try:
            with torch.random.fork_rng(devices):
                self._run(watch)
        finally:
            undo()
            self._train(False)

    def _run(self, watch: Watch) -> None:
        begun = time.perf_counter() - (self.records[-1].seconds if self.records else 0.0)
        while not self.is_done:
            number = len(self.records)
            record = self._step(number, self._epoch(number // self.per_epoch))
            self.records.append(replace(record, seconds=time.perf_counter() - begun))
            if self.held_out.size and self._ends_epoch(number + 1):
                self._validate()
            watch(self.records[-1], self.total)
        if self.options.patience is not None:
            self.best.restore(self.modules)

    def _divide(self) -> tuple[Index, Index]:
        """Hold rows out."""
        n_rows, share = self.task.n_rows, self.options.validation_share
        order = self._rng(HELD_OUT).permutation(n_rows)
        held = max(1, round(share * n_rows)) if share else 0
        if held >= n_rows:
            raise TrainingError(
                f"validation_share={share} of {n_rows} rows leaves none to learn from; give more "
                f"texts, or validation_share=0."
            )
        return np.sort(order[held:]), np.sort(order[:held])

    def _rng(self, *what: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *what])

    def _epoch(self, number: int) -> list[Index]:
        return self.task.batches(self.rows, self.options.batch_size, self._rng(ORDER, number))

    def _ends_epoch(self, steps: int) -> bool:
        return steps % self.per_epoch == 0 or steps == self.total

    def _rate(self, number: int) -> float:
        options = self.options
        factor = warmup_then(
            options.schedule,  # type: ignore[arg-type]
            number,
            total_steps=self.total,
            warmup_steps=math.ceil(options.warmup * (self.total - 1)),
        )
        return options.learning_rate * factor

    def _step(self, number: int, batches: list[Index]) -> Record:
        rows = batches[number % self.per_epoch]
        rate = self._rate(number)
        self._train(True)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.task.accumulate(self.learner, self._ask(rows, STEP, number))
        norm = float(clip_gradient(self.parameters, self.options.max_grad_norm))
        self._check_finite(number + 1, rows, loss, norm)
        self.optimizer.step()
        return Record(
            step=number + 1,
            epoch=(number + 1) / self.per_epoch,
            loss=loss,
            learning_rate=rate,
            gradient_norm=norm,
            tokens=self.task.tokens(rows),
            seconds=0.0,
        )

    def _ask(self, rows: Index, *what: int) -> Step:
        # Apart from each other far enough that a step's passes can be numbered.
        seed = int(self._rng(*what).integers(2**62))
        return Step(rows, seed, self.options.batch_tokens)

    def _check_finite(self, step: int, rows: Index, loss: float, norm: float) -> None:
        if math.isfinite(loss) and math.isfinite(norm):
            return
        shown = ", ".join(map(str, rows[:SHOWN_ROWS])) + (", ..." * (len(rows) > SHOWN_ROWS))
        what = f"loss is {loss}" if not math.isfinite(loss) else f"gradient has length {norm}"
        raise TrainingError(
            f"Step {step}: the {what}, on rows {shown}. A lower learning_rate "
            f"({self.options.learning_rate} now) or precision='float32' may help; the weights "
            f"are those before this step."
        )

    def _validate(self) -> None:
        self._train(False)
        pieces = [
            self.held_out[start : start + self.options.batch_size]
            for start in range(0, len(self.held_out), self.options.batch_size)
        ]
        losses = [
            self.task.evaluate(self.learner, self._ask(piece, HELD_OUT, n))
            for n, piece in enumerate(pieces)
        ]
        loss = float(np.average(losses, weights=[len(piece) for piece in pieces]))
        self.records[-1] = replace(self.records[-1], validation_loss=loss)
        if self.options.patience is not None:
            self.best.see(loss, self.modules)

    def _train(self, mode: bool) -> None:
        self.learner.train(mode)
        for module in self.task.modules.values():
            module.train(mode)
