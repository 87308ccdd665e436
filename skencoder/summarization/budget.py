"""How long a summary may be, and the best sentences that fit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skencoder.errors import ParameterError


@dataclass(frozen=True)
class Budget:
    """What a summary may be long.

    Parameters
    ----------
    lengths : int64 of shape (n_sentences,)
        Of each sentence, in tokens or words.
    max_sentences : int, default=None
        Most sentences; None is any number.
    max_length : int, default=None
        What they may be long together; None is any length.
    """

    lengths: NDArray[np.int64]
    max_sentences: int | None = None
    max_length: int | None = None

    def room(self, taken: Sequence[int]) -> NDArray[np.bool_]:
        """Say which sentences can still be taken.

        Parameters
        ----------
        taken : sequence of int
            Those that are.

        Returns
        -------
        bool of shape (n_sentences,)
            False for those taken, and for those longer than what is left.
        """
        free = np.ones(len(self.lengths), bool)
        free[list(taken)] = False
        if self.max_sentences is not None:
            free &= len(taken) < self.max_sentences
        if self.max_length is not None:
            free &= self.lengths <= self.max_length - self.lengths[list(taken)].sum()
        return free

    def check(self, taken: Iterable[int]) -> list[int]:
        """Check sentences that somebody else has chosen.

        Parameters
        ----------
        taken : iterable of int
            Their numbers.

        Returns
        -------
        list of int
            The same.

        Raises
        ------
        ParameterError
            If one is no sentence's number or is there twice, or they are too many or too long.
        """
        if not isinstance(taken, Iterable):
            raise ParameterError(f"Sentences were chosen by {taken!r}; a list was expected.")
        numbers = list(taken)
        n_sentences = len(self.lengths)
        for number in numbers:
            is_number = isinstance(number, Integral) and not isinstance(number, bool)
            if not is_number or not 0 <= number < n_sentences:
                raise ParameterError(
                    f"A sentence was chosen by {number!r}; numbers from 0 to {n_sentences - 1} "
                    f"were expected."
                )
        for place, number in enumerate(numbers):
            if not self.room(numbers[:place])[number]:
                raise ParameterError(
                    f"Sentence {number} was chosen as number {place + 1}, but is taken already or "
                    f"does not fit what is left of max_sentences={self.max_sentences} and "
                    f"max_length={self.max_length}; Budget.room says which sentences do."
                )
        return [int(number) for number in numbers]


def take_best(scores: ArrayLike, budget: Budget) -> list[int]:
    """Take the sentences with the largest scores that fit.

    One that is too long for what is left is passed over, and the next best is tried.

    Parameters
    ----------
    scores : float of shape (n_sentences,)
        Of each sentence; of equal ones the earlier is better.
    budget : Budget
        How many fit.

    Returns
    -------
    list of int
        Sentences, the best first; empty where none fits.

    Raises
    ------
    ParameterError
        If there is not one score for each sentence.
    """
    checked = check_scores("scores", scores, len(budget.lengths))
    taken: list[int] = []
    while (room := budget.room(taken)).any():
        taken.append(int(np.argmax(np.where(room, checked, -np.inf))))
    return taken


def check_scores(name: str, scores: ArrayLike, n_sentences: int) -> NDArray[np.float64]:
    """Check that there is one number for each sentence.

    Parameters
    ----------
    name : str
        The parameter.
    scores : float of shape (n_sentences,)
        What came.
    n_sentences : int
        How many sentences there are.

    Returns
    -------
    float64 of shape (n_sentences,)
        The same.

    Raises
    ------
    ParameterError
        If there are more or fewer, or one is NaN or infinite.
    """
    checked = np.asarray(scores, np.float64)
    if checked.shape != (n_sentences,) or not np.isfinite(checked).all():
        raise ParameterError(
            f"{name} must hold one finite number for each of the {n_sentences} sentences; got "
            f"shape {checked.shape}."
        )
    return checked
