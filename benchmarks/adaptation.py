"""A masked language model adapted to texts of another kind, judged on those it has not read.

Neighbours in a file are kept together, ten at a time: either all of them are learned from or none,
and it is these tens that are drawn again for the intervals.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skencoder import EncoderVectorizer, release
from skencoder.datasets import load_python_docs
from skencoder.errors import ParameterError
from skencoder.objectives import MaskedLanguageModeling, Training

from .adaptation_settings import AdaptationSettings
from .held_out_guesses import Estimate, Guesses, guess, perplexity
from .perplexity_texts import read_dataset, read_text_file
from .pretraining_recipe import make_vectorizer
from .pretraining_settings import PretrainingSettings

NEIGHBOURS = 10
HELD_OUT = 0.2
LEAST_TENS = 5


@dataclass(frozen=True)
class Divided:
    """Texts that are learned from, and some that are not.

    Parameters
    ----------
    name : str
        What they are.
    train : list of str
        To learn from.
    test : list of str
        To be judged.
    tens : int64 of shape (len(test),)
        Which neighbours each of these belongs to.
    """

    name: str
    train: list[str]
    test: list[str]
    tens: NDArray[np.int64]


@dataclass(frozen=True)
class Change:
    """How guesses changed on some texts.

    Parameters
    ----------
    name : str
        The texts.
    n_texts, n_tokens : int
        How many were judged.
    before, after : Estimate
        Pseudo-perplexity per token.
    ratio : Estimate
        After, as a part of before; below 1 is better.
    improved : float
        Share of the texts that are guessed better than before.
    """

    name: str
    n_texts: int
    n_tokens: int
    before: Estimate
    after: Estimate
    ratio: Estimate
    improved: float


@dataclass(frozen=True)
class AdaptationReport:
    """What was measured.

    Parameters
    ----------
    settings : AdaptationSettings
        As asked for.
    model : str
        What was adapted.
    n_train : int
        Texts it was adapted on.
    epochs, seconds : float
        Of the adaptation.
    new, old : Change
        On texts of the new kind; and on those of the first model's, None where it was trained
        elsewhere.
    tokens, loss : list of float
        The course of the adaptation: tokens read so far, nats per masked token.
    """

    settings: AdaptationSettings
    model: str
    n_train: int
    epochs: float
    seconds: float
    new: Change
    old: Change | None
    tokens: list[float]
    loss: list[float]


def run_adaptation(settings: AdaptationSettings) -> AdaptationReport:
    """Adapt a model to texts.

    Parameters
    ----------
    settings : AdaptationSettings
        Model, texts, steps.

    Returns
    -------
    AdaptationReport
        Guesses before and after.

    Raises
    ------
    ParameterError
        If there are too few texts.
    MissingDataError
        If the texts are not there.
    CheckpointError
        If the model has no masked-language-model head.
    """
    old, new = _read_topics(settings.seed)
    if settings.texts is not None or settings.dataset == "wikitext-2-paragraphs":
        new = _read_new(settings)
    with tempfile.TemporaryDirectory(prefix="skencoder-adaptation-") as scratch:
        first = settings.model or str(_train_first(old, settings, Path(scratch) / "first"))
        tuned = _adapt(first, new.train, settings)
        second = tuned.save(Path(scratch) / "adapted")
        release()
        folders, history = (Path(first), second), tuned.history_
        return AdaptationReport(
            settings=settings,
            model=settings.model or "trained from nothing on half of the topics",
            n_train=len(new.train),
            epochs=float(history["epoch"].iloc[-1]),
            seconds=float(history["seconds"].iloc[-1]),
            new=_compare(new, folders, settings),
            old=None if settings.model else _compare(old, folders, settings),
            tokens=history["tokens"].cumsum().astype(float).tolist(),
            loss=history["loss"].tolist(),
        )


def divide(name: str, texts: Sequence[str], seed: int) -> Divided:
    """Hold neighbours out together.

    Parameters
    ----------
    name : str
        What the texts are.
    texts : sequence of str
        In their order.
    seed : int
        Of the draw.

    Returns
    -------
    Divided
        A fifth is held out.

    Raises
    ------
    ParameterError
        If there are fewer than 50 texts.
    """
    tens = np.arange(len(texts)) // NEIGHBOURS
    n_tens = len(np.unique(tens))
    if n_tens < LEAST_TENS:
        raise ParameterError(
            f"{name} has {len(texts)} texts; at least {LEAST_TENS * NEIGHBOURS} are needed to "
            f"hold some out."
        )
    drawn = np.random.default_rng(seed).permutation(n_tens)[: max(1, round(HELD_OUT * n_tens))]
    held = np.isin(tens, drawn)
    train = [text for text, out in zip(texts, held, strict=True) if not out]
    test = [text for text, out in zip(texts, held, strict=True) if out]
    return Divided(name, train, test, tens[held])


def _read_topics(seed: int) -> tuple[Divided, Divided]:
    """Divide the topics of Python's documentation into those known and those new."""
    docs = load_python_docs()
    half = len(docs.target_names) // 2
    known = docs.target < half
    old = divide(f"Python's documentation, {half} topics", docs.data[known].tolist(), seed)
    return old, divide("Python's documentation, the others", docs.data[~known].tolist(), seed)


def _read_new(settings: AdaptationSettings) -> Divided:
    if settings.texts is not None:
        found = read_text_file(settings.texts)
    else:
        found = read_dataset(str(settings.dataset), settings.data_root)
    return divide(found.name, found.texts, settings.seed)


def _train_first(old: Divided, settings: AdaptationSettings, folder: Path) -> Path:
    recipe = PretrainingSettings(seed=settings.seed)
    vectorizer = make_vectorizer("rotary", recipe, settings.steps)
    vectorizer.fit(old.train)
    return vectorizer.save(folder)


def _adapt(model: str, texts: list[str], settings: AdaptationSettings) -> EncoderVectorizer:
    training = Training(
        epochs=settings.adaptation_steps,
        max_steps=settings.adaptation_steps,
        learning_rate=settings.learning_rate,
    )
    vectorizer = EncoderVectorizer(
        model,
        overflow="truncate",
        fine_tune=MaskedLanguageModeling(training=training),
        random_state=settings.seed,
    )
    vectorizer.fit(texts)
    return vectorizer


def _compare(texts: Divided, folders: tuple[Path, Path], settings: AdaptationSettings) -> Change:
    fitting = [row for row, text in enumerate(texts.test) if len(text) <= settings.longest]
    rows = np.random.default_rng(settings.seed).permutation(fitting)[: settings.judged]
    judged = [texts.test[row] for row in rows]
    before, after = (guess(folder, judged, "pll") for folder in folders)
    tens = texts.tens[rows][before.texts]
    difference = after.surprise - before.surprise
    return Change(
        name=texts.name,
        n_texts=len(judged),
        n_tokens=len(difference),
        before=perplexity(before.surprise, tens),
        after=perplexity(after.surprise, tens),
        ratio=perplexity(difference, tens),
        improved=_improved(before, difference),
    )


def _improved(guesses: Guesses, difference: NDArray[np.float64]) -> float:
    sums = np.bincount(guesses.texts, difference)
    return float((sums[np.unique(guesses.texts)] < 0).mean())
