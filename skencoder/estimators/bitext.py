"""BitextMiner: sentences of two languages that are translations of each other."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skencoder.bitext import MARGINS, MATCHINGS, Candidates, find_candidates, score_rows
from skencoder.encoding_options import check_choice
from skencoder.errors import ParameterError
from skencoder.estimators.dense import encode_dense
from skencoder.estimators.texts import read_texts
from skencoder.estimators.unit_vectors import fit_encoder
from skencoder.parameter_checks import check_count, check_finite
from skencoder.thresholds import choose_threshold, f1

if TYPE_CHECKING:
    import pandas as pd

Rows = NDArray[np.int64]
NO_PARTNER = -1


class BitextMiner(BaseEstimator):
    """Find the translations of sentences among sentences of another language.

    Both sides are encoded into one space; a pair is as sure as its cosine is above that of the
    other near sentences, and each sentence is used once [1]_. The encoder must know both
    languages: the default model knows English only and finds paraphrases; for other languages name
    one such as ``EncoderVectorizer("intfloat/multilingual-e5-small", prompt="query: ")``.
    Parameters that are set later take effect at the next ``fit``.

    Parameters
    ----------
    encoder : transformer, default=None
        From texts to vectors, for both sides; None is `EncoderVectorizer` with its default model.
    margin : {"ratio", "distance", "absolute"}, default="ratio"
        How a pair's cosine is compared with the mean cosine of both neighbourhoods: divided by it,
        less it, or not at all.
    n_neighbors : int, default=4
        Sentences of a neighbourhood.
    matching : {"mutual", "greedy", "optimal", "nearest"}, default="mutual"
        Which pairs are taken: those in which each is the other's best; the best one, then the
        best of what is left; one to one with the largest sum; or each source sentence's best
        target, which several may share.
    threshold : float, default=None
        Smallest score of a pair; None takes pairs of any score.

    Attributes
    ----------
    encoder_ : transformer
        The fitted encoder.
    threshold_ : float
        The threshold, from the parameter or from `calibrate`.
    targets_ : list of str of shape (n_targets,)
        The sentences that translations are looked for in.

    See Also
    --------
    skencoder.bitext : The same steps as functions of vectors.
    skencoder.align_words : Which words of a pair belong together.

    References
    ----------
    .. [1] Artetxe & Schwenk (2019), Margin-based Parallel Corpus Mining with Multilingual Sentence
       Embeddings, ACL.

    Examples
    --------
    >>> from skencoder import BitextMiner
    >>> miner = BitextMiner().fit(["It is raining.", "He sold his car.", "Cheese is tasty."])
    >>> miner.predict(["The car was sold by him.", "There is rain."])
    array([1, 0])
    """

    def __init__(
        self,
        encoder: Any = None,
        *,
        margin: str = "ratio",
        n_neighbors: int = 4,
        matching: str = "mutual",
        threshold: float | None = None,
    ) -> None:
        self.encoder = encoder
        self.margin = margin
        self.n_neighbors = n_neighbors
        self.matching = matching
        self.threshold = threshold

    def fit(self, X: Any, y: Any = None) -> "BitextMiner":
        """Encode the sentences that translations are looked for in.

        Parameters
        ----------
        X : iterable of str of shape (n_targets,)
            Sentences of one language.
        y : object, optional
            Ignored.

        Returns
        -------
        BitextMiner
            Itself.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        TextInputError
            If X is not a collection of texts.
        """
        self._check_parameters()
        self.targets_ = read_texts(X)
        self.encoder_ = fit_encoder(self.encoder, self.targets_)
        self.threshold_ = -np.inf if self.threshold is None else float(self.threshold)
        # A threshold is of the scores it was chosen on, so what defines them stays as it is.
        self._margin: dict[str, Any] = {"margin": self.margin, "n_neighbors": self.n_neighbors}
        self._matching = self.matching
        self._first = _first_rows(self.targets_)
        self._distinct = np.unique(self._first)
        self._vectors = self._encode(self.targets_, self._distinct)
        return self

    def mine(self, X: Any) -> "pd.DataFrame":
        """Find pairs of translations.

        Parameters
        ----------
        X : iterable of str of shape (n_sources,)
            Sentences of the other language.

        Returns
        -------
        DataFrame
            One row per pair, the surest first: ``source`` and ``target`` (row numbers),
            ``score``, ``source_text``, ``target_text``. A text that is there twice is named by
            its first row.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        TextInputError
            If X is not a collection of texts.
        """
        import pandas as pd

        texts = self._read(X)
        pairs, distinct = self._mine(texts)
        order = np.lexsort((pairs.source, -pairs.scores))
        source, target = distinct[pairs.source[order]], self._distinct[pairs.target[order]]
        columns = {
            "source": source,
            "target": target,
            "score": pairs.scores[order],
            "source_text": [texts[row] for row in source],
            "target_text": [self.targets_[row] for row in target],
        }
        return pd.DataFrame(columns)

    def predict(self, X: Any) -> Rows:
        """Say which target each source sentence translates to.

        Parameters
        ----------
        X : iterable of str of shape (n_sources,)
            Sentences of the other language.

        Returns
        -------
        int64 of shape (n_sources,)
            Rows of the targets; -1 where there is none.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        TextInputError
            If X is not a collection of texts.
        """
        texts = self._read(X)
        pairs, distinct = self._mine(texts)
        partners = np.full(len(distinct), NO_PARTNER, np.int64)
        partners[pairs.source] = self._distinct[pairs.target]
        return partners[np.searchsorted(distinct, _first_rows(texts))]

    def score(self, X: Any, y: Any) -> float:
        """Give the F1 of the pairs: the harmonic mean of precision and recall [1]_.

        Parameters
        ----------
        X : iterable of str of shape (n_sources,)
            Sentences of the other language.
        y : iterable of int of shape (n_sources,)
            Right target row of each; -1 where there is none.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If y does not hold one row per sentence.
        TextInputError
            If X is not a collection of texts.

        References
        ----------
        .. [1] Zweigenbaum, Sharoff & Rapp (2018), Overview of the Third BUCC Shared Task.
        """
        texts = self._read(X)
        found, right = self.predict(texts), self._read_rows(y, len(texts))
        hits = (found == right) & (found != NO_PARTNER)
        n_found = int((found != NO_PARTNER).sum())
        return f1(int(hits.sum()), n_found, int((right != NO_PARTNER).sum()))

    def calibrate(self, X: Any, y: Any, *, min_precision: float | None = None) -> "BitextMiner":
        """Choose the threshold on sentences whose translations are known.

        Parameters
        ----------
        X : iterable of str of shape (n_sources,)
            Sentences of the other language, not those that the miner is judged by.
        y : iterable of int of shape (n_sources,)
            Right target row of each; -1 where there is none.
        min_precision : float in [0, 1], default=None
            Take the largest recall with at least this precision; None takes the largest F1.

        Returns
        -------
        BitextMiner
            Itself, with another ``threshold_``.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If y does not hold one row per sentence, or ``min_precision`` lies outside.
        TextInputError
            If X is not a collection of texts.
        """
        texts = self._read(X)
        right = self._read_rows(y, len(texts))
        pairs, distinct = self._match(texts)
        hits = self._distinct[pairs.target] == right[distinct[pairs.source]]
        n_wanted = int((right[distinct] != NO_PARTNER).sum())
        self.threshold_ = choose_threshold(
            pairs.scores, hits, n_wanted, min_precision=min_precision
        )
        return self

    def score_pairs(self, source: Any, target: Any) -> NDArray[np.float64]:
        """Score given pairs, to filter parallel text.

        A pair is compared with the neighbourhoods that its sentences have among those given, each
        of which counts once. So scores are comparable within one call, and not with
        ``threshold_``, whose neighbourhoods were others: give all rows at once.

        Parameters
        ----------
        source : iterable of str of shape (n_pairs,)
            Sentences of one language.
        target : iterable of str of shape (n_pairs,)
            What is said to be their translations, row by row.

        Returns
        -------
        float64 of shape (n_pairs,)
            The margin of each pair within these two sides.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If there are not as many texts on both sides, or no more different ones than make a
            neighbourhood.
        TextInputError
            If a side is not a collection of texts.
        """
        sides = [self._read(source), self._read(target)]
        if len(sides[0]) != len(sides[1]):
            raise ParameterError(
                f"source and target must hold as many texts, one pair per row; got "
                f"{len(sides[0])} and {len(sides[1])}."
            )
        first = [_first_rows(side) for side in sides]
        distinct = [np.unique(rows) for rows in first]
        self._check_neighbourhoods(min(map(len, distinct)))
        one, other = map(self._encode, sides, distinct)
        pairs = np.stack(list(map(np.searchsorted, distinct, first)), axis=1)
        return score_rows(one, other, pairs, **self._margin)

    def _check_parameters(self) -> None:
        check_choice("margin", self.margin, tuple(MARGINS))
        check_choice("matching", self.matching, tuple(MATCHINGS))
        check_count("n_neighbors", self.n_neighbors, at_least=1)
        if self.threshold is not None:
            check_finite("threshold", self.threshold)

    def _check_neighbourhoods(self, n_distinct: int) -> None:
        margin, k = self._margin["margin"], self._margin["n_neighbors"]
        if margin != "absolute" and n_distinct <= k:
            raise ParameterError(
                f"source and target must hold more different sentences than the n_neighbors={k} "
                f"that a margin compares a pair with; one of them holds {n_distinct}. Give more "
                f"rows at once, or fit with margin='absolute', the bare cosine."
            )

    def _read(self, X: Any) -> list[str]:
        check_is_fitted(self, "threshold_")
        return read_texts(X)

    def _read_rows(self, y: Any, n_texts: int) -> Rows:
        rows = np.asarray(y)
        is_rows = rows.shape == (n_texts,) and rows.dtype.kind in "iu"
        if not is_rows or (rows < NO_PARTNER).any() or (rows >= len(self.targets_)).any():
            raise ParameterError(
                f"y must hold one target row from 0 to {len(self.targets_) - 1}, or -1, for each "
                f"of the {n_texts} sentences; got shape {rows.shape} of {rows.dtype}."
            )
        # Of a text that is there twice the first row stands for both.
        return np.where(rows == NO_PARTNER, NO_PARTNER, self._first[rows])

    def _encode(self, texts: list[str], rows: Rows) -> NDArray[np.float32]:
        return encode_dense(self.encoder_, [texts[row] for row in rows]).astype(np.float32)

    def _match(self, texts: list[str]) -> tuple[Candidates, Rows]:
        """Pairs among distinct texts, and the first row of each distinct source text."""
        distinct = np.unique(_first_rows(texts))
        pairs = find_candidates(self._encode(texts, distinct), self._vectors, **self._margin)
        return MATCHINGS[self._matching](pairs), distinct

    def _mine(self, texts: list[str]) -> tuple[Candidates, Rows]:
        pairs, distinct = self._match(texts)
        # Only now: without the pairs below it, the optimal matching would be another one, and
        # not that of which the threshold was chosen.
        return pairs.keep(pairs.scores >= self.threshold_), distinct

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def _first_rows(texts: list[str]) -> Rows:
    """Say of each text where it is first; copies would fill each other's neighbourhoods."""
    places: dict[str, int] = {}
    return np.array([places.setdefault(text, row) for row, text in enumerate(texts)], np.int64)
