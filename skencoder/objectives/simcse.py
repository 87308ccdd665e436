"""SimCSE: two views of each text, against the other texts of a batch."""

from functools import partial
from typing import ClassVar

import numpy as np
from torch import Tensor

from skencoder.encoder import Encoder, MaskedLM, StaticEncoder
from skencoder.errors import ParameterError
from skencoder.objectives.answers import check_different
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


class SimCSE(TrainedObjective):
    """Learn from texts alone: two views of a text, by dropout, against the other texts of a batch.

    A model whose dropout is 0 has one view only and is refused.

    Parameters
    ----------
    temperature : float, default=0.05
        The smaller, the more the nearest wrong texts count.
    training : Training, default=None
        How it is trained; None is one epoch in batches of 64.

    References
    ----------
    .. [1] Gao, Yao & Chen (2021), SimCSE, arXiv:2104.08821.
    """

    open_model = staticmethod(open_as_it_is)
    DEFAULTS: ClassVar[Defaults] = Defaults(epochs=1, batch_size=64, learning_rate=1e-5)

    def __init__(self, *, temperature: float = 0.05, training: Training | None = None) -> None:
        self.temperature = temperature
        self.training = training

    def make_task(self, lesson: Lesson) -> EmbeddingTask:
        """Make a task of texts.

        Parameters
        ----------
        lesson : Lesson
            Texts; what stands beside them is not looked at.

        Returns
        -------
        EmbeddingTask
            Each row a text, twice.

        Raises
        ------
        ParameterError
            If a parameter cannot be used, or the model has no dropout.
        TrainingError
            If all texts are the same.
        """
        check_above_zero("temperature", self.temperature)
        _check_dropout(lesson.parts.model)
        check_different(lesson.texts)
        # Both views are of one text.
        members = np.tile(np.arange(len(lesson.texts)), (2, 1))
        groups = equal_texts(lesson.texts)

        def loss(vectors: Tensor, rows: Index) -> Tensor:
            first, second = vectors
            return ranking_loss(
                first,
                second,
                temperature=self.temperature,
                ignored=on_device(no_negatives(groups[members[:, rows]]), vectors),
            )

        return EmbeddingTask(
            lesson.source.read(lesson.texts),
            members,
            loss,
            holder=partial(comparable_rows, kinds=groups[None]),
            least_rows=2,
        )


def _check_dropout(model: Encoder | MaskedLM | StaticEncoder) -> None:
    """Refuse a model that makes the same vector of a text each time."""
    if isinstance(model, StaticEncoder):
        raise ParameterError(
            "A static model has no dropout, so that SimCSE's two views of a text would be the "
            "same; PairRanking and SupervisedContrastive learn without it."
        )
    config = (model.encoder if isinstance(model, MaskedLM) else model).config
    if not (config.hidden_dropout_prob or config.attention_probs_dropout_prob):
        raise ParameterError(
            "The model has hidden_dropout_prob=0 and attention_probs_dropout_prob=0, so that "
            "SimCSE's two views of a text would be the same. Set them to 0.1, say, in its "
            "EncoderConfig or in a copy of its config.json (there they may have other names, such "
            "as mlp_dropout), or learn with another objective."
        )
