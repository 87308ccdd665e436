"""PassageAnswerer: the sentence of a corpus that answers a question, and where it stands.

What a sentence is worth to a question stands in `sentence_scoring`.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skencoder.errors import ParameterError
from skencoder.estimators.passage_ranking import rank_passages
from skencoder.estimators.retriever import EncoderRetriever
from skencoder.estimators.sentence_scoring import BestSentences, ScoredSentences
from skencoder.estimators.texts import read_texts
from skencoder.parameter_checks import check_count, check_finite
from skencoder.sentences import check_language, holds_any
from skencoder.thresholds import choose_threshold

if TYPE_CHECKING:
    import pandas as pd

Answers = list[list[str]]


class PassageAnswerer(BaseEstimator):
    """Answer questions with sentences of a corpus.

    A question finds its nearest passages; of their sentences the best is the answer. A sentence is
    worth ``cos(question, sentence) + passage_weight * (score of its passage) + word_weight *
    (cosine of the TF-IDF vectors of question and sentence)``, divided by the sum of the weights.
    Below a threshold, which `calibrate` chooses on labelled questions, there is no answer.
    Parameters that are set later take effect at the next ``fit``, which takes little time, as
    vectors are cached.

    Parameters
    ----------
    retriever : EncoderRetriever, default=None
        Finds passages, and gives the encoder and prompts of questions and sentences; None is
        ``EncoderRetriever()``. Its ``n_neighbors`` is not looked at.
    n_passages : int, default=10
        Passages whose sentences are compared.
    context : int, default=0
        Neighbours of a sentence, before and after, that are encoded with it. The vector of
        several sentences tells less well which of them answers: try it where sentences mean
        nothing without their neighbours.
    passage_weight : float, default=0.3
        How much a passage's score counts beside a sentence's. It is the cosine; of a fusion with
        BM25 the share of the highest score there can be; of a reranker the logistic function of
        its score, from 0 to 1. With ``metric="dot"`` it is the dot product and with "euclidean"
        the distance times -1, which have no such bounds: choose the weight accordingly.
    word_weight : float, default=1.0
        How much shared words count; names and numbers are words that vectors blur. Words are told
        by spaces and punctuation.
    threshold : float, default=None
        Smallest score of an answer; None always answers, until `calibrate` is called.
    language : str, default="en"
        Of the passages, as a code of ISO 639; it decides where sentences end.

    Attributes
    ----------
    retriever_ : EncoderRetriever
        The fitted retriever.
    threshold_ : float
        The threshold, from the parameter or from `calibrate`.
    n_sentences_ : int
        Sentences of the corpus.

    See Also
    --------
    skencoder.EncoderRetriever : Finds whole passages.

    References
    ----------
    .. [1] Rajpurkar, Jia & Liang (2018), Know What You Don't Know: Unanswerable Questions for
       SQuAD, ACL.

    Examples
    --------
    >>> from skencoder import PassageAnswerer
    >>> passages = [
    ...     "The Rhine rises in the Alps. It flows into the North Sea at Rotterdam.",
    ...     "Cheese is made of milk. It was known to the Romans.",
    ... ]
    >>> answerer = PassageAnswerer().fit(passages, ["river", "cheese"])
    >>> answerer.predict(["What is cheese made from?"]).tolist()
    ['Cheese is made of milk.']
    >>> found = answerer.answer(["Where does the Rhine begin?"])
    >>> print(found[["passage", "start", "stop", "answer"]].to_string(index=False))
    passage  start  stop                       answer
      river      0    28 The Rhine rises in the Alps.
    """

    def __init__(
        self,
        retriever: EncoderRetriever | None = None,
        *,
        n_passages: int = 10,
        context: int = 0,
        passage_weight: float = 0.3,
        word_weight: float = 1.0,
        threshold: float | None = None,
        language: str = "en",
    ) -> None:
        self.retriever = retriever
        self.n_passages = n_passages
        self.context = context
        self.passage_weight = passage_weight
        self.word_weight = word_weight
        self.threshold = threshold
        self.language = language

    def fit(self, X: Any, y: Any = None) -> "PassageAnswerer":
        """Index the passages and their sentences.

        Parameters
        ----------
        X : iterable of str of shape (n_passages,)
            The passages.
        y : iterable of str or int of shape (n_passages,), default=None
            Their ids, each once; None numbers them from 0.

        Returns
        -------
        PassageAnswerer
            Itself.

        Raises
        ------
        ParameterError
            If a parameter cannot be used, or the ids do not fit the passages.
        TextInputError
            If X is not a collection of texts, or has no sentence.
        """
        self._check_parameters()
        passages = read_texts(X)
        retriever = EncoderRetriever() if self.retriever is None else clone(self.retriever)
        retriever.fit(passages, y)
        self._sentences = ScoredSentences.split(
            passages, retriever, context=self.context, language=self.language
        )
        self.retriever_ = retriever
        # A threshold is of the scores it was chosen on, so what defines them stays as it is.
        self._n_passages = self.n_passages
        self._weights: dict[str, float] = {
            "passage_weight": self.passage_weight,
            "word_weight": self.word_weight,
        }
        self.threshold_ = -np.inf if self.threshold is None else float(self.threshold)
        return self

    @property
    def n_sentences_(self) -> int:
        """Sentences of the corpus."""
        check_is_fitted(self, "threshold_")
        return len(self._sentences)

    def answer(self, questions: Any, *, exclude: Any = None) -> "pd.DataFrame":
        """Answer questions, with scores and places.

        Parameters
        ----------
        questions : iterable of str of shape (n_questions,)
            The questions.
        exclude : iterable of shape (n_questions,), default=None
            Id of a passage that must not answer each, or None; to see what happens to a question
            whose passage is not there. Where the retriever re-ranks only ``n_passages``, one
            fewer is left.

        Returns
        -------
        DataFrame
            One row per question: ``question``, ``passage`` (its id), ``start`` and ``stop`` (the
            sentence's place in the passage, in characters), ``score`` and ``answer``. Where the
            best score is below the threshold there is no passage, place or answer.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If an excluded id is no passage's.
        TextInputError
            If the questions are no texts.
        """
        import pandas as pd

        texts = self._read(questions)
        best = self._find(texts, exclude)
        spans = [self._sentences.spans[row] if row >= 0 else (0, 0) for row in best.rows]
        table = pd.DataFrame(
            {
                "question": texts,
                "passage": pd.Series(self._owners(best), dtype=object),
                "start": pd.array([start for start, _ in spans], "Int64"),
                "stop": pd.array([stop for _, stop in spans], "Int64"),
                "score": best.scores,
                "answer": pd.Series(self._read_sentences(best), dtype=object),
            }
        )
        nothing = ~self._is_shown(best)
        table.loc[nothing, ["passage", "answer"]] = None
        table.loc[nothing, ["start", "stop"]] = pd.NA
        return table

    def predict(self, questions: Any) -> NDArray[np.object_]:
        """Answer questions.

        Parameters
        ----------
        questions : iterable of str of shape (n_questions,)
            The questions.

        Returns
        -------
        ndarray of str objects of shape (n_questions,)
            A sentence each, or None where there is no answer.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        TextInputError
            If the questions are no texts.
        """
        best = self._find(self._read(questions), None)
        answers = np.array(self._read_sentences(best), dtype=object)
        answers[~self._is_shown(best)] = None
        return answers

    def score(self, questions: Any, answers: Any, *, exclude: Any = None) -> float:
        """Give the share of questions that are answered rightly.

        Parameters
        ----------
        questions : iterable of str of shape (n_questions,)
            The questions.
        answers : iterable of shape (n_questions,)
            Of each a str, or several of which one is enough, that must stand in the sentence,
            whatever the case and the white space; None or NaN where there must be no answer.
        exclude : iterable of shape (n_questions,), default=None
            As in `answer`.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If there is not one entry per question.
        TextInputError
            If the questions are no texts.
        """
        texts = self._read(questions)
        wanted = _read_answers(answers, len(texts))
        best = self._find(texts, exclude)
        shown, hits = self._is_shown(best), self._hits(best, wanted)
        unanswerable = np.array([not accepted for accepted in wanted])
        return float(np.where(unanswerable, ~shown, shown & hits).mean())

    def calibrate(
        self,
        questions: Any,
        answers: Any,
        *,
        exclude: Any = None,
        min_precision: float | None = None,
    ) -> "PassageAnswerer":
        """Choose the threshold on labelled questions.

        Parameters
        ----------
        questions : iterable of str of shape (n_questions,)
            Questions, not those that the answerer is judged by. Some should have no answer in the
            corpus; `exclude` makes such ones.
        answers : iterable of shape (n_questions,)
            As in `score`.
        exclude : iterable of shape (n_questions,), default=None
            As in `answer`.
        min_precision : float in [0, 1], default=None
            Answer as many as possible with at least this share of right ones among the answers
            given; None takes the largest F1 of right answers.

        Returns
        -------
        PassageAnswerer
            Itself, with another ``threshold_``.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If there is not one entry per question, or ``min_precision`` lies outside.
        TextInputError
            If the questions are no texts.
        """
        texts = self._read(questions)
        wanted = _read_answers(answers, len(texts))
        best = self._find(texts, exclude)
        found = best.rows >= 0
        self.threshold_ = choose_threshold(
            best.scores[found],
            self._hits(best, wanted)[found],
            sum(map(bool, wanted)),
            min_precision=min_precision,
        )
        return self

    def _check_parameters(self) -> None:
        check_count("n_passages", self.n_passages, at_least=1)
        check_count("context", self.context, at_least=0)
        for name in ("passage_weight", "word_weight"):
            if check_finite(name, getattr(self, name)) < 0:
                raise ParameterError(f"{name} must not be negative; got {getattr(self, name)!r}.")
        if self.threshold is not None:
            check_finite("threshold", self.threshold)
        check_language(self.language)
        if not isinstance(self.retriever, EncoderRetriever | None):
            raise ParameterError(
                f"retriever must be an EncoderRetriever or None; got {self.retriever!r}. An "
                f"encoder goes into it: EncoderRetriever(encoder)."
            )

    def _read(self, questions: Any) -> list[str]:
        check_is_fitted(self, "threshold_")
        return read_texts(questions, name="questions")

    def _find(self, questions: list[str], exclude: Any) -> BestSentences:
        """Find the best sentence of each question, whatever its score."""
        excluded = None if exclude is None else self._read_excluded(exclude, len(questions))
        passages, scores = rank_passages(self.retriever_, questions, self._n_passages, excluded)
        return self._sentences.find_best(questions, passages, scores, **self._weights)

    def _read_excluded(self, exclude: Any, n_questions: int) -> NDArray[np.int64]:
        names = _list_of("exclude", exclude, n_questions)
        rows = {name: row for row, name in enumerate(self.retriever_.ids_.tolist())}
        unknown = [name for name in names if name is not None and name not in rows]
        if unknown:
            raise ParameterError(f"exclude holds {unknown[0]!r}, which is no passage's id.")
        return np.array([-1 if name is None else rows[name] for name in names], np.int64)

    def _owners(self, best: BestSentences) -> list[Any]:
        owners: list[Any] = self.retriever_.ids_[self._sentences.owners[best.rows]].tolist()
        return owners

    def _read_sentences(self, best: BestSentences) -> list[str | None]:
        return [self._sentences.read(row) if row >= 0 else None for row in best.rows.tolist()]

    def _is_shown(self, best: BestSentences) -> NDArray[np.bool_]:
        return (best.rows >= 0) & (best.scores >= self.threshold_)

    def _hits(self, best: BestSentences, wanted: Answers) -> NDArray[np.bool_]:
        sentences = self._read_sentences(best)
        pairs = zip(sentences, wanted, strict=True)
        return np.array([holds_any(sentence or "", accepted) for sentence, accepted in pairs])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def _read_answers(answers: Any, n_questions: int) -> Answers:
    """Give the accepted strings of each question; none where there must be no answer."""
    read: Answers = []
    for row, given in enumerate(_list_of("answers", answers, n_questions)):
        accepted = [given] if isinstance(given, str) else given
        accepted = [] if accepted is None else accepted
        if not isinstance(accepted, list | tuple | AbstractSet | np.ndarray) or not all(
            isinstance(text, str) and text.strip() for text in accepted
        ):
            raise ParameterError(
                f"answers must hold a str, several, or None for each question, and no empty one; "
                f"got {given!r} for question {row}."
            )
        read.append(list(accepted))
    return read


def _list_of(name: str, values: Any, n_questions: int) -> list[Any]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ParameterError(f"{name} must hold one entry per question; got {values!r}.")
    # In a column of a table NaN is what None is in a list.
    listed = [None if _is_nan(value) else value for value in values]
    if len(listed) != n_questions:
        raise ParameterError(
            f"{name} must hold one entry per question; got {len(listed)} for {n_questions}."
        )
    return listed


def _is_nan(value: Any) -> bool:
    import pandas as pd

    return value is pd.NA or (isinstance(value, float) and bool(np.isnan(value)))
