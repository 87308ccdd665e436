"""How far a training has come: loss, tokens per second and remaining time."""

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skencoder.training.history import Record

# The loss that is shown is a mean over about as many steps, or it would jump.
SMOOTHED_STEPS = 20


class TrainingBar:
    """A bar of steps.

    Parameters
    ----------
    verbose : int
        Shown from 1 on.
    """

    def __init__(self, verbose: int) -> None:
        self._verbose = verbose
        self._bar: Any = None
        self._loss: float | None = None
        self._tokens = 0
        self._begun = 0.0

    def __enter__(self) -> "TrainingBar":
        self._begun = time.perf_counter()
        return self

    def see(self, record: "Record", total: int) -> None:
        """Hear of a step.

        Parameters
        ----------
        record : Record
            The step.
        total : int
            Steps in all.
        """
        if not self._verbose:
            return
        if self._bar is None:
            from huggingface_hub.utils.tqdm import tqdm

            self._bar = tqdm(
                total=total, initial=record.step - 1, unit=" steps", desc="Training",
                file=sys.stderr,
            )  # fmt: skip
        former = record.loss if self._loss is None else self._loss
        self._loss = former + (record.loss - former) / SMOOTHED_STEPS
        self._tokens += record.tokens
        # Of this run: a record's seconds count those before an interruption too.
        seconds = max(time.perf_counter() - self._begun, 1e-9)
        shown = f"loss {self._loss:.3f}, {self._tokens / seconds:,.0f} tokens/s"
        if record.validation_loss is not None:
            shown += f", held out {record.validation_loss:.3f}"
        self._bar.set_postfix_str(shown, refresh=False)
        self._bar.update()

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()
