"""What chance decides in a training: held-out rows, the order of the others, a step's seed.

All of it follows from the seed and from what it is drawn for, not from what was drawn before.
"""

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from skencoder.errors import TrainingError
from skencoder.tokenization import Index
from skencoder.training.batches import cut_rows, random_rows, roomy_size
from skencoder.training.options import LoopOptions
from skencoder.training.tasks import Holder, Step, Task

# What is drawn for what.
HELD_OUT, ORDER, STEP = range(3)


@dataclass
class Drawing:
    """The rows of a training, and which of them each step looks at.

    Parameters
    ----------
    task : Task
        What has the rows.
    options : LoopOptions
        Sizes.
    seed : int
        Of all that is drawn.

    Attributes
    ----------
    rows, held_out : int64 of shape (n_rows,)
        To learn from, and to watch the loss; a row stands in one of them. What the task held out
        together stands together.
    per_epoch : int
        Steps of one pass over the rows.

    Raises
    ------
    TrainingError
        If none is left to learn from, or those that are held out cannot be compared.
    """

    task: Task
    options: LoopOptions
    seed: int
    _epoch: tuple[int, list[Index]] = field(default=(-1, []), init=False, repr=False)

    def __post_init__(self) -> None:
        self.rows, self.held_out = held_out_rows(
            self.task.n_rows, self.options.validation_share, self.seed, self.task.hold_out
        )
        self.per_epoch = len(self._batches(0))

    def step(self, number: int) -> Step:
        """Say what a step looks at.

        Parameters
        ----------
        number : int
            Which, counted from 0.

        Returns
        -------
        Step
            Rows and seed.
        """
        epoch, place = divmod(number, self.per_epoch)
        return self._ask(self._batches(epoch)[place], STEP, number)

    def validation(self) -> list[Step]:
        """Say what is looked at to watch the loss: the same each time.

        Returns
        -------
        list of Step
            Each held-out row stands in one of them.
        """
        pieces = cut_rows(self.held_out, self._size(self.held_out))
        return [self._ask(piece, HELD_OUT, number) for number, piece in enumerate(pieces)]

    def _size(self, rows: Index) -> int:
        return roomy_size(len(rows), self.options.batch_size, self.task.least_rows)

    def _batches(self, epoch: int) -> list[Index]:
        # Each step asks for its epoch's, and drawing them takes as long as there are rows.
        if self._epoch[0] != epoch:
            rng = _rng(self.seed, ORDER, epoch)
            self._epoch = (epoch, self.task.batches(self.rows, self._size(self.rows), rng))
        return self._epoch[1]

    def _ask(self, rows: Index, *what: int) -> Step:
        # Apart from each other far enough that a step's passes can be numbered.
        seed = int(_rng(self.seed, *what).integers(2**62))
        return Step(rows, seed, self.options.batch_tokens)


def held_out_rows(
    n_rows: int, share: float, seed: int, choose: Holder | None = None
) -> tuple[Index, Index]:
    """Draw the rows that are not learned from.

    Parameters
    ----------
    n_rows : int
        What there is.
    share : float
        Part of them that is held out, at least one row; 0 holds none out.
    seed : int
        Of the training.
    choose : callable, default=None
        Gives as many rows as it is asked for, or nearly; None takes any, in rising order.

    Returns
    -------
    rows, held_out : int64 of shape (n_rows,)
        To learn from, in rising order, and to watch the loss; a row stands in one of them.

    Raises
    ------
    TrainingError
        If none is left to learn from, or those that are held out cannot be compared.
    """
    count = max(1, round(share * n_rows)) if share else 0
    if count >= n_rows:
        raise TrainingError(
            f"validation_share={share} of {n_rows} rows leaves none to learn from; give more "
            f"texts, or validation_share=0."
        )
    choose = choose or partial(random_rows, n_rows)
    held_out = choose(count, _rng(seed, HELD_OUT)) if count else np.arange(0)
    return np.setdiff1d(np.arange(n_rows), held_out), held_out


def _rng(seed: int, *what: int) -> np.random.Generator:
    return np.random.default_rng([seed, *what])
