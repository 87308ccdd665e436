"""How well masked tokens of held-out texts are guessed: by a model, and by token frequencies."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skencoder import PseudoPerplexityScorer, TextEncoder

from .intervals import mean_interval

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A number and where it probably lies.

    Parameters
    ----------
    value : float
        As measured.
    low, high : float
        95 % interval, by drawing texts with replacement.
    """

    value: float
    low: float
    high: float

    @classmethod
    def of_mean(cls, values: Floats, groups: ArrayLike | None = None) -> "Estimate":
        """Take a mean.

        Parameters
        ----------
        values : float64 of shape (n,)
            What was measured.
        groups : array-like of shape (n,), optional
            What belongs together, such as the tokens of a text; by default each value is alone.

        Returns
        -------
        Estimate
            In the unit of the values.
        """
        return cls(float(values.mean()), *mean_interval(values, groups))


@dataclass(frozen=True)
class Guesses:
    """Guesses of masked tokens.

    Parameters
    ----------
    texts : int64 of shape (n,)
        Which text each token stands in.
    tokens : list of str of length n
        What stood there.
    surprise : float64 of shape (n,)
        Minus the logarithm of the probability that it was given, in nats.
    """

    texts: NDArray[np.int64]
    tokens: list[str]
    surprise: Floats


def guess(folder: Path, texts: Sequence[str], method: str) -> Guesses:
    """Let a model guess masked tokens.

    Parameters
    ----------
    folder : Path
        Checkpoint with its masked-language-model head.
    texts : sequence of str
        Texts that it has not read.
    method : {"mlm-loss", "pll"}
        As in `PseudoPerplexityScorer`; what "mlm-loss" draws depends on the texts only, so that
        models of one tokenizer guess the same.

    Returns
    -------
    Guesses
        Of the tokens that were masked.
    """
    scorer = PseudoPerplexityScorer(folder, method=method).fit()
    table = scorer.token_scores(texts).dropna()
    return Guesses(
        table["text"].to_numpy(np.int64),
        table["token"].tolist(),
        -table["log_probability"].to_numpy(np.float64),
    )


def guess_by_frequency(folder: Path, read: Sequence[str], tokens: Sequence[str]) -> Floats:
    """Guess the same tokens from how often each was read, one more for each (add-one smoothing).

    Parameters
    ----------
    folder : Path
        Checkpoint whose tokenizer is used.
    read : sequence of str
        The texts that the model learned from.
    tokens : sequence of str of length n
        What is to be guessed.

    Returns
    -------
    float64 of shape (n,)
        Surprise of each, in nats.
    """
    tokenizer = TextEncoder.load(folder, precision="float32", device="cpu").tokenizer
    counts = np.bincount(
        tokenizer.read_words(list(read)).tokens.input_ids, minlength=tokenizer.vocab_size
    )
    surprise = -np.log((counts + 1) / (counts + 1).sum())
    number = {name: id_ for id_, name in tokenizer.token_names().items()}
    return np.array([surprise[number[token]] for token in tokens])


def perplexity(surprise: Floats, texts: NDArray[np.int64]) -> Estimate:
    """Turn surprise into a perplexity.

    Parameters
    ----------
    surprise : float64 of shape (n,)
        In nats per token; a difference of two gives the ratio of their perplexities.
    texts : int64 of shape (n,)
        Which text each token stands in.

    Returns
    -------
    Estimate
        1 where every token was certain.
    """
    mean = Estimate.of_mean(surprise, texts)
    return Estimate(*(float(np.exp(value)) for value in (mean.value, mean.low, mean.high)))
