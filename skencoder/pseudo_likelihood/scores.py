"""What scoring gives: a number for each token, and what is summed up from them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import NonFiniteScoreError
from skencoder.tokenization import Index, WordedTexts
from skencoder.tokenization.flat import spans

_SPACES = re.compile(r"\s+")
CHARACTERS_SHOWN = 60


@dataclass(frozen=True)
class TokenScores:
    """A score for each token of several texts.

    Parameters
    ----------
    texts : WordedTexts
        The tokens.
    log_probabilities : float64 of shape (tokens,)
        Of each token, in nats; NaN for one that was not scored.
    n_windows : int64 of shape (n_texts,)
        Windows each text was read in.
    """

    texts: WordedTexts
    log_probabilities: NDArray[np.float64]
    n_windows: Index

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def rows(self) -> Index:
        """The text of each token, int64 of shape (tokens,)."""
        return np.repeat(np.arange(len(self)), self.texts.tokens.lengths)

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Which tokens were scored, bool of shape (tokens,)."""
        return ~np.isnan(self.log_probabilities)

    @property
    def sums(self) -> NDArray[np.float64]:
        """Sum over each text's scored tokens in nats, float64 of shape (n_texts,)."""
        weights = np.nan_to_num(self.log_probabilities)
        return np.asarray(np.bincount(self.rows, weights, len(self)), np.float64)

    @property
    def counts(self) -> Index:
        """Scored tokens of each text, int64 of shape (n_texts,)."""
        return np.bincount(self.rows[self.scored], minlength=len(self)).astype(np.int64)

    def take_rows(self, rows: Index) -> "TokenScores":
        """Copy some texts' scores out, in the order asked for.

        Parameters
        ----------
        rows : int64 of shape (n_taken,)
            Which texts; one may be asked for several times.

        Returns
        -------
        TokenScores
            One entry per row.
        """
        tokens = self.texts.tokens
        places = spans(tokens.offsets[rows], tokens.lengths[rows])
        taken = tokens.take_rows(rows)
        # Two copies of one text next to each other must not share a word.
        first_words = np.repeat(taken.offsets[:-1], taken.lengths)
        words = self.texts.words[places]
        firsts = words[first_words] if len(words) else words
        return TokenScores(
            WordedTexts(
                taken, self.texts.places[places], words - firsts, self.texts.ordinary[places]
            ),
            self.log_probabilities[places],
            self.n_windows[rows],
        )


def refuse_score(score: float, text: str, *, model: str, precision: str) -> NonFiniteScoreError:
    """Say that a score is no number to be counted with.

    Parameters
    ----------
    score : float
        NaN or infinite, in nats.
    text : str
        The text it is of.
    model : str
        Name or folder of the checkpoint.
    precision : str
        In what it computed.

    Returns
    -------
    NonFiniteScoreError
        To be raised.
    """
    shown = text if len(text) <= CHARACTERS_SHOWN else f"{text[:CHARACTERS_SHOWN]}..."
    advice = (
        "its weights are damaged, or too large for any sum"
        if precision == "float32"
        else "numbers grow beyond this precision, or the weights are damaged; try float32"
    )
    return NonFiniteScoreError(
        f"{model} in {precision} gives a token of {shown!r} a log-probability of {score}; a "
        f"finite number was expected: {advice}."
    )


def count_words(texts: Sequence[str]) -> Index:
    """Count what stands between white space, as lm-evaluation-harness does.

    It is the same for all models, whatever their tokenizers call a word.

    Parameters
    ----------
    texts : sequence of str of shape (n_texts,)
        The texts.

    Returns
    -------
    int64 of shape (n_texts,)
        0 for a text of white space only; space before or after a text counts one more, as it
        does there.
    """
    counts = (len(_SPACES.split(text)) if text.strip() else 0 for text in texts)
    return np.fromiter(counts, np.int64, len(texts))


def count_bytes(texts: Sequence[str]) -> Index:
    """Count the bytes of texts in UTF-8.

    Parameters
    ----------
    texts : sequence of str of shape (n_texts,)
        The original texts.

    Returns
    -------
    int64 of shape (n_texts,)
        Bytes of each.
    """
    return np.fromiter((len(text.encode()) for text in texts), np.int64, len(texts))
