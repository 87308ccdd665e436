"""Encoders trained from nothing on Python's own documentation, one for each kind of positions.

Documents are held out. On them a model guesses masked tokens before and after its training, beside
one that knows how frequent tokens are and nothing else; and topics are told from its vectors.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split

from skencoder import EncoderVectorizer, release
from skencoder.datasets import load_python_docs

from .held_out_guesses import Estimate, Floats, Guesses, guess, guess_by_frequency, perplexity
from .pretraining_recipe import make_vectorizer
from .pretraining_settings import POSITIONS, PretrainingSettings
from .topic_classifier import right_answers


@dataclass(frozen=True)
class Corpus:
    """Documents and their topics, divided.

    Parameters
    ----------
    train, test : list of str
        Documents to learn from, and held-out ones.
    train_topics, test_topics : int64 arrays
        Their topics.
    """

    train: list[str]
    test: list[str]
    train_topics: NDArray[np.int64]
    test_topics: NDArray[np.int64]


@dataclass(frozen=True)
class Pretrained:
    """What became of one kind of positions.

    Parameters
    ----------
    positions : str
        The kind.
    parameters : int
        Numbers that are trained, head included.
    before, after : Estimate
        Perplexity of masked tokens on held-out documents, before and after the training.
    unigram : Estimate
        The same of token frequencies.
    over_unigram : Estimate
        After, as a part of the unigram's.
    accuracy_before, accuracy_after, gain : Estimate
        Of topics of held-out documents, by vectors; and their difference.
    seconds, tokens_per_second, epochs : float
        Of the training.
    tokens, loss : list of float
        The course: tokens read so far, in nats per masked token.
    """

    positions: str
    parameters: int
    before: Estimate
    after: Estimate
    unigram: Estimate
    over_unigram: Estimate
    accuracy_before: Estimate
    accuracy_after: Estimate
    gain: Estimate
    seconds: float
    tokens_per_second: float
    epochs: float
    tokens: list[float]
    loss: list[float]

    @property
    def fall(self) -> float:
        """How many times lower the perplexity is than it was."""
        return self.before.value / self.after.value


@dataclass(frozen=True)
class PretrainingReport:
    """What was measured.

    Parameters
    ----------
    settings : PretrainingSettings
        As asked for.
    n_train, n_test, n_topics : int
        Documents and topics.
    tfidf : Estimate
        Accuracy of TF-IDF on the same documents.
    models : list of Pretrained
        By kind of positions.
    """

    settings: PretrainingSettings
    n_train: int
    n_test: int
    n_topics: int
    tfidf: Estimate
    models: list[Pretrained]


def run_pretraining(settings: PretrainingSettings) -> PretrainingReport:
    """Train encoders from nothing and judge them on documents that they have not read.

    Parameters
    ----------
    settings : PretrainingSettings
        Sizes, steps, kinds of positions.

    Returns
    -------
    PretrainingReport
        All kinds.

    Raises
    ------
    ParameterError
        If a topic does not exist, or a size does not fit.
    """
    corpus = _divide(settings)
    right = _judge(TfidfVectorizer(sublinear_tf=True).fit(corpus.train), corpus)
    models = [_pretrain(kind, corpus, settings) for kind in settings.positions or POSITIONS]
    n_topics = len(np.unique(corpus.train_topics))
    return PretrainingReport(
        settings, len(corpus.train), len(corpus.test), n_topics, Estimate.of_mean(right), models
    )


def _divide(settings: PretrainingSettings) -> Corpus:
    docs = load_python_docs(topics=settings.topics)
    train, test, train_topics, test_topics = train_test_split(
        docs.data,
        docs.target,
        test_size=settings.held_out,
        random_state=settings.seed,
        stratify=docs.target,
    )
    return Corpus(train.tolist(), test.tolist(), train_topics, test_topics)


@dataclass(frozen=True)
class _State:
    """A model at one point of its training: how it guesses and is classified."""

    vectorizer: EncoderVectorizer
    guesses: Guesses
    by_frequency: Floats
    right: Floats


def _pretrain(kind: str, corpus: Corpus, settings: PretrainingSettings) -> Pretrained:
    before, after = (_train(kind, corpus, settings, steps) for steps in (0, settings.steps))
    texts, surprise = after.guesses.texts, after.guesses.surprise
    history = after.vectorizer.history_
    parameters = sum(p.numel() for p in after.vectorizer.encoder_.encoder.parameters())
    release()
    return Pretrained(
        positions=kind,
        parameters=parameters,
        before=perplexity(before.guesses.surprise, before.guesses.texts),
        after=perplexity(surprise, texts),
        unigram=perplexity(after.by_frequency, texts),
        over_unigram=perplexity(surprise - after.by_frequency, texts),
        accuracy_before=Estimate.of_mean(before.right),
        accuracy_after=Estimate.of_mean(after.right),
        gain=Estimate.of_mean(after.right - before.right),
        seconds=float(history["seconds"].iloc[-1]),
        tokens_per_second=float(history["tokens"].sum() / history["seconds"].iloc[-1]),
        epochs=float(history["epoch"].iloc[-1]),
        tokens=history["tokens"].cumsum().astype(float).tolist(),
        loss=history["loss"].tolist(),
    )


def _train(kind: str, corpus: Corpus, settings: PretrainingSettings, steps: int) -> _State:
    vectorizer = make_vectorizer(kind, settings, steps).fit(corpus.train)
    with tempfile.TemporaryDirectory(prefix="skencoder-pretraining-") as scratch:
        folder = vectorizer.save(Path(scratch) / kind)
        guesses = guess(folder, corpus.test, "mlm-loss")
        by_frequency = guess_by_frequency(folder, corpus.train, guesses.tokens)
    return _State(vectorizer, guesses, by_frequency, _judge(vectorizer, corpus))


def _judge(vectorizer: Any, corpus: Corpus) -> Floats:
    learned, judged = (vectorizer.transform(texts) for texts in (corpus.train, corpus.test))
    return right_answers(learned, corpus.train_topics, judged, corpus.test_topics)
