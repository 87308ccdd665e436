"""Going on with a training that was interrupted: what is kept, and when."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from skencoder.training.history import Record
from skencoder.training.loop import Training, Watch
from skencoder.training.state_files import load_state, only_writer, save_state
from skencoder.training.state_parts import flatten_optimizer, restore_optimizer

# Digits of its identity that name a training's folder.
DIGITS = 16
FOREVER = -1


@dataclass
class Resuming:
    """A training and the folder that its state is kept in.

    Parameters
    ----------
    folder : Path
        Where; of this training alone.
    training : Training
        What is kept.
    """

    folder: Path
    training: Training

    @classmethod
    @contextmanager
    def open(cls, folder: Path, identity: str, training: Training) -> "Iterator[Resuming]":
        """Go on from the state in a folder, if there is one, and keep others out meanwhile.

        Whatever ends the training, its last whole step is kept. Where it ends in the moment in
        which weights are changed, the state that was saved last stays. So does that of a training
        that is finished: it gives its result at once.

        Parameters
        ----------
        folder : Path
            Where states are kept, each in a folder of its own, so that folds and candidates of
            a search do not meet.
        identity : str
            Hexadecimal digits that name model, data and parameters.
        training : Training
            Not begun; set to where it had come.

        Yields
        ------
        Resuming
            To be told of each step.

        Raises
        ------
        CheckpointError
            If the state is damaged.
        OSError
            If the folder cannot be written.
        """
        # A search varies what comes after the encoder, and its workers ask for one training at
        # once: the second waits, and finds it finished.
        with only_writer(folder / identity[:DIGITS], seconds=FOREVER) as place:
            resuming = cls(place, training)
            resuming._restore()
            begun_with = len(training.records)
            try:
                yield resuming
            finally:
                if training.is_whole and len(training.records) > begun_with:
                    resuming.save()

    def watching(self, watch: Watch, seconds: float) -> Watch:
        """Save now and then beside what else is told of each step.

        Parameters
        ----------
        watch : callable
            Told of each step too.
        seconds : float
            Time between two states.

        Returns
        -------
        callable
            For the loop.
        """
        last = time.monotonic()

        def told(record: Record, total: int) -> None:
            nonlocal last
            if time.monotonic() - last >= seconds:
                self.save()
                last = time.monotonic()
            watch(record, total)

        return told

    def save(self) -> None:
        """Write the state as it is after the last step.

        Raises
        ------
        OSError
            If it cannot be written; the state before it is intact.
        """
        training = self.training
        tensors, optimizer = flatten_optimizer(training.optimizer, training.parameters.items())
        tensors |= {f"weights/{name}": p for name, p in training.parameters.items()}
        tensors |= {f"best/{name}": value for name, value in training.best.weights.items()}
        facts = {
            "records": [asdict(record) for record in training.records],
            "best": {"loss": training.best.loss, "age": training.best.age},
            "optimizer": optimizer,
        }
        save_state(self.folder, tensors=tensors, facts=facts)

    @torch.no_grad()
    def _restore(self) -> None:
        state = load_state(self.folder)
        if state is None:
            return
        tensors, facts = state
        training = self.training
        for name, parameter in training.parameters.items():
            parameter.copy_(tensors[f"weights/{name}"])
        restore_optimizer(
            training.optimizer, training.parameters.items(), tensors, facts["optimizer"]
        )
        training.records = [Record(**record) for record in facts["records"]]
        training.best.loss, training.best.age = facts["best"]["loss"], facts["best"]["age"]
        training.best.weights = {
            name.removeprefix("best/"): value
            for name, value in tensors.items()
            if name.startswith("best/")
        }
