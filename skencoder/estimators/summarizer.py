"""ExtractiveSummarizer: a text's most telling sentences, as a transformer from text to text."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skencoder.errors import ParameterError
from skencoder.estimators.dense import to_dense
from skencoder.estimators.roles import first_encoder
from skencoder.estimators.texts import read_texts
from skencoder.estimators.unit_vectors import encode, fit_encoder
from skencoder.parameter_checks import check_count, check_share
from skencoder.sentences import SplitTexts, check_language
from skencoder.summarization import SELECTIONS, Budget, select_mmr

if TYPE_CHECKING:
    import pandas as pd

Vectors = NDArray[np.float64]
Selection = Callable[[Vectors, Budget], Sequence[int]]


class ExtractiveSummarizer(TransformerMixin, BaseEstimator):
    """Shorten texts to their most telling sentences.

    A text is cut into sentences, each is encoded once, and those are kept that are closest to what
    the whole text is about and fit the budget. They are the author's own sentences in the author's
    order; nothing is rewritten. Nothing is learned either, but an encoder that learns, such as
    ``TfidfVectorizer``, is fitted on the sentences.

    Parameters
    ----------
    encoder : transformer, default=None
        From texts to vectors; None is `EncoderVectorizer` with its default model.
    method : {"mmr", "centroid", "lexrank"} or callable, default="mmr"
        Which sentences stand for the text: those closest to the mean of all, each also different
        from those already taken (maximal marginal relevance); the closest to the mean; or the most
        central in the graph of similar sentences. A callable takes vectors and a
        `skencoder.summarization.Budget`, and gives the numbers of different sentences that fit
        the budget, the best first.
    max_sentences : int, default=3
        Most sentences of a summary; None is any number.
    max_tokens : int, default=None
        Most tokens of the encoder's tokenizer, special ones aside, or words where it has none;
        None is any length. Where no sentence is that short the summary is empty.
    trade_off : float in [0, 1], default=0.7
        For "mmr": 1 takes what is closest to the mean, 0 what is most different from the rest.
    language : str, default="en"
        Of the texts, as a code of ISO 639; it decides where sentences end.

    Attributes
    ----------
    encoder_ : transformer
        The fitted encoder.

    See Also
    --------
    skencoder.summarization : The same choices as functions of vectors.

    References
    ----------
    .. [1] Carbonell & Goldstein (1998), The Use of MMR, SIGIR.
    .. [2] Radev, Jing, Stys & Tam (2004), Centroid-based summarization of multiple documents.
    .. [3] Erkan & Radev (2004), LexRank, JAIR 22.

    Examples
    --------
    >>> from skencoder import ExtractiveSummarizer
    >>> text = (
    ...     "The library opens at nine. Books about cats fill three shelves of the library. "
    ...     "It rained. Readers may take home five books of the library."
    ... )
    >>> print(ExtractiveSummarizer(max_sentences=1).fit_transform([text])[0])
    Readers may take home five books of the library.
    """

    def __init__(
        self,
        encoder: Any = None,
        *,
        method: str | Selection = "mmr",
        max_sentences: int | None = 3,
        max_tokens: int | None = None,
        trade_off: float = 0.7,
        language: str = "en",
    ) -> None:
        self.encoder = encoder
        self.method = method
        self.max_sentences = max_sentences
        self.max_tokens = max_tokens
        self.trade_off = trade_off
        self.language = language

    def fit(self, X: Any, y: Any = None) -> "ExtractiveSummarizer":
        """Check the parameters and fit the encoder.

        Parameters
        ----------
        X : iterable of str of shape (n_texts,)
            Texts.
        y : object, optional
            Ignored.

        Returns
        -------
        ExtractiveSummarizer
            Itself.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        TextInputError
            If X is not a collection of texts.
        """
        self._check_parameters()
        split = self._split(X)
        self.encoder_ = fit_encoder(self.encoder, split.read() or split.texts)
        return self

    def transform(self, X: Any) -> NDArray[np.object_]:
        """Summarize texts.

        Parameters
        ----------
        X : iterable of str of shape (n_texts,)
            Texts; the sentences of all are encoded in one call.

        Returns
        -------
        ndarray of str objects of shape (n_texts,)
            The sentences kept of each, joined by a space; an empty text has an empty summary.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If a parameter cannot be used, or a callable method chooses what does not fit.
        TextInputError
            If X is not a collection of texts.
        """
        split = self._read(X)
        sentences = split.read()
        summaries = [
            " ".join(sentences[start + place] for place in sorted(taken))
            for start, taken in zip(split.offsets, self._select(split), strict=False)
        ]
        return np.array(summaries, dtype=object)

    def select(self, X: Any) -> "pd.DataFrame":
        """Say which sentences a summary is made of, and where they stand.

        Parameters
        ----------
        X : iterable of str of shape (n_texts,)
            Texts.

        Returns
        -------
        DataFrame
            One row per sentence kept, in the order of the texts: ``text`` (the text's number),
            ``sentence`` (its number in the text, from 0), ``start`` and ``stop`` (its place, in
            characters), ``rank`` (1 is the first that was taken), ``content``.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If a parameter cannot be used, or a callable method chooses what does not fit.
        TextInputError
            If X is not a collection of texts.
        """
        import pandas as pd

        split = self._read(X)
        sentences = split.read()
        rows = [
            (
                text,
                place,
                *split.spans[start + place],
                taken.index(place) + 1,
                sentences[start + place],
            )
            for text, (start, taken) in enumerate(
                zip(split.offsets, self._select(split), strict=False)
            )
            for place in sorted(taken)
        ]
        names = ["text", "sentence", "start", "stop", "rank", "content"]
        return pd.DataFrame(rows, columns=names)

    def _check_parameters(self) -> None:
        check_language(self.language)
        check_share("trade_off", self.trade_off)
        if self.max_sentences is None and self.max_tokens is None:
            raise ParameterError(
                "max_sentences and max_tokens are both None, so a summary would be the text "
                "itself; give one of them a number."
            )
        if self.max_sentences is not None:
            check_count("max_sentences", self.max_sentences, at_least=1)
        if self.max_tokens is not None:
            check_count("max_tokens", self.max_tokens, at_least=1)
        self._selection()

    def _selection(self) -> Selection:
        if callable(self.method):
            return self.method
        if not isinstance(self.method, str) or self.method not in SELECTIONS:
            raise ParameterError(
                f"method must be one of {', '.join(SELECTIONS)}, or a callable; got "
                f"{self.method!r}."
            )
        selection = SELECTIONS[self.method]
        return (
            partial(selection, trade_off=self.trade_off) if selection is select_mmr else selection
        )

    def _read(self, X: Any) -> SplitTexts:
        check_is_fitted(self)
        # They may have been set since, and count at once: nothing was learned with them.
        self._check_parameters()
        return self._split(X)

    def _split(self, X: Any) -> SplitTexts:
        return SplitTexts.split(read_texts(X), language=self.language)

    def _select(self, split: SplitTexts) -> list[list[int]]:
        """Sentences taken of each text, the first taken first, by their numbers in the text."""
        sentences = split.read()
        if not sentences:
            return [[] for _ in split.texts]
        vectors, lengths = encode(self.encoder_, sentences), self._measure(sentences)
        select = self._selection()
        taken = []
        for start, stop in pairwise(split.offsets):
            budget = Budget(lengths[start:stop], self.max_sentences, self.max_tokens)
            # Sparse vectors of one text at a time are made a plain array, which may be large.
            taken.append(budget.check(select(to_dense(vectors[start:stop]), budget)))
        return taken

    def _measure(self, sentences: list[str]) -> NDArray[np.int64]:
        """Count tokens, or words where the encoder has no tokenizer; nothing where nobody asks."""
        if self.max_tokens is None:
            return np.zeros(len(sentences), np.int64)
        encoder = first_encoder(self.encoder_)
        if encoder is not None:
            return encoder.encoder_.tokenizer.tokenize(sentences).lengths
        return np.array([len(sentence.split()) for sentence in sentences], np.int64)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags
