"""PairRanking: the text that belongs to each, against all others of a batch."""

from functools import partial
from typing import ClassVar

import numpy as np
from torch import Tensor

from skencoder.objectives.answers import check_different, read_partners
from skencoder.objectives.equality import equal_texts, no_negatives
from skencoder.objectives.models import open_as_it_is
from skencoder.objectives.sampling import comparable_rows
from skencoder.objectives.trained import TrainedObjective
from skencoder.objectives.training import Defaults, Training
from skencoder.parameter_checks import check_above_zero
from skencoder.tokenization import Index
from skencoder.training.lesson import Lesson
from skencoder.training.losses import ranking_loss
from skencoder.training.tasks import EmbeddingTask, on_device

# Anchor and positive, without negatives.
PLAIN = 2


class PairRanking(TrainedObjective):
    """Learn from pairs: the text that belongs to each, against all others of a batch.

    ``y`` holds for each text the one that belongs to it, such as the answer to a question, or a
    sequence of it and hard negatives. A text that stands in several rows may have several answers:
    rows that share it, or its answer, are no negatives of each other, nor is it one of itself.

    Parameters
    ----------
    temperature : float, default=0.05
        The smaller, the more the nearest wrong texts count.
    symmetric : bool, default=False
        Ask from the other side too.
    training : Training, default=None
        How it is trained; None is one epoch in batches of 64.

    References
    ----------
    .. [1] Henderson et al. (2017), Efficient natural language response suggestion for smart reply,
       arXiv:1705.00652.
    """

    open_model = staticmethod(open_as_it_is)
    DEFAULTS: ClassVar[Defaults] = Defaults(epochs=1, batch_size=64, learning_rate=2e-5)

    def __init__(
        self,
        *,
        temperature: float = 0.05,
        symmetric: bool = False,
        training: Training | None = None,
    ) -> None:
        self.temperature = temperature
        self.symmetric = symmetric
        self.training = training

    def make_task(self, lesson: Lesson) -> EmbeddingTask:
        """Make a task of texts and their partners.

        Parameters
        ----------
        lesson : Lesson
            Texts, and for each the one that belongs to it.

        Returns
        -------
        EmbeddingTask
            Each row an anchor, its positive and its negatives.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        TrainingError
            If a row is no text, or all texts or all partners are the same.
        """
        check_above_zero("temperature", self.temperature)
        partners = read_partners(lesson.y, len(lesson.texts))
        check_different(lesson.texts)
        check_different([row[0] for row in partners])
        texts = [*lesson.texts, *(text for side in zip(*partners, strict=True) for text in side)]
        # (sides, n_rows): a row's anchor, positive and negatives.
        members = np.arange(len(texts)).reshape(-1, len(lesson.texts))
        groups = equal_texts(texts)

        def loss(vectors: Tensor, rows: Index) -> Tensor:
            return ranking_loss(
                vectors[0],
                vectors[1:].flatten(0, 1),
                temperature=self.temperature,
                ignored=on_device(no_negatives(groups[members[:, rows]]), vectors),
                symmetric=self.symmetric,
            )

        # A row with negatives of its own has something to be compared with.
        alone = len(members) == PLAIN
        return EmbeddingTask(
            lesson.source.read(texts),
            members,
            loss,
            holder=partial(comparable_rows, kinds=groups[members]) if alone else None,
            least_rows=2 if alone else 1,
        )
