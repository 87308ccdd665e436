"""Matryoshka: another objective, asked of the first dimensions too."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sklearn.base import BaseEstimator
from torch import Tensor

from skencoder.errors import ParameterError
from skencoder.objectives.training import Defaults, Training
from skencoder.parameter_checks import check_count
from skencoder.tokenization import Index
from skencoder.training.lesson import Lesson
from skencoder.training.parts import Parts
from skencoder.training.tasks import EmbeddingTask

if TYPE_CHECKING:
    from skencoder.objectives.protocol import Objective


class Matryoshka(BaseEstimator):
    """Learn vectors whose first dimensions are good vectors by themselves.

    The loss is the mean of the wrapped objective's loss on all dimensions and on the first of
    them, for each width asked for.

    Parameters
    ----------
    objective : objective
        One that compares vectors. Its own ``training`` says how it is trained.
    dims : sequence of int, default=(256, 128, 64)
        Widths beside the full one; wider ones than the model's are an error.

    References
    ----------
    .. [1] Kusupati et al. (2022), Matryoshka Representation Learning, arXiv:2205.13147.
    """

    def __init__(self, objective: "Objective", *, dims: Sequence[int] = (256, 128, 64)) -> None:
        self.objective = objective
        self.dims = dims

    @property
    def DEFAULTS(self) -> Defaults:  # noqa: N802 - a constant of the others
        """What the wrapped objective takes where nothing is said."""
        return self._inner().DEFAULTS

    @property
    def training(self) -> Training | None:
        """How the wrapped objective is trained."""
        return self._inner().training

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
            As the wrapped objective opens it.

        Raises
        ------
        ParameterError
            If what is wrapped is no objective.
        CheckpointError
            If the model cannot be used.
        """
        return self._inner().open_model(model, seed)

    def make_task(self, lesson: Lesson) -> EmbeddingTask:
        """Make the wrapped objective's task, with a loss of several widths.

        Parameters
        ----------
        lesson : Lesson
            What the wrapped objective needs.

        Returns
        -------
        EmbeddingTask
            The same rows.

        Raises
        ------
        ParameterError
            If the objective does not compare vectors, or a width is not below the model's.
        """
        task = self._inner().make_task(lesson)
        if not isinstance(task, EmbeddingTask):
            raise ParameterError(
                f"Matryoshka wraps an objective that compares vectors; "
                f"{type(self.objective).__name__} does not."
            )
        dims = self._check_dims(lesson.source.plan.n_features)
        inner = task.loss

        def loss(vectors: Tensor, rows: Index) -> Tensor:
            losses = [inner(vectors[..., :dim], rows) for dim in (None, *dims)]
            total: Tensor = sum(losses[1:], losses[0]) / len(losses)
            return total

        return replace(task, loss=loss)

    def _inner(self) -> "Objective":
        wrapped = self.objective
        if isinstance(wrapped, type) or not hasattr(wrapped, "make_task"):
            raise ParameterError(
                f"objective must be an objective of skencoder.objectives that compares vectors, "
                f"such as SimCSE(); got {wrapped!r}."
            )
        return wrapped

    def _check_dims(self, width: int) -> list[int]:
        if isinstance(self.dims, str) or not isinstance(self.dims, Iterable):
            raise ParameterError(f"dims must be a sequence of widths; got {self.dims!r}.")
        dims = [check_count("dims", dim, at_least=1) for dim in self.dims]
        if not dims or max(dims) >= width:
            raise ParameterError(
                f"dims must name widths below the model's {width}; got {list(self.dims)}."
            )
        return dims
