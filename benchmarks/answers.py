"""Answers to the questions of XQuAD: the right sentence, and none where there is none.

Measured are this package's answerer and BM25 over the same sentences. Which passages and questions
there are stands in `xquad`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from skencoder import EncoderRetriever, EncoderVectorizer, PassageAnswerer
from skencoder.sentences import SplitTexts, holds_any
from skencoder.thresholds import choose_threshold, f1

from .errors import MissingPackageError
from .intervals import mean_interval
from .tables import format_table
from .xquad import XQuAD, read_xquad

FOLDS = 5
BASELINE = "BM25 over sentences"

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True)
class Given:
    """What a way answers to questions, whatever it thinks of its answers.

    Parameters
    ----------
    sentences : list of str
        One per question.
    passages : list of str
        Ids of their passages.
    scores : float64 of shape (n_questions,)
        How sure each is.
    """

    sentences: list[str]
    passages: list[str]
    scores: Numbers


class Way(Protocol):
    """A way of answering."""

    def answer(self, questions: Sequence[str], exclude: Sequence[str] | None) -> Given:
        """Answer questions.

        Parameters
        ----------
        questions : sequence of str
            The questions.
        exclude : sequence of str or None
            A passage for each that must not answer it.

        Returns
        -------
        Given
            The best sentence for each.
        """


class AnswererWay:
    """The answerer of this package.

    Parameters
    ----------
    passages : dict of str to str
        Texts by id.
    answerer : PassageAnswerer
        Not fitted.
    """

    def __init__(self, passages: dict[str, str], answerer: PassageAnswerer) -> None:
        self._answerer = answerer.fit(list(passages.values()), list(passages))

    def answer(self, questions: Sequence[str], exclude: Sequence[str] | None) -> Given:
        """Answer questions.

        Parameters
        ----------
        questions : sequence of str
            The questions.
        exclude : sequence of str or None
            A passage for each that must not answer it.

        Returns
        -------
        Given
            The best sentence for each.
        """
        table = self._answerer.answer(list(questions), exclude=exclude)
        return Given(list(table["answer"]), list(table["passage"]), table["score"].to_numpy(float))


class BM25Way:
    """BM25 over the same sentences, with English stems and stop words.

    Parameters
    ----------
    passages : dict of str to str
        Texts by id.

    Raises
    ------
    MissingPackageError
        If bm25s or PyStemmer is not installed.
    """

    def __init__(self, passages: dict[str, str]) -> None:
        try:
            import bm25s
            import Stemmer
        except ImportError as error:
            raise MissingPackageError(
                f"the baseline needs {error.name}: pip install 'skencoder[lexical]'"
            ) from error
        split = SplitTexts.split(list(passages.values()))
        self._sentences = split.read()
        self._owners = np.array(list(passages), dtype=object)[split.owners]
        self._stemmer, self._tokenize = Stemmer.Stemmer("english"), bm25s.tokenize
        self._index = bm25s.BM25()
        self._index.index(self._words(self._sentences), show_progress=False)

    def answer(self, questions: Sequence[str], exclude: Sequence[str] | None) -> Given:
        """Answer questions.

        Parameters
        ----------
        questions : sequence of str
            The questions.
        exclude : sequence of str or None
            A passage for each that must not answer it.

        Returns
        -------
        Given
            The best sentence for each.
        """
        scores = np.stack([self._index.get_scores(words) for words in self._words(questions)])
        if exclude is not None:
            scores[self._owners == np.array(exclude, dtype=object)[:, None]] = -1
        best = scores.argmax(axis=1)
        shown = scores[np.arange(len(best)), best].astype(float)
        return Given([self._sentences[row] for row in best], list(self._owners[best]), shown)

    def _words(self, texts: Sequence[str]) -> Any:
        return self._tokenize(
            list(texts),
            stopwords="english",
            stemmer=self._stemmer,
            return_ids=False,
            show_progress=False,
        )


@dataclass(frozen=True)
class Outcome:
    """What a way gave for questions with and without their passage.

    Parameters
    ----------
    name : str
        Of the way.
    right : bool of shape (n_answerable,)
        Whether an answer's string stands in the sentence.
    scores, without : float64 of shape (n_answerable,)
        How sure the answers are with the passage and without it.
    groups : list of str of shape (n_answerable,)
        The questions' passages.
    n_in_passage, n_questions : int
        Of all questions, those whose sentence is in the right passage.
    """

    name: str
    right: Marks
    scores: Numbers
    without: Numbers
    groups: list[str]
    n_in_passage: int
    n_questions: int

    @property
    def auroc(self) -> float:
        """How well scores tell questions with their passage from those without."""
        labels = np.repeat([1, 0], len(self.scores))
        return float(roc_auc_score(labels, np.concatenate([self.scores, self.without])))

    @cached_property
    def calibrated(self) -> tuple[float, float, float]:
        """Precision, recall and F1 of answers above a threshold chosen on other passages."""
        hits = found = 0
        for train, test in GroupKFold(FOLDS).split(self.scores, groups=self.groups):
            threshold = choose_threshold(
                np.concatenate([self.scores[train], self.without[train]]),
                np.concatenate([self.right[train], np.zeros(len(train), bool)]),
                len(train),
            )
            shown = self.scores[test] >= threshold
            hits += int((shown & self.right[test]).sum())
            found += int(shown.sum() + (self.without[test] >= threshold).sum())
        precision = hits / found if found else 0.0
        return precision, hits / len(self.right), f1(hits, found, len(self.right))


def run_answers(
    data_root: Path, *, model: str = "all-MiniLM-L6-v2", answers: Path | None = None
) -> list[Outcome]:
    """Answer the questions of XQuAD in three ways.

    Parameters
    ----------
    data_root : path
        Folder with the data as ``mteb/XQuADRetrieval``.
    model : str, default="all-MiniLM-L6-v2"
        Name or folder of a checkpoint.
    answers : path, optional
        The data set's own ``xquad.en.json``; by default the answers marked for this benchmark.

    Returns
    -------
    list of Outcome
        BM25 first.

    Raises
    ------
    MissingDataError
        If the data are not there.
    UnreadableDataError
        If they cannot be read.
    MissingPackageError
        If bm25s or PyStemmer is not installed.
    """
    data = read_xquad(data_root, answers)
    # Passages are cut at the model's limit on purpose: their sentences are read whole.
    retriever = EncoderRetriever(
        EncoderVectorizer(model, precision="float32", overflow="truncate")
    )
    ways: dict[str, Way] = {
        BASELINE: BM25Way(data.passages),
        "vectors alone": AnswererWay(data.passages, PassageAnswerer(retriever, word_weight=0)),
        "PassageAnswerer": AnswererWay(data.passages, PassageAnswerer(retriever)),
    }
    return [_try(name, way, data) for name, way in ways.items()]


def _try(name: str, way: Way, data: XQuAD) -> Outcome:
    asked, own = [q.text for q in data.questions], [q.passage for q in data.questions]
    given = way.answer(asked, None)
    in_passage = sum(one == other for one, other in zip(given.passages, own, strict=True))
    known = data.answerable
    rows = [row for row, question in enumerate(data.questions) if question.answers]
    groups = [question.passage for question in known]
    without = way.answer([question.text for question in known], groups)
    right = [holds_any(given.sentences[row], data.questions[row].answers) for row in rows]
    scores = given.scores[rows]
    return Outcome(name, np.array(right), scores, without.scores, groups, in_passage, len(asked))


def gain_interval(one: Outcome, other: Outcome) -> tuple[float, float, float]:
    """Compare two ways on the same questions.

    Parameters
    ----------
    one, other : Outcome
        Of the same data.

    Returns
    -------
    tuple of float
        Gain of the first in share of right sentences, and its 95 % interval, by drawing passages
        with replacement.
    """
    gain = one.right.astype(float) - other.right
    return float(gain.mean()), *mean_interval(gain, one.groups)


def format_answers(outcomes: Sequence[Outcome]) -> str:
    """Lay the outcomes out.

    Parameters
    ----------
    outcomes : sequence of Outcome
        BM25 first.

    Returns
    -------
    str
        A table and what is compared in it.
    """
    baseline = outcomes[0]
    header = ["", "right passage", "answer in sentence", "gain", "95 % interval"]
    header += ["AUROC", "precision", "recall", "F1"]
    rows = []
    for outcome in outcomes:
        gain, low, high = gain_interval(outcome, baseline)
        shown = outcome is not baseline
        rows.append(
            [
                outcome.name,
                f"{outcome.n_in_passage / outcome.n_questions:.3f}",
                f"{outcome.right.mean():.3f}",
                f"{gain:+.3f}" if shown else "-",
                f"{low:+.3f} to {high:+.3f}" if shown else "-",
                f"{outcome.auroc:.3f}",
                *(f"{value:.3f}" for value in outcome.calibrated),
            ]
        )
    return "\n".join(
        [
            f"XQuAD, English: {baseline.n_questions} questions, {len(baseline.right)} of them "
            f"with known answers, on {len(set(baseline.groups))} passages",
            "",
            format_table(header, rows),
            "",
            "AUROC: the best score tells a question from the same question with its passage left "
            "out.",
            f"Precision, recall, F1: of answers above a threshold chosen on other passages "
            f"({FOLDS} folds), to each question with and without its passage.",
        ]
    )
