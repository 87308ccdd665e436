"""Distillation: a smaller model that gives a larger one's vectors."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor

from skencoder.encoding_options import EncodingOptions
from skencoder.errors import ParameterError
from skencoder.objectives.answers import check_different
from skencoder.objectives.equality import equal_texts
from skencoder.objectives.models import open_student
from skencoder.objectives.sampling import comparable_rows
from skencoder.objectives.trained import TrainedObjective
from skencoder.objectives.training import Defaults, Training
from skencoder.parameter_checks import check_above_zero
from skencoder.text_encoder import TextEncoder
from skencoder.tokenization import Index
from skencoder.training.lesson import Lesson
from skencoder.training.losses import similarity_matrix_loss, vector_loss
from skencoder.training.losses.inputs import unit_rows
from skencoder.training.parts import Parts
from skencoder.training.tasks import EmbeddingTask, on_device

# Texts of which one has two neighbours, a near one and a far one.
NEIGHBOURS = 3


class Distillation(TrainedObjective):
    """Learn a larger model's vectors of texts: most of its quality at more speed.

    Parameters
    ----------
    teacher : str or Path, default=None
        Whose vectors are learned, in the estimator's ``precision`` and on its ``device``; None is
        the model that the student is made of.
    num_hidden_layers : int, default=None
        Layers that the student keeps, spread evenly; None keeps all.
    hidden_size : int, default=None
        Dimensions that the student keeps; None keeps all.
    static : bool, default=False
        Whether the student is a table of token vectors, which has no layers at all.
    loss : {"auto", "vectors", "similarities"}, default="auto"
        Whether the teacher's vectors are learned, or which texts of a batch are near which, for
        students of another width; auto takes vectors where the widths agree.
    temperature : float, default=0.05
        Of "similarities": the smaller, the more only the nearest texts count.
    training : Training, default=None
        How it is trained; None is 3 epochs in batches of 64.

    References
    ----------
    .. [1] Reimers & Gurevych (2020), Making Monolingual Sentence Embeddings Multilingual using
       Knowledge Distillation, arXiv:2004.09813.
    .. [2] Sanh et al. (2019), DistilBERT, arXiv:1910.01108.
    """

    DEFAULTS: ClassVar[Defaults] = Defaults(epochs=3, batch_size=64, learning_rate=1e-4)

    def __init__(
        self,
        *,
        teacher: str | Path | None = None,
        num_hidden_layers: int | None = None,
        hidden_size: int | None = None,
        static: bool = False,
        loss: Literal["auto", "vectors", "similarities"] = "auto",
        temperature: float = 0.05,
        training: Training | None = None,
    ) -> None:
        self.teacher = teacher
        self.num_hidden_layers = num_hidden_layers
        self.hidden_size = hidden_size
        self.static = static
        self.loss = loss
        self.temperature = temperature
        self.training = training

    def open_model(self, model: str, seed: int) -> Parts:
        """Give the student, before it has learned anything.

        Parameters
        ----------
        model : str
            Name or folder of the model it is made of.
        seed : int
            Of weights that are new; there are none.

        Returns
        -------
        Parts
            Float32, on the CPU.

        Raises
        ------
        CheckpointError
            If the model cannot be made smaller in this way.
        ParameterError
            If a size does not fit the model, a static student is given sizes, or the student would
            be its own teacher.
        """
        smaller = self.static or (self.num_hidden_layers, self.hidden_size) != (None, None)
        if self.teacher is None and not smaller:
            raise ParameterError(
                "The student would be its own teacher: choose num_hidden_layers, hidden_size or "
                "static=True, or name a teacher."
            )
        if self.static and (self.num_hidden_layers is not None or self.hidden_size is not None):
            raise ParameterError(
                "A static student has no layers and the width of its table; leave "
                "num_hidden_layers and hidden_size at None."
            )
        return open_student(
            model,
            num_hidden_layers=self.num_hidden_layers,
            hidden_size=self.hidden_size,
            static=self.static,
        )

    def make_task(self, lesson: Lesson) -> EmbeddingTask:
        """Make a task of texts and the teacher's vectors of them.

        Parameters
        ----------
        lesson : Lesson
            Texts; what stands beside them is not looked at.

        Returns
        -------
        EmbeddingTask
            Each row a text.

        Raises
        ------
        ParameterError
            If a parameter cannot be used, or the loss needs vectors of one width and they are
            not.
        TrainingError
            If all texts are the same.
        """
        check_above_zero("temperature", self.temperature)
        self._check_loss()
        check_different(lesson.texts)
        teacher = TextEncoder.load(
            self.teacher or lesson.model, precision=lesson.precision, device=lesson.device
        )
        wanted = self._teach(teacher, lesson)
        compare = self._choose_loss(lesson.source.plan.n_features, wanted.shape[1])

        def loss(vectors: Tensor, rows: Index) -> Tensor:
            goal = on_device(wanted[rows], vectors)
            if compare == "vectors" and vectors.shape[2] == goal.shape[1]:
                # Of unit length, as the teacher's are: only directions are compared.
                return vector_loss(unit_rows(vectors[0]), unit_rows(goal)) * goal.shape[1]
            return similarity_matrix_loss(vectors[0], goal, temperature=self.temperature)

        task = EmbeddingTask(
            lesson.source.read(lesson.texts),
            np.arange(len(lesson.texts))[None],
            loss,
            teacher=f"{teacher.fingerprint} {teacher.precision}",
        )
        if compare == "vectors":
            return task
        kinds = equal_texts(lesson.texts)[None]
        holder = partial(comparable_rows, kinds=kinds, at_least=NEIGHBOURS)
        return replace(task, holder=holder, least_rows=NEIGHBOURS)

    def _teach(
        self, teacher: TextEncoder, lesson: Lesson
    ) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        plan = lesson.source.plan
        # Another teacher has a prompt of its own where the student has none; the student's own
        # model reads as the student does.
        prompt = plan.prompt if self.teacher is None else plan.prompt or None
        options = EncodingOptions(max_length=None, overflow="truncate", prompt=prompt)
        return teacher.encode(lesson.texts, options).vectors.numpy()

    def _check_loss(self) -> None:
        if self.loss not in ("auto", "vectors", "similarities"):
            raise ParameterError(
                f"loss must be 'auto', 'vectors' or 'similarities'; got {self.loss!r}."
            )

    def _choose_loss(self, student: int, teacher: int) -> str:
        if self.loss == "vectors" and student != teacher:
            raise ParameterError(
                f"loss='vectors' needs vectors of one width; the student has {student} "
                f"dimensions, the teacher {teacher}. loss='similarities' compares any."
            )
        fits = "vectors" if student == teacher else "similarities"
        return fits if self.loss == "auto" else self.loss
