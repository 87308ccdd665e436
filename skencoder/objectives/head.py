"""The objective of a head and the model below it: what EncoderClassifier and Regressor train."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn.base import BaseEstimator
from torch import Tensor
from torch.nn.functional import normalize

from skencoder.errors import TrainingError
from skencoder.objectives.models import open_as_it_is
from skencoder.objectives.training import Defaults, Training
from skencoder.tokenization import Index
from skencoder.training.heads import Exercise, OutputLoss
from skencoder.training.lesson import Lesson
from skencoder.training.losses.outputs import huber_loss, sigmoid_loss, softmax_loss, squared_loss
from skencoder.training.tasks import EmbeddingTask, on_device

SMOOTHED = {"softmax": softmax_loss, "sigmoid": sigmoid_loss}
PLAIN: Mapping[str, OutputLoss] = {"squared": squared_loss, "huber": huber_loss}


class HeadObjective(BaseEstimator):
    """Learn what a head shall give for each text.

    The head itself comes with the targets, as an `Exercise`, and is trained in place, so that
    nothing of it is kept here.

    Parameters
    ----------
    loss : {"softmax", "sigmoid", "squared", "huber"}, default="softmax"
        Of the head's outputs.
    label_smoothing : float, default=0.0
        Of the first two.
    dropout : float, default=0.1
        Share of a vector's numbers that the head does not see while it is trained; it stands
        here so that it is part of what tells one training from another.
    training : Training, default=None
        How it is trained.
    """

    open_model = staticmethod(open_as_it_is)
    DEFAULTS: ClassVar[Defaults] = Defaults(epochs=5, batch_size=16, learning_rate=1e-4)

    def __init__(
        self,
        *,
        loss: Literal["softmax", "sigmoid", "squared", "huber"] = "softmax",
        label_smoothing: float = 0.0,
        dropout: float = 0.1,
        training: Training | None = None,
    ) -> None:
        self.loss = loss
        self.label_smoothing = label_smoothing
        self.dropout = dropout
        self.training = training

    def make_loss(self) -> OutputLoss:
        """Give the loss of outputs, targets and weights.

        Returns
        -------
        callable
            A mean over rows.
        """
        if self.loss in SMOOTHED:
            return partial(SMOOTHED[self.loss], label_smoothing=self.label_smoothing)
        return PLAIN[self.loss]

    def make_task(self, lesson: Lesson) -> EmbeddingTask:
        """Make a task of texts and what the head shall give for them.

        Parameters
        ----------
        lesson : Lesson
            Texts, and an `Exercise` beside them.

        Returns
        -------
        EmbeddingTask
            Each row a text; the head is trained too.

        Raises
        ------
        TrainingError
            If head and model do not fit each other.
        """
        exercise: Exercise = lesson.y
        width = lesson.source.plan.n_features
        if exercise.head.weight.shape[1] != width:
            raise TrainingError(
                f"The head takes vectors of {exercise.head.weight.shape[1]} dimensions, the model "
                f"gives {width}; to go on, model and pooling must be as they were."
            )
        compare = self.make_loss()

        def loss(vectors: Tensor, rows: Index) -> Tensor:
            outputs = exercise.head(normalize(vectors[0], dim=1))
            wanted: list[Any] = [exercise.targets[rows], exercise.weights[rows]]
            return compare(outputs, *(on_device(each, outputs) for each in wanted))

        return EmbeddingTask(
            lesson.source.read(lesson.texts),
            np.arange(len(lesson.texts))[None],
            loss,
            modules={"head": exercise.head},
            numbers=exercise.numbers,
        )
