"""PseudoPerplexityScorer: how likely a masked language model finds texts, in scikit-learn's shape.

What a score is stands in `skencoder.pseudo_likelihood`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skencoder.encoding_options import check_choice
from skencoder.errors import CheckpointError, ParameterError, TextInputError
from skencoder.estimators.outlier_threshold import check_contamination, learn_offset
from skencoder.estimators.progress import Bar
from skencoder.estimators.texts import read_texts

if TYPE_CHECKING:
    from skencoder.pseudo_likelihood import PseudoLikelihood, ScoringOptions, TokenScores

UNITS = {"text": None, "token": "tokens", "word": "words", "byte": "bytes"}


class PseudoPerplexityScorer(OutlierMixin, BaseEstimator):
    """Score texts by how well a masked language model guesses their tokens from the others.

    The pseudo-log-likelihood of a text is the sum of its tokens' scores: the logarithm of the
    probability that the model gives a token where a mask stands in its place. Higher is more
    likely. It needs a checkpoint with its masked-language-model head, which sentence encoders
    mostly lack; one without is refused. With ``contamination`` it is an outlier detector.

    A text of n tokens is encoded about n times, in batches. A text longer than ``max_length`` is
    read in overlapping windows; each token is scored once, where it has the most context.

    Parameters
    ----------
    model : str or Path, default="google-bert/bert-base-uncased"
        A checkpoint folder, or a hub id.
    method : {"pll", "pll-word-l2r", "whole-word", "mlm-loss"}, default="pll"
        What is masked together: one token at a time [1]_; with it the later pieces of its word, so
        that they cannot give it away [2]_; all pieces of a word; a fixed share of a text's
        tokens, drawn at random, in one copy: fast, for curves.
    per : {"text", "token", "word", "byte"}, default="text"
        What ``score_samples`` is per. The sum over a text falls with its length; divided by its
        tokens, words or bytes it does not.
    max_length : int, default=None
        Tokens per window, special tokens included; None is the model's own limit.
    stride : int, default=None
        From one window of a long text to the next, in tokens; None is half a window.
    mask_probability : float, default=0.15
        Share of the tokens that "mlm-loss" draws; all of these are replaced by the mask.
    missing : {"error", "empty"}, default="error"
        What ``None`` and NaN are: refused, or an empty text.
    precision : {"float32", "bfloat16", "float16", "int8", "auto"}, default="float32"
        Of the encoder; the head is float32 in any case. Published scores are float32.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; auto takes the first GPU, else the CPU.
    batch_tokens : int or "auto", default="auto"
        Most tokens of masked copies encoded at once.
    random_state : int, default=0
        Of the draw of "mlm-loss"; it depends on nothing else but a text's own tokens.
    verbose : int, default=0
        1 shows a progress bar with remaining time.
    contamination : float, default=None
        Share of outliers among the texts given to ``fit``, above 0 and up to 0.5. ``fit`` then
        scores them and ``predict`` can be called; None learns nothing. Set ``per="token"`` with
        it, or long texts are the outliers.

    Attributes
    ----------
    model_fingerprint_ : str
        SHA-256 over the model's configuration, weights, tokenizer and settings.
    max_length_ : int
        Tokens per window, special tokens included.
    stride_ : int
        From one window of a long text to the next, in tokens.
    offset_ : float or None
        Texts with a lower score are outliers, in nats; None without ``contamination``.

    See Also
    --------
    EncoderVectorizer : Vectors instead of probabilities.
    sklearn.ensemble.IsolationForest : The same shape for vectors.

    References
    ----------
    .. [1] Salazar, Liang, Nguyen & Kirchhoff (2020), Masked language model scoring,
       arXiv:1910.14659.
    .. [2] Kauf & Ivanova (2023), A better way to do masked language model scoring,
       arXiv:2305.10588.

    Examples
    --------
    A model of random weights, so that no download is needed; it finds nothing likely:

    >>> from tempfile import mkdtemp
    >>> import torch
    >>> from skencoder import PseudoPerplexityScorer
    >>> from skencoder.checkpoints import load_checkpoint, save_checkpoint
    >>> from skencoder.encoder import HeadConfig, MaskedLM
    >>> checkpoint = load_checkpoint("all-MiniLM-L6-v2")
    >>> untrained = MaskedLM(checkpoint.encoder, HeadConfig())
    >>> folder = save_checkpoint(mkdtemp(), untrained, tokenizer_folder=checkpoint.folder)
    >>> scorer = PseudoPerplexityScorer(folder).fit(["I am Sam."])
    >>> scorer.token_scores(["I am Sam."])["token"].tolist()
    ['i', 'am', 'sam', '.']
    >>> scorer.perplexity(["I am Sam."]) > 1000
    True
    """

    _doc_link_module = "skencoder"
    _doc_link_template = "https://pypi.org/project/skencoder/"

    def __init__(
        self,
        model: str | Path = "google-bert/bert-base-uncased",
        *,
        method: str = "pll",
        per: str = "text",
        max_length: int | None = None,
        stride: int | None = None,
        mask_probability: float = 0.15,
        missing: str = "error",
        precision: str = "float32",
        device: str = "auto",
        batch_tokens: int | Literal["auto"] = "auto",
        random_state: int = 0,
        verbose: int = 0,
        contamination: float | None = None,
    ) -> None:
        self.model = model
        self.method = method
        self.per = per
        self.max_length = max_length
        self.stride = stride
        self.mask_probability = mask_probability
        self.missing = missing
        self.precision = precision
        self.device = device
        self.batch_tokens = batch_tokens
        self.random_state = random_state
        self.verbose = verbose
        self.contamination = contamination

    def fit(self, X: Any = None, y: Any = None) -> "PseudoPerplexityScorer":
        """Check the parameters and load the model; with contamination, learn a threshold.

        Parameters
        ----------
        X : iterable of shape (n_texts,), optional
            Texts; without contamination they are only looked at.
        y : object, optional
            Ignored.

        Returns
        -------
        PseudoPerplexityScorer
            Itself.

        Raises
        ------
        CheckpointError
            If the model is not there, has no masked-language-model head, or cannot be used.
        DeviceError
            If this machine has no such device.
        ParameterError
            If a parameter cannot be used.
        NonFiniteScoreError
            If the model gives a token of X a score that is NaN or infinite.
        TextInputError
            If X is not a collection of texts, or there is none to learn a threshold from.
        """
        check_contamination(self.contamination)
        check_choice("per", self.per, tuple(UNITS))
        check_choice("missing", self.missing, ("error", "empty"))
        options = self._make_options()
        texts = None if X is None else read_texts(X, self.missing)
        if self.contamination is not None and texts is None:
            raise TextInputError(
                f"X: contamination={self.contamination} needs texts to learn a threshold from."
            )
        loaded = self._load()
        plan = loaded.plan(options)
        self.model_fingerprint_ = loaded.model.fingerprint
        self.max_length_ = plan.body_length + loaded.model.tokenizer.n_special
        self.stride_ = plan.stride
        self._options, self._missing, self._unit = options, self.missing, self.per
        self._asked = {
            "model": _absolute(self.model),
            "precision": self.precision,
            "device": self.device,
        }
        self._loaded = loaded
        self.offset_ = (
            None
            if self.contamination is None
            else learn_offset(self.score_samples(texts), self.contamination)
        )
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Give how far each text lies above the threshold that ``fit`` learned.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.

        Returns
        -------
        float64 of shape (n_texts,)
            ``score_samples(X) - offset_``: negative for outliers, NaN where the score is.

        Raises
        ------
        NonFiniteScoreError
            If the model gives a token a score that is NaN or infinite.
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If ``fit`` was called without contamination.
        TextInputError
            If X is not a collection of texts.
        """
        check_is_fitted(self)
        if self.offset_ is None:
            raise ParameterError(
                "contamination=None: no threshold has been learned. Set contamination, such as "
                "0.05, and call fit with texts of which that share may be outliers."
            )
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Tell outliers from the rest.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.

        Returns
        -------
        int64 of shape (n_texts,)
            -1 for outliers and for texts without a score (no token, or no word), 1 for others.

        Raises
        ------
        NonFiniteScoreError
            If the model gives a token a score that is NaN or infinite.
        NotFittedError
            If ``fit`` has not been called.
        ParameterError
            If ``fit`` was called without contamination.
        TextInputError
            If X is not a collection of texts.
        """
        return np.where(self.decision_function(X) >= 0, 1, -1).astype(np.int64)

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Give the pseudo-log-likelihood of each text.

        With ``method="mlm-loss"`` it is that of the drawn tokens only.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.

        Returns
        -------
        float64 of shape (n_texts,)
            In nats, at most 0, higher is more likely. A text without a token has 0 in all, and
            NaN per token, word or byte.

        Raises
        ------
        NonFiniteScoreError
            If the model gives a token a score that is NaN or infinite.
        NotFittedError
            If ``fit`` has not been called.
        TextInputError
            If X is not a collection of texts.
        """
        table = self.text_scores(X)
        sums = table["log_likelihood"].to_numpy()
        unit = UNITS[self._unit]
        if unit is None:
            return np.asarray(sums)
        counts = table[unit].to_numpy()
        empty = counts == 0
        return np.asarray(np.where(empty, np.nan, sums / np.where(empty, 1, counts)))

    def text_scores(self, X: Any) -> pd.DataFrame:
        """Give each text's score and what it can be divided by.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.

        Returns
        -------
        DataFrame of shape (n_texts, 5)
            ``log_likelihood`` in nats; ``tokens`` that were scored; ``words`` between white
            space; ``bytes`` in UTF-8 (with "mlm-loss" words and bytes are those of the whole
            text, and the score is not); ``windows`` it was read in.

        Raises
        ------
        NonFiniteScoreError
            If the model gives a token a score that is NaN or infinite.
        NotFittedError
            If ``fit`` has not been called.
        TextInputError
            If X is not a collection of texts.
        """
        from skencoder.pseudo_likelihood import count_bytes, count_words

        texts, scores = self._score(X)
        return pd.DataFrame(
            {
                "log_likelihood": scores.sums,
                "tokens": scores.counts,
                "words": count_words(texts),
                "bytes": count_bytes(texts),
                "windows": scores.n_windows,
            }
        )

    def token_scores(self, X: Any) -> pd.DataFrame:
        """Give the score of each token of each text.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.

        Returns
        -------
        DataFrame of shape (n_tokens, 6)
            ``text``, its row; ``token`` as the vocabulary writes it; ``start`` and ``stop``, its
            characters in the text; ``word``, which of the text's words it is a piece of, by the
            tokenizer; ``log_probability`` in nats, NaN for a token that is not scored.

        Raises
        ------
        NonFiniteScoreError
            If the model gives a token a score that is NaN or infinite.
        NotFittedError
            If ``fit`` has not been called.
        TextInputError
            If X is not a collection of texts.
        """
        _, scores = self._score(X)
        names = self._model().model.tokenizer.token_names()
        tokens = scores.texts
        return pd.DataFrame(
            {
                "text": scores.rows,
                "token": [names[id_] for id_ in tokens.tokens.input_ids.tolist()],
                "start": tokens.places[:, 0],
                "stop": tokens.places[:, 1],
                "word": tokens.words,
                "log_probability": scores.log_probabilities,
            }
        )

    def score(self, X: Any, y: Any = None) -> float:
        """Give the mean score of a token: higher is better, so that a search can maximise it.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.
        y : object, optional
            Ignored.

        Returns
        -------
        float
            In nats, over all tokens of all texts; NaN where there is none.

        Raises
        ------
        NonFiniteScoreError
            If the model gives a token a score that is NaN or infinite.
        NotFittedError
            If ``fit`` has not been called.
        TextInputError
            If X is not a collection of texts.
        """
        table = self.text_scores(X)
        tokens = int(table["tokens"].sum())
        return float(table["log_likelihood"].sum() / tokens) if tokens else float("nan")

    def perplexity(self, X: Any) -> float:
        """Give the pseudo-perplexity per token of texts, taken together.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.

        Returns
        -------
        float
            ``exp(-score(X))``: 1 if every token is certain, the vocabulary's size if every guess
            is as good as any. Compare it between models of the same tokenizer only.

        Raises
        ------
        NonFiniteScoreError
            If the model gives a token a score that is NaN or infinite.
        NotFittedError
            If ``fit`` has not been called.
        TextInputError
            If X is not a collection of texts.
        """
        return float(np.exp(-self.score(X)))

    def _make_options(self) -> "ScoringOptions":
        from skencoder.pseudo_likelihood import ScoringOptions

        return ScoringOptions(
            method=self.method,
            max_length=self.max_length,
            stride=self.stride,
            mask_probability=self.mask_probability,
            seed=self.random_state,
            batch_tokens=self.batch_tokens,
        )

    def _load(self) -> "PseudoLikelihood":
        from skencoder.pseudo_likelihood import PseudoLikelihood

        return PseudoLikelihood.load(self.model, precision=self.precision, device=self.device)

    def _model(self) -> "PseudoLikelihood":
        """Give the loaded model; one that came out of a pickle is loaded here."""
        if getattr(self, "_loaded", None) is None:
            from skencoder.pseudo_likelihood import PseudoLikelihood

            loaded = PseudoLikelihood.load(**self._asked)
            if loaded.model.fingerprint != self.model_fingerprint_:
                raise CheckpointError(
                    f"The model {self._asked['model']!r} is not the one this estimator was fitted "
                    f"with: its fingerprint is {loaded.model.fingerprint}, "
                    f"{self.model_fingerprint_} was expected. Fit it again."
                )
            self._loaded = loaded
        return self._loaded

    def _score(self, X: Any) -> "tuple[list[str], TokenScores]":
        check_is_fitted(self)
        texts = read_texts(X, self._missing)
        bar = Bar(self.verbose, unit=" tokens", description="Scoring")
        return texts, self._model().score(texts, self._options, progress=bar)

    def __getstate__(self) -> dict[str, Any]:
        # A pickle refers to the weights and does not hold them.
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_loaded", None)
        return state

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        if self.contamination is None:
            # It scores, and does not judge.
            tags.estimator_type = None
        return tags


def _absolute(model: str | Path) -> str:
    folder = Path(model).expanduser()
    return str(folder.resolve()) if folder.is_dir() else str(model)
