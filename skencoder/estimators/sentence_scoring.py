"""What the sentences of passages are worth to a question: by meaning, by words, by passage."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from skencoder.errors import TextInputError
from skencoder.estimators.retriever import EncoderRetriever
from skencoder.estimators.roles import Role, first_encoder
from skencoder.sentences import Span, SplitTexts

Rows = NDArray[np.int64]
Numbers = NDArray[np.floating[Any]]

# Questions compared at once; bounds the vectors that are copied.
BLOCK_QUESTIONS = 128
NO_SENTENCE = -1


@dataclass(frozen=True)
class BestSentences:
    """The best sentence of each question.

    Parameters
    ----------
    rows : int64 of shape (n_questions,)
        Of the sentences; -1 where no passage has any.
    scores : float64 of shape (n_questions,)
        What they are worth; minus infinity where there is none.
    """

    rows: Rows
    scores: NDArray[np.float64]


class ScoredSentences:
    """The sentences of passages, with what they are compared by.

    Parameters
    ----------
    sentences : SplitTexts
        As they are shown.
    vectors : float32 of shape (n_sentences, n_features)
        Of length one.
    question_role : Role
        Encodes questions into the same space.
    """

    def __init__(self, sentences: SplitTexts, vectors: Numbers, question_role: Role) -> None:
        self._split = sentences
        self._vectors = vectors
        self._questions = question_role
        self.owners: Rows = np.array(sentences.owners, np.int64)
        self._starts = np.array(sentences.offsets, np.int64)
        # Single letters and digits are words too: a question may be about one.
        self._words = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
        texts = sentences.read()
        self._has_words = any(map(self._words.build_analyzer(), texts))
        if self._has_words:
            self._weights = csr_array(self._words.fit_transform(texts))

    @classmethod
    def split(
        cls, passages: list[str], retriever: EncoderRetriever, *, context: int, language: str
    ) -> "ScoredSentences":
        """Cut passages into sentences and encode these.

        Parameters
        ----------
        passages : list of str of shape (n_passages,)
            The passages.
        retriever : EncoderRetriever
            Fitted on them; its encoder is used.
        context : int
            Neighbours that are encoded with a sentence, on each side.
        language : str
            Of the passages.

        Returns
        -------
        ScoredSentences
            Of all passages.

        Raises
        ------
        TextInputError
            If there is no sentence.
        """
        sentences = SplitTexts.split(passages, language=language)
        if not sentences.spans:
            raise TextInputError("X has no sentence; all its passages are empty.")
        role = _role(retriever.document_encoder_, retriever.document_prompt)
        vectors = normalize(role.encode(sentences.widened(context).read()))
        question_role = _role(retriever.query_encoder_, retriever.query_prompt)
        return cls(sentences, vectors, question_role)

    def __len__(self) -> int:
        """Count the sentences."""
        return len(self.spans)

    @property
    def spans(self) -> list[Span]:
        """Each sentence's place in its passage."""
        return self._split.spans

    def read(self, row: int) -> str:
        """Read a sentence.

        Parameters
        ----------
        row : int
            Its number.

        Returns
        -------
        str
            As it stands in its passage.
        """
        return self._split.texts[int(self.owners[row])][slice(*self.spans[row])]

    def find_best(
        self,
        questions: list[str],
        passages: Rows,
        passage_scores: Numbers,
        *,
        passage_weight: float,
        word_weight: float,
    ) -> BestSentences:
        """Find the sentence that is worth most to each question.

        Parameters
        ----------
        questions : list of str of shape (n_questions,)
            The questions.
        passages : int64 of shape (n_questions, n_passages)
            Those whose sentences are compared.
        passage_scores : float of shape (n_questions, n_passages)
            Of these; minus infinity leaves one out.
        passage_weight, word_weight : float
            How much a passage's score and shared words count beside the sentence's own cosine.

        Returns
        -------
        BestSentences
            Of equal ones the first of the better passage.
        """
        vectors = normalize(self._questions.encode(questions))
        rows, scores = np.full(len(questions), NO_SENTENCE), np.full(len(questions), -np.inf)
        for first in range(0, len(questions), BLOCK_QUESTIONS):
            block = slice(first, first + BLOCK_QUESTIONS)
            asked, found, bonus = self._candidates(passages[block], passage_scores[block])
            worth = np.einsum("ij,ij->i", vectors[block][asked], self._vectors[found])
            worth = worth.astype(np.float64) + passage_weight * bonus
            if word_weight and self._has_words:
                worth += word_weight * self._shared_words(questions[block], asked, found)
            worth /= 1 + passage_weight + word_weight
            # The best of each question stands last, and of equal ones the first candidate.
            order = np.lexsort((-np.arange(len(worth)), worth, asked))
            rows[first + asked[order]] = found[order]
            scores[first + asked[order]] = worth[order]
        return BestSentences(rows, scores)

    def _candidates(
        self, passages: Rows, passage_scores: Numbers
    ) -> tuple[Rows, Rows, NDArray[np.float64]]:
        """List questions, sentences and the scores of their passages, question by question."""
        asked, place = np.nonzero(np.isfinite(passage_scores))
        chosen = passages[asked, place]
        counts = self._starts[chosen + 1] - self._starts[chosen]
        ends = np.cumsum(counts)
        within = np.arange(counts.sum()) - np.repeat(ends - counts, counts)
        found = np.repeat(self._starts[chosen], counts) + within
        bonus = np.repeat(passage_scores[asked, place].astype(np.float64), counts)
        return np.repeat(asked, counts), found, bonus

    def _shared_words(self, questions: list[str], asked: Rows, found: Rows) -> Numbers:
        weights = csr_array(self._words.transform(questions))
        product = weights[asked].multiply(self._weights[found])
        shared: Numbers = np.asarray(product.sum(axis=1), np.float64).ravel()
        return shared


def _role(encoder: Any, prompt: str | None) -> Role:
    """Give an encoder its prompt, where it does not have it itself."""
    return Role(encoder, "" if first_encoder(encoder) is not None else prompt or "")
