"""What an estimator asks of an objective."""

from typing import ClassVar, Protocol, runtime_checkable

from skencoder.objectives.training import Defaults, Training
from skencoder.training.lesson import Lesson
from skencoder.training.parts import Parts
from skencoder.training.tasks import Task


@runtime_checkable
class Objective(Protocol):
    """What a model is trained for."""

    DEFAULTS: ClassVar[Defaults]
    training: Training | None

    def open_model(self, model: str, seed: int) -> Parts:
        """Give the model that learns.

        Parameters
        ----------
        model : str
            Name or folder of the checkpoint it begins as.
        seed : int
            Of weights that are new.

        Returns
        -------
        Parts
            Float32, on the CPU.
        """

    def make_task(self, lesson: Lesson) -> Task:
        """Make a task of texts and what belongs to them.

        Parameters
        ----------
        lesson : Lesson
            What came.

        Returns
        -------
        Task
            For the loop.
        """
