"""Models that give texts a probability; masked ones are computed here, by this package.

The others stand in `autoregressive`; what is made of their scores in `perplexity`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from skencoder.checkpoints import FAMILIES, locate_checkpoint
from skencoder.pseudo_likelihood import (
    PseudoLikelihood,
    ScoringOptions,
    TokenScores,
    count_bytes,
    count_words,
)

from .errors import ScoringStoppedError
from .perplexity_settings import PerplexitySettings
from .result_files import read_object

MASKED, AUTOREGRESSIVE = "masked", "autoregressive"
# How transformers calls a model that guesses the next token.
CAUSAL_ENDINGS = ("ForCausalLM", "LMHeadModel")
# Told which share of the texts that were asked for is done, from 0 to 1.
Advance = Callable[[float], None]


@dataclass(frozen=True)
class TextScore:
    """What a model makes of one text.

    Parameters
    ----------
    log_likelihood : float
        Sum over its scored tokens, in nats.
    tokens, words, bytes : int
        Tokens that were scored, words between white space, bytes in UTF-8.
    windows : int
        How many windows it was read in.
    """

    log_likelihood: float
    tokens: int
    words: int
    bytes: int
    windows: int


@dataclass(frozen=True)
class ScoredToken:
    """One token of a text.

    Parameters
    ----------
    token : str
        As the vocabulary writes it.
    start, stop : int
        Its characters in the text.
    log_probability : float or None
        In nats; None for a token that is not scored.
    """

    token: str
    start: int
    stop: int
    log_probability: float | None


@dataclass(frozen=True)
class ReadText:
    """One text with the scores of its tokens.

    Parameters
    ----------
    score : TextScore
        Of the text.
    tokens : tuple of ScoredToken
        In the order of the text.
    """

    score: TextScore
    tokens: tuple[ScoredToken, ...]


class LanguageModel(Protocol):
    """What gives texts a probability."""

    name: str
    kind: str
    method: str
    fingerprint: str

    @property
    def used(self) -> dict[str, Any]:
        """How it is run: lengths, precision, device."""

    def costs(self, texts: Sequence[str]) -> list[int]:
        """Say what the model has to read for each text.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            The texts.

        Returns
        -------
        list of int
            In tokens, of all windows and masked copies.
        """

    def score(self, texts: Sequence[str], advance: Advance) -> list[TextScore]:
        """Score texts.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            The texts.
        advance : callable
            Told which share is done.

        Returns
        -------
        list of TextScore
            In the order of the texts.

        Raises
        ------
        ScoringStoppedError
            If it is stopped from the keyboard; it holds what is finished.
        """

    def read(self, text: str, advance: Advance) -> ReadText:
        """Score one text, and keep what its tokens had.

        Parameters
        ----------
        text : str
            The text.
        advance : callable
            Told which share is done.

        Returns
        -------
        ReadText
            Its score, as `score` gives it, and its tokens.
        """


class MaskedModel:
    """A masked language model, by `PseudoLikelihood`.

    Parameters
    ----------
    name : str
        Name or folder of a checkpoint with its masked-language-model head.
    settings : PerplexitySettings
        How to score.
    """

    kind = MASKED

    def __init__(self, name: str, settings: PerplexitySettings) -> None:
        self.name = name
        self.method = settings.method
        self._model = PseudoLikelihood.load(
            name, precision=settings.precision, device=settings.device
        )
        self._options = ScoringOptions(
            method=settings.method,
            max_length=settings.max_length,
            stride=settings.stride,
            mask_probability=settings.mask_probability,
            seed=settings.seed,
        )
        self._plan = self._model.plan(self._options)
        self.fingerprint = self._model.model.fingerprint

    @property
    def used(self) -> dict[str, Any]:
        """How it is run: lengths, precision, device."""
        special = self._model.model.tokenizer.n_special
        return {
            "max_length": self._plan.body_length + special,
            "stride": self._plan.stride,
            "precision": self._model.model.precision,
            "device": str(self._model.model.device),
        }

    def costs(self, texts: Sequence[str]) -> list[int]:
        """Say what the model has to read for each text.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            The texts.

        Returns
        -------
        list of int
            In tokens, of all masked copies.
        """
        return [int(cost) for cost in self._model.prepare(texts, self._options).costs]

    def score(self, texts: Sequence[str], advance: Advance) -> list[TextScore]:
        """Score texts.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            The texts.
        advance : callable
            Told which share is done.

        Returns
        -------
        list of TextScore
            In the order of the texts.

        Raises
        ------
        NonFiniteScoreError
            If the model gives a token a score that is NaN or infinite.
        ScoringStoppedError
            If it is stopped from the keyboard; it holds what is finished.
        """
        run = self._model.prepare(texts, self._options)
        try:
            run.finish(_Share(advance))
        except KeyboardInterrupt as stop:
            scores, rows = _sum_up(texts, run.scores), np.flatnonzero(run.finished).tolist()
            raise ScoringStoppedError({row: scores[row] for row in rows}) from stop
        return _sum_up(texts, run.scores)

    def read(self, text: str, advance: Advance) -> ReadText:
        """Score one text, and keep what its tokens had.

        Parameters
        ----------
        text : str
            The text.
        advance : callable
            Told which share is done.

        Returns
        -------
        ReadText
            Its score, as `score` gives it, and its tokens.
        """
        scores = self._model.score([text], self._options, progress=_Share(advance))
        names = self._model.model.tokenizer.token_names()
        tokens = zip(
            scores.texts.tokens.input_ids.tolist(),
            scores.texts.places.tolist(),
            scores.log_probabilities.tolist(),
            strict=True,
        )
        read = (
            ScoredToken(names[id_], start, stop, None if np.isnan(score) else score)
            for id_, (start, stop), score in tokens
        )
        (score,) = _sum_up([text], scores)
        return ReadText(score, tuple(read))


def _sum_up(texts: Sequence[str], scores: TokenScores) -> list[TextScore]:
    columns = (scores.sums, scores.counts, count_words(texts), count_bytes(texts))
    rows = zip(*(column.tolist() for column in (*columns, scores.n_windows)), strict=True)
    return [TextScore(*row) for row in rows]


class _Share:
    """From tokens that are done to a share of all."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._total = self._done = 0

    def start(self, total: int) -> None:
        self._total, self._done = total, 0

    def advance(self, number: int) -> None:
        self._done += number
        self._advance(self._done / self._total)


def open_language_model(name: str, settings: PerplexitySettings) -> LanguageModel:
    """Load a model of either kind; its ``config.json`` says which it is.

    Parameters
    ----------
    name : str
        A folder, the name of an installed model package, or a hub id.
    settings : PerplexitySettings
        How to score.

    Returns
    -------
    LanguageModel
        Ready for texts.

    Raises
    ------
    CheckpointError
        If it is not there, has no masked-language-model head, or cannot be used.
    MissingPackageError
        If it is autoregressive and transformers is not installed.
    """
    if is_autoregressive(locate_checkpoint(name)):
        from .autoregressive import AutoregressiveModel

        return AutoregressiveModel(name, settings)
    return MaskedModel(name, settings)


def is_autoregressive(folder: Path) -> bool:
    """Tell whether a checkpoint guesses the next token.

    Parameters
    ----------
    folder : path
        Its folder.

    Returns
    -------
    bool
        False where nothing says so.
    """
    path = folder / "config.json"
    if not path.is_file():
        return False
    config = read_object(path)
    named = [str(name) for name in config.get("architectures") or ()]
    return config.get("model_type") not in FAMILIES and any(
        name.endswith(CAUSAL_ENDINGS) for name in named
    )
