"""What a loop asks of whatever is to be learned, and the task of everything that compares vectors.

Guessing masked tokens stands in masked_task.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from skencoder.tokenization import Index, TokenizedTexts
from skencoder.training.batches import random_rows, shuffled_batches
from skencoder.training.learner import Learner
from skencoder.training.steps import accumulate_embedding_loss, embedding_loss


@dataclass(frozen=True)
class Step:
    """What a step is given.

    Parameters
    ----------
    rows : int64 of shape (n_rows,)
        Which rows it looks at.
    seed : int
        Of all that it draws.
    batch_tokens : int
        Most tokens of a pass.
    """

    rows: Index
    seed: int
    batch_tokens: int


class Task(Protocol):
    """Rows to learn from, and the loss of some of them."""

    @property
    def n_rows(self) -> int:
        """Rows to learn from."""

    @property
    def least_rows(self) -> int:
        """Fewest rows of a batch from which something is learned."""

    @property
    def teacher(self) -> str:
        """What names another model that is learned from; empty where there is none."""

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """What is trained beside the model, by name."""

    def origins(self, rows: Index) -> Index:
        """Say what rows are called where they came from.

        Parameters
        ----------
        rows : int64 of shape (n_rows,)
            Which.

        Returns
        -------
        int64 of shape (n_rows,)
            For each the row of the user's texts.
        """

    def tokens(self, rows: Index) -> int:
        """Count the tokens of rows.

        Parameters
        ----------
        rows : int64 of shape (n_rows,)
            Which.

        Returns
        -------
        int
            Special tokens included.
        """

    def batches(self, rows: Index, batch_size: int, rng: np.random.Generator) -> list[Index]:
        """Draw one pass over rows.

        Parameters
        ----------
        rows : int64 of shape (n_rows,)
            What to draw from.
        batch_size : int
            Rows of a batch.
        rng : numpy Generator
            Draws them.

        Returns
        -------
        list of int64 arrays
            As many for every draw.
        """

    def hold_out(self, count: int, rng: np.random.Generator) -> Index:
        """Choose rows that are not learned from, to watch the loss on them.

        Parameters
        ----------
        count : int
            How many, about.
        rng : numpy Generator
            Draws them.

        Returns
        -------
        int64 of shape (n_held_out,)
            In the order in which they are cut into batches.

        Raises
        ------
        TrainingError
            If what would be held out, or left, cannot be compared.
        """

    def accumulate(self, learner: Learner, step: Step) -> float:
        """Add the gradient of some rows' loss to the parameters.

        Parameters
        ----------
        learner : Learner
            The model.
        step : Step
            Which rows.

        Returns
        -------
        float
            Their loss.
        """

    def evaluate(self, learner: Learner, step: Step) -> float:
        """Take the loss of rows that are not learned from.

        Parameters
        ----------
        learner : Learner
            The model, in evaluation mode.
        step : Step
            Which rows; the same seed draws the same.

        Returns
        -------
        float
            Their loss.
        """


# Of vectors of shape (sides, n_rows, width) and the rows they belong to.
RowLoss = Callable[[Tensor, Index], Tensor]
# From rows, a batch's size and a generator to one pass in batches.
Sampler = Callable[[Index, int, np.random.Generator], list[Index]]
# From a number of rows and a generator to rows that are held out.
Holder = Callable[[int, np.random.Generator], Index]


@dataclass(frozen=True)
class EmbeddingTask:
    """A loss of the vectors of rows, each of which has one text or several.

    Parameters
    ----------
    texts : TokenizedTexts
        With special tokens.
    members : int64 of shape (sides, n_rows)
        Which texts belong to each row: anchor, positive, negatives.
    loss : callable
        Of their vectors, float32 of shape (sides, n_rows, width), and the rows.
    sampler : callable, default=shuffled_batches
        Draws one pass over rows.
    holder : callable, default=None
        Draws the rows that are held out; None takes any.
    least_rows : int, default=1
        Fewest rows of a batch from which something is learned.
    teacher : str, default=""
        What names another model that is learned from.
    modules : mapping of str to nn.Module
        What the loss is trained by beside the model.
    numbers : int64 of shape (n_rows,), default=None
        The user's row that each is; None where none was left out.
    """

    texts: TokenizedTexts
    members: Index
    loss: RowLoss
    sampler: Sampler = shuffled_batches
    holder: Holder | None = None
    least_rows: int = 1
    teacher: str = ""
    modules: Mapping[str, nn.Module] = field(default_factory=dict)
    numbers: Index | None = None

    @property
    def n_rows(self) -> int:
        """Rows to learn from."""
        return len(self.members[0])

    def origins(self, rows: Index) -> Index:
        """Say what rows are called where they came from.

        Parameters
        ----------
        rows : int64 of shape (n_rows,)
            Which.

        Returns
        -------
        int64 of shape (n_rows,)
            For each the row of the user's texts.
        """
        return rows if self.numbers is None else self.numbers[rows]

    def tokens(self, rows: Index) -> int:
        """Count the tokens of rows.

        Parameters
        ----------
        rows : int64 of shape (n_rows,)
            Which.

        Returns
        -------
        int
            Special tokens included.
        """
        return int(self.texts.lengths[self.members[:, rows]].sum())

    def batches(self, rows: Index, batch_size: int, rng: np.random.Generator) -> list[Index]:
        """Draw one pass over rows.

        Parameters
        ----------
        rows : int64 of shape (n_rows,)
            What to draw from.
        batch_size : int
            Rows of a batch.
        rng : numpy Generator
            Draws them.

        Returns
        -------
        list of int64 arrays
            As the sampler gives them.
        """
        return self.sampler(rows, batch_size, rng)

    def hold_out(self, count: int, rng: np.random.Generator) -> Index:
        """Choose rows that are not learned from, to watch the loss on them.

        Parameters
        ----------
        count : int
            How many, about.
        rng : numpy Generator
            Draws them.

        Returns
        -------
        int64 of shape (n_held_out,)
            As the holder gives them.

        Raises
        ------
        TrainingError
            If the holder finds none that can be compared.
        """
        if self.holder is None:
            return random_rows(self.n_rows, count, rng)
        return self.holder(count, rng)

    def accumulate(self, learner: Learner, step: Step) -> float:
        """Add the gradient of some rows' loss to the parameters.

        Parameters
        ----------
        learner : Learner
            The model.
        step : Step
            Which rows.

        Returns
        -------
        float
            Their loss.
        """
        return accumulate_embedding_loss(
            learner,
            self._texts_of(step.rows),
            self._batch_loss(step.rows),
            batch_tokens=step.batch_tokens,
            seed=step.seed,
        )

    def evaluate(self, learner: Learner, step: Step) -> float:
        """Take the loss of rows that are not learned from.

        Parameters
        ----------
        learner : Learner
            The model, in evaluation mode.
        step : Step
            Which rows.

        Returns
        -------
        float
            Their loss.
        """
        texts, loss = self._texts_of(step.rows), self._batch_loss(step.rows)
        return embedding_loss(learner, texts, loss, batch_tokens=step.batch_tokens)

    def _texts_of(self, rows: Index) -> TokenizedTexts:
        return self.texts.take_rows(self.members[:, rows].ravel())

    def _batch_loss(self, rows: Index) -> Callable[[Tensor], Tensor]:
        sides = len(self.members)
        # (sides * n_rows, width) -> (sides, n_rows, width)
        return lambda vectors: self.loss(vectors.unflatten(0, (sides, len(rows))), rows)


def on_device(values: NDArray[Any], like: Tensor) -> Tensor:
    """Send numbers to where a tensor is.

    Parameters
    ----------
    values : array
        Labels, scores, weights, vectors, what is left out.
    like : tensor
        On the device.

    Returns
    -------
    tensor of the same shape
        Floats in float32, all else as it is.
    """
    sent = torch.from_numpy(values)
    return sent.to(like.device, torch.float32 if sent.is_floating_point() else sent.dtype)
