"""SupervisedContrastive: texts of one class together, against those of others."""

from functools import partial
from typing import ClassVar

import numpy as np
from torch import Tensor

from skencoder.objectives.answers import check_different, read_labels
from skencoder.objectives.models import open_as_it_is
from skencoder.objectives.sampling import class_batches, class_pairs
from skencoder.objectives.trained import TrainedObjective
from skencoder.objectives.training import Defaults, Training
from skencoder.parameter_checks import check_above_zero, check_count
from skencoder.tokenization import Index
from skencoder.training.lesson import Lesson
from skencoder.training.losses import supervised_contrastive_loss
from skencoder.training.tasks import EmbeddingTask, on_device


class SupervisedContrastive(TrainedObjective):
    """Learn from labels: texts of one class together, those of others apart.

    Pairs are never listed: a batch compares all its texts at once, so that memory and time grow
    with the number of texts.

    Parameters
    ----------
    temperature : float, default=0.07
        The smaller, the more the nearest texts count.
    texts_per_class : int, default=2
        Texts of one class that are drawn together.
    training : Training, default=None
        How it is trained; None is 10 epochs in batches of 64.

    References
    ----------
    .. [1] Khosla et al. (2020), Supervised contrastive learning, arXiv:2004.11362.
    """

    open_model = staticmethod(open_as_it_is)
    DEFAULTS: ClassVar[Defaults] = Defaults(epochs=10, batch_size=64, learning_rate=5e-5)

    def __init__(
        self,
        *,
        temperature: float = 0.07,
        texts_per_class: int = 2,
        training: Training | None = None,
    ) -> None:
        self.temperature = temperature
        self.texts_per_class = texts_per_class
        self.training = training

    def make_task(self, lesson: Lesson) -> EmbeddingTask:
        """Make a task of texts and their labels.

        Parameters
        ----------
        lesson : Lesson
            Texts and labels.

        Returns
        -------
        EmbeddingTask
            Each row a text.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        TrainingError
            If the labels cannot be learned from, or all texts are the same.
        """
        check_above_zero("temperature", self.temperature)
        together = check_count("texts_per_class", self.texts_per_class, at_least=2)
        codes = read_labels(lesson.y, len(lesson.texts))
        check_different(lesson.texts)

        def loss(vectors: Tensor, rows: Index) -> Tensor:
            labels = on_device(codes[rows], vectors)
            return supervised_contrastive_loss(vectors[0], labels, temperature=self.temperature)

        return EmbeddingTask(
            lesson.source.read(lesson.texts),
            np.arange(len(lesson.texts))[None],
            loss,
            sampler=partial(class_batches, codes=codes, together=together),
            holder=partial(class_pairs, codes=codes),
            # No more than that is drawn together of one class, however few texts it has.
            least_rows=2 * min(together, int(np.bincount(codes).max())),
        )
