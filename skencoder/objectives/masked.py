"""MaskedLanguageModeling: guess masked tokens, on a domain's texts or from scratch."""

from typing import ClassVar, Literal

import numpy as np

from skencoder.errors import ParameterError
from skencoder.objectives.models import open_with_head
from skencoder.objectives.trained import TrainedObjective
from skencoder.objectives.training import Defaults, Training
from skencoder.parameter_checks import check_above_zero
from skencoder.pseudo_likelihood import find_mask_id
from skencoder.training.lesson import Lesson
from skencoder.training.masked_rows import read_masked_rows
from skencoder.training.masked_task import MaskedTask
from skencoder.training.masking import ordinary_tokens


class MaskedLanguageModeling(TrainedObjective):
    """Learn from texts alone: guess tokens that are masked, others at every step.

    Long texts are read in windows, one after the other, so that nothing is left out. Of the tokens
    to be guessed 80 % are masked, 10 % exchanged for others, and 10 % stay. ``validation_share``
    holds out whole texts, where there are two or more; the tokenizer of a new model has read them.

    Parameters
    ----------
    mask_probability : float, default=0.15
        Of each token, or each word, to be guessed.
    whole_word : bool, default=False
        Whether all pieces of a word are masked together.
    tokenizer : {"wordpiece", "bpe", "unigram"}, default="wordpiece"
        What is trained first where the model is an ``EncoderConfig``.
    lowercase : bool, default=True
        Whether that tokenizer makes no difference between capitals and small letters.
    training : Training, default=None
        How it is trained; None is 3 epochs in batches of 32 windows.

    References
    ----------
    .. [1] Devlin et al. (2019), BERT, arXiv:1810.04805.
    .. [2] Gururangan et al. (2020), Don't Stop Pretraining, arXiv:2004.10964.
    """

    open_model = staticmethod(open_with_head)
    DEFAULTS: ClassVar[Defaults] = Defaults(epochs=3, batch_size=32, learning_rate=5e-5)

    def __init__(
        self,
        *,
        mask_probability: float = 0.15,
        whole_word: bool = False,
        tokenizer: Literal["wordpiece", "bpe", "unigram"] = "wordpiece",
        lowercase: bool = True,
        training: Training | None = None,
    ) -> None:
        self.mask_probability = mask_probability
        self.whole_word = whole_word
        self.tokenizer = tokenizer
        self.lowercase = lowercase
        self.training = training

    def make_task(self, lesson: Lesson) -> MaskedTask:
        """Make a task of texts.

        Parameters
        ----------
        lesson : Lesson
            Texts; what stands beside them is not looked at.

        Returns
        -------
        MaskedTask
            Each row a window.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        CheckpointError
            If the tokenizer has no mask.
        TrainingError
            If no text has a token.
        """
        self._check_probability()
        source, folder = lesson.source, lesson.parts.tokenizer_folder
        rows = read_masked_rows(lesson.texts, source.tokenizer, source.plan.max_length)
        special = source.tokenizer.special_ids()
        return MaskedTask(
            rows=rows,
            mask_id=find_mask_id(folder, source.tokenizer, {}),
            random_ids=np.flatnonzero(ordinary_tokens(source.tokenizer.vocab_size, special)),
            probability=self.mask_probability,
            whole_word=self.whole_word,
        )

    def _check_probability(self) -> None:
        if check_above_zero("mask_probability", self.mask_probability) > 1:
            raise ParameterError(
                f"mask_probability must be at most 1; got {self.mask_probability!r}."
            )
