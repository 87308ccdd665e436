"""Losses of a student that learns from a teacher's vectors."""

import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor

from skencoder.errors import TrainingError
from skencoder.training.losses.inputs import (
    as_vectors,
    check_positive,
    check_shape,
    cosines,
    without_diagonal,
)


def vector_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Want the teacher's vectors: the mean squared error of their numbers.

    ``1 / (n n_features) sum_i |s_i - t_i|^2``.

    Parameters
    ----------
    student, teacher : float of shape (n, n_features)
        One vector per text from each. A student of another width needs a projection, or
        `similarity_matrix_loss`.

    Returns
    -------
    float of shape ()
        At least 0.

    Raises
    ------
    TrainingError
        If the shapes are not equal.

    References
    ----------
    .. [1] Reimers & Gurevych (2020), Making monolingual sentence embeddings multilingual using
       knowledge distillation, arXiv:2004.09813, section 2.
    """
    student, teacher = as_vectors("student", student), as_vectors("teacher", teacher)
    check_shape("teacher", teacher, tuple(student.shape))
    return F.mse_loss(student, teacher.to(student.dtype))


def similarity_matrix_loss(
    student: Tensor, teacher: Tensor, *, temperature: float = 0.05
) -> Tensor:
    """Want the teacher's neighbours: which texts of the batch lie near which.

    ``1 / n sum_i KL(p_i || q_i)``, where ``p_i`` is the softmax over ``j != i`` of the teacher's
    ``cos(t_i, t_j) / temperature`` and ``q_i`` that of the student's.

    Parameters
    ----------
    student, teacher : float of shape (n, n_features) and (n, n_teacher_features)
        One vector per text from each; the widths may differ.
    temperature : float, default=0.05
        The smaller, the more only the nearest texts count.

    Returns
    -------
    float of shape ()
        At least 0, in nats; 0 for one text, which has no neighbour.

    Raises
    ------
    TrainingError
        If one has more rows than the other.
    ParameterError
        If the temperature is not above 0.

    References
    ----------
    .. [1] Fang et al. (2021), SEED: self-supervised distillation for visual representation,
       arXiv:2101.04731, equation 4: there among a queue of texts, here among the batch.
    .. [2] Hinton, Vinyals & Dean (2015), Distilling the knowledge in a neural network,
       arXiv:1503.02531, on the temperature.
    """
    check_positive("temperature", temperature)
    student, teacher = as_vectors("student", student), as_vectors("teacher", teacher)
    if len(student) != len(teacher):
        raise TrainingError(
            f"student and teacher must have a row per text each; "
            f"got {len(student)} and {len(teacher)} rows."
        )
    found = _neighbours(student, temperature)
    wanted = _neighbours(teacher.to(student.dtype), temperature)
    return F.kl_div(found, wanted, reduction="sum", log_target=True) / len(student)


def _neighbours(vectors: Tensor, temperature: float) -> Tensor:
    scores = without_diagonal(cosines(vectors, vectors) / temperature)
    return scores.log_softmax(dim=1)
