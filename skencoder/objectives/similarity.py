"""SimilarityRegression: pairs of texts in the order of their scores."""

from functools import partial
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor

from skencoder.errors import ParameterError
from skencoder.objectives.answers import check_different, read_scored
from skencoder.objectives.models import open_as_it_is
from skencoder.objectives.sampling import comparable_rows
from skencoder.objectives.trained import TrainedObjective
from skencoder.objectives.training import Defaults, Training
from skencoder.parameter_checks import check_above_zero
from skencoder.tokenization import Index
from skencoder.training.lesson import Lesson
from skencoder.training.losses import angle_loss, cosent_loss
from skencoder.training.tasks import EmbeddingTask, on_device

LOSSES = {"cosent": cosent_loss, "angle": angle_loss}


class SimilarityRegression(TrainedObjective):
    """Learn from pairs with scores: the more alike, the nearer.

    ``y`` holds for each text a pair of another text and their score, in any unit.

    Parameters
    ----------
    loss : {"cosent", "angle"}, default="cosent"
        Whether cosines are put in the order of the scores, or angles between complex vectors.
    scale : float, default=20.0
        The larger, the more the pairs count that are furthest from their order.
    training : Training, default=None
        How it is trained; None is one epoch in batches of 32.

    References
    ----------
    .. [1] Su (2022), CoSENT, https://kexue.fm/archives/8847.
    .. [2] Li & Li (2024), AnglE-optimized Text Embeddings, arXiv:2309.12871.
    """

    open_model = staticmethod(open_as_it_is)
    DEFAULTS: ClassVar[Defaults] = Defaults(epochs=1, batch_size=32, learning_rate=2e-5)

    def __init__(
        self,
        *,
        loss: Literal["cosent", "angle"] = "cosent",
        scale: float = 20.0,
        training: Training | None = None,
    ) -> None:
        self.loss = loss
        self.scale = scale
        self.training = training

    def make_task(self, lesson: Lesson) -> EmbeddingTask:
        """Make a task of scored pairs.

        Parameters
        ----------
        lesson : Lesson
            Texts, and for each another one and their score.

        Returns
        -------
        EmbeddingTask
            Each row two texts.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        TrainingError
            If a row is no such pair, or all scores or all pairs are equal.
        """
        if self.loss not in LOSSES:
            raise ParameterError(f"loss must be one of {', '.join(LOSSES)}; got {self.loss!r}.")
        check_above_zero("scale", self.scale)
        others, scores = read_scored(lesson.y, len(lesson.texts))
        check_different([*zip(lesson.texts, others, strict=True)], "pairs")
        members = np.arange(2 * len(others)).reshape(2, -1)

        def loss(vectors: Tensor, rows: Index) -> Tensor:
            first, second = vectors
            wanted = on_device(scores[rows], vectors)
            return LOSSES[self.loss](first, second, wanted, scale=self.scale)

        return EmbeddingTask(
            lesson.source.read([*lesson.texts, *others]),
            members,
            loss,
            holder=partial(comparable_rows, kinds=scores[None]),
            least_rows=2,
        )
