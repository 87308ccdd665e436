"""A head: what makes outputs of a text's vector, and where it begins.

While it is trained it is a module; kept and used it is two arrays, for which nobody needs torch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Floats: TypeAlias = NDArray[np.floating[Any]]
# Of outputs of shape (n_rows, n_outputs), targets and weights, to one number.
OutputLoss = Callable[[Tensor, Tensor, Tensor], Tensor]
# What squares of the weights cost beside the loss of all rows, as scikit-learn's C says it.
STRENGTH = 10.0
# More steps than it takes; the search for a minimum stops by itself.
MOST_STEPS = 200
TWO = 2


class Head(nn.Module):
    """Outputs of vectors: dropout and a linear map.

    Parameters
    ----------
    coef : float of shape (n_outputs, n_features)
        Weights.
    intercept : float of shape (n_outputs,)
        What is added.
    dropout : float
        Share of a vector's numbers that are left out while it is trained.
    """

    def __init__(self, coef: Floats, intercept: Floats, *, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.weight = nn.Parameter(torch.tensor(coef, dtype=torch.float32))
        self.bias = nn.Parameter(torch.tensor(intercept, dtype=torch.float32))

    def forward(self, vectors: Tensor) -> Tensor:
        """Give the outputs.

        Parameters
        ----------
        vectors : float32 of shape (n_rows, n_features)
            Of length one.

        Returns
        -------
        float32 of shape (n_rows, n_outputs)
            Logits or amounts.
        """
        return nn.functional.linear(self.dropout(vectors), self.weight, self.bias)

    def to_arrays(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give its numbers.

        Returns
        -------
        float64 of shape (n_outputs, n_features)
            Weights.
        float64 of shape (n_outputs,)
            What is added.
        """
        return self.weight.detach().double().numpy(), self.bias.detach().double().numpy()


@dataclass(frozen=True)
class Exercise:
    """What a head and the model below it shall learn of each text.

    Parameters
    ----------
    head : Head
        On the CPU; it is trained in place.
    targets : array of shape (n_rows,) or (n_rows, n_outputs)
        Numbers of classes, labels or amounts, as the loss takes them.
    weights : float32 of shape (n_rows,) or (n_rows, n_outputs)
        How much each counts.
    numbers : int64 of shape (n_rows,), default=None
        The user's row that each is; None where none was left out.
    """

    head: Head
    targets: NDArray[Any]
    weights: NDArray[np.float32]
    numbers: NDArray[np.int64] | None = None

    def __iter__(self) -> Iterator[tuple[float, ...]]:
        """Give target and weight of each row; a training is known by them."""
        rows = np.column_stack([self.targets, self.weights])
        return map(tuple, rows.tolist())

    def take_rows(self, rows: NDArray[np.int64]) -> "Exercise":
        """Leave the others out; the head is the same.

        Parameters
        ----------
        rows : int64 of shape (n_taken,)
            Which.

        Returns
        -------
        Exercise
            In the order asked for.
        """
        numbers = rows if self.numbers is None else self.numbers[rows]
        return replace(
            self, targets=self.targets[rows], weights=self.weights[rows], numbers=numbers
        )


def fit_head(exercise: Exercise, vectors: Floats, loss: OutputLoss) -> None:
    """Give a head the best weights for vectors that stay as they are.

    A head of random weights pulls a trained model about until it has learned something itself; one
    that begins here does not.

    Parameters
    ----------
    exercise : Exercise
        Its head is changed in place.
    vectors : float32 of shape (n_rows, n_features)
        Of length one.
    loss : callable
        Of outputs, targets and weights; a mean over rows.

    References
    ----------
    .. [1] Kumar et al. (2022), Fine-Tuning can Distort Pretrained Features and Underperform
       Out-of-Distribution, arXiv:2202.10054.
    """
    head = exercise.head
    # Two classes share one direction between two rows, which would make it half as dear as the
    # one row that scikit-learn has for them.
    are_two_classes = exercise.targets.ndim == 1 and len(head.weight) == TWO
    price = 2.0 if are_two_classes else 1.0
    _search(exercise, vectors, loss, lambda: price * head.weight.square().sum())


def move_head(exercise: Exercise, vectors: Floats, loss: OutputLoss) -> None:
    """Move a head as far as some rows ask for, which are not all that it has to know.

    As `fit_head`, but what costs is the move, and what is added stays: it says how frequent a
    class is, which a few rows do not know, and would rule out for good what is not among them.

    Parameters
    ----------
    exercise : Exercise
        Its head is changed in place.
    vectors : float32 of shape (n_rows, n_features)
        Of length one.
    loss : callable
        Of outputs, targets and weights; a mean over rows.
    """
    weight = exercise.head.weight
    before = weight.detach().clone()
    exercise.head.bias.requires_grad_(False)
    _search(exercise, vectors, loss, lambda: (weight - before).square().sum())
    exercise.head.bias.requires_grad_(True)


def _search(
    exercise: Exercise, vectors: Floats, loss: OutputLoss, size: Callable[[], Tensor]
) -> None:
    inputs, targets, weights = map(
        torch.from_numpy, (np.asarray(vectors), exercise.targets, exercise.weights)
    )
    head = exercise.head.eval()
    free = [parameter for parameter in head.parameters() if parameter.requires_grad]
    search = torch.optim.LBFGS(free, max_iter=MOST_STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        search.zero_grad()
        value = loss(head(inputs), targets, weights) + size() / (2 * STRENGTH * len(inputs))
        value.backward()
        return value

    search.step(closure)
