"""EncoderRegressor: a model is trained with a head on it, from texts to amounts."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skencoder.encoding_options import check_choice
from skencoder.errors import TrainingError
from skencoder.estimators.end_to_end import EndToEnd, Trained
from skencoder.estimators.target_codes import Answers
from skencoder.estimators.target_rows import (
    Floats,
    Given,
    check_learnable,
    read_amounts,
    read_rows,
)
from skencoder.estimators.training_parameters import make_training, one_pass
from skencoder.estimators.units import Units
from skencoder.estimators.vectorizer import EncoderVectorizer

if TYPE_CHECKING:
    import pandas as pd

    from skencoder.cache import EmbeddingCache
    from skencoder.encoder import EncoderConfig
    from skencoder.objectives import Training
    from skencoder.text_encoder import TextEncoder

Run = Callable[[list[str], Answers, Trained | None], Trained]


class EncoderRegressor(RegressorMixin, BaseEstimator):
    """Predict amounts from texts with a Transformer encoder that is trained for it, all of it.

    A linear head on the texts' vectors, of length one, is first fitted to the model as it is
    (without one step of training this is ridge regression); then head and model are trained
    together. Amounts are brought to mean 0 and standard deviation 1 inside, and given back in
    their own unit. The model that was given stays as it is.

    Parameters
    ----------
    model : str, Path, TextEncoder or EncoderConfig, default="all-MiniLM-L6-v2"
        As for `EncoderVectorizer`; a configuration is trained from scratch.
    training : Training, default=None
        How it is trained; None is 5 epochs in batches of 16.
    loss : {"squared", "huber"}, default="squared"
        Huber's is not carried away by a few amounts that are far off.
    dropout : float, default=0.1
        Share of a vector's numbers that the head does not see while it is trained.
    warm_start : bool, default=False
        Whether a second ``fit`` goes on from the present weights.
    pooling : str, default="auto"
        From token vectors to a text's vector, as for `EncoderVectorizer`.
    max_length : int, default=None
        Tokens per text, special tokens included; None is the model's own limit.
    overflow : {"warn", "truncate", "error", "chunk"}, default="warn"
        What happens to a longer text; it is learned from its beginning.
    prompt : str, default=None
        Text put before every input, or the name of one of the checkpoint's own prompts.
    missing : {"error", "empty"}, default="error"
        What ``None`` and NaN among the texts are: refused, or an empty text.
    precision : {"auto", "float32", "bfloat16", "float16", "int8"}, default="auto"
        In which ``predict`` computes; training has its own.
    device : str or list of str, default="auto"
        Where; training takes the first of several.
    cache : str, Path, EmbeddingCache or None, default="session"
        Where vectors are kept, so that predicting the same texts again encodes nothing.
    random_state : int, RandomState or None, default=None
        Of all that training draws: with an int, the same weights every time on one CPU.
    verbose : int, default=0
        1 shows a progress bar, in training with the loss.

    Attributes
    ----------
    encoder_ : EncoderVectorizer
        The tuned model: its vectors can be used for other things too.
    coef_ : float64 of shape (n_targets, n_features)
        The head's weights, in the unit of the targets.
    intercept_ : float64 of shape (n_targets,)
        What it adds, in the unit of the targets.
    history_ : DataFrame
        Step, epoch, loss (half the squared error of amounts with standard deviation 1), learning
        rate, gradient norm, tokens and seconds of each step, and the loss on held-out rows after
        it (before the first one too) where it was taken.

    See Also
    --------
    EncoderClassifier : The same for labels.
    skencoder.objectives.SimilarityRegression : Trains vectors by how alike two texts are.

    References
    ----------
    .. [1] Devlin et al. (2019), BERT, arXiv:1810.04805, section 4.
    .. [2] Kumar et al. (2022), Fine-Tuning can Distort Pretrained Features and Underperform
       Out-of-Distribution, arXiv:2202.10054: the head first.

    Examples
    --------
    >>> from skencoder import EncoderRegressor
    >>> from skencoder.objectives import Training
    >>> texts = ["a happy day", "what a joy", "a sad story", "such misery"]
    >>> moods = EncoderRegressor(training=Training(max_steps=2), random_state=0)
    >>> moods.fit(texts, [8, 10, 3, 1]).predict(["full of delight"]) > 5
    array([ True])
    """

    encoder_: EncoderVectorizer
    coef_: Floats
    intercept_: Floats
    history_: "pd.DataFrame"
    _units: Units
    _shape: tuple[int, ...]

    def __init__(
        self,
        model: "str | Path | TextEncoder | EncoderConfig" = "all-MiniLM-L6-v2",
        *,
        training: "Training | None" = None,
        loss: Literal["squared", "huber"] = "squared",
        dropout: float = 0.1,
        warm_start: bool = False,
        pooling: str = "auto",
        max_length: int | None = None,
        overflow: str = "warn",
        prompt: str | None = None,
        missing: str = "error",
        precision: str = "auto",
        device: str | list[str] = "auto",
        cache: "str | Path | EmbeddingCache | None" = "session",
        random_state: "int | np.random.RandomState | None" = None,
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.training = training
        self.loss = loss
        self.dropout = dropout
        self.warm_start = warm_start
        self.pooling = pooling
        self.max_length = max_length
        self.overflow = overflow
        self.prompt = prompt
        self.missing = missing
        self.precision = precision
        self.device = device
        self.cache = cache
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "EncoderRegressor":
        """Train the model and its head.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.
        y : array-like of shape (n_texts,) or (n_texts, n_targets)
            Amounts.
        sample_weight : array-like of shape (n_texts,), default=None
            How much each text counts; only their proportions matter.

        Returns
        -------
        EncoderRegressor
            Itself.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        TextInputError
            If X is not a collection of texts.
        TrainingError
            If it cannot learn from y: a missing amount, rows that are not those of X.
        CheckpointError
            If the model is not there or cannot be trained.
        """
        given = read_rows(X, y, sample_weight, self.missing, read_amounts)
        check_learnable(given.texts)
        course = self._course(self.training)
        goes_on = self.warm_start and hasattr(self, "coef_")
        given = given._replace(weights=given.weights / given.weights.mean())
        return self._learn(course.run, given, goes_on)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "EncoderRegressor":
        """Go on with some texts: the head moves first, then one pass over them at an even rate.

        Each call writes the model anew, which takes a second or so: give it hundreds of texts. The
        first call's amounts say what is one standard deviation.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.
        y : array-like of shape (n_texts,) or (n_texts, n_targets)
            Amounts.
        sample_weight : array-like of shape (n_texts,), default=None
            How much each text counts, compared with those of other calls too.

        Returns
        -------
        EncoderRegressor
            Itself.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        TextInputError
            If X is not a collection of texts.
        TrainingError
            If it cannot learn from y.
        CheckpointError
            If the model is not there or cannot be trained.
        """
        given = read_rows(X, y, sample_weight, self.missing, read_amounts)
        course = self._course(one_pass(self.training, len(given.texts)))
        return self._learn(course.go_on, given, hasattr(self, "coef_"))

    def set_params(self, **params: Any) -> "EncoderRegressor":
        """Set parameters, those of the training too.

        Parameters
        ----------
        **params : object
            By name, such as ``training__learning_rate``.

        Returns
        -------
        EncoderRegressor
            Itself.

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        make_training(self, params)
        super().set_params(**params)
        return self

    def predict(self, X: Any) -> Floats:
        """Give amounts.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.

        Returns
        -------
        float64 of shape (n_texts,) or (n_texts, n_targets)
            As y was, in its unit.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        TextInputError
            If X is not a collection of texts.
        """
        check_is_fitted(self)
        trained = Trained(self.encoder_, self.coef_, self.intercept_, self.history_)
        return trained.outputs(X).reshape(-1, *self._shape)

    def _course(self, training: Any) -> EndToEnd:
        check_choice("loss", self.loss, ("squared", "huber"))
        return EndToEnd.of(self, self.loss, training)

    def _learn(self, run: Run, given: Given, goes_on: bool) -> "EncoderRegressor":
        texts, y, weights, rows = given
        if goes_on and y.shape[1:] != self._shape:
            raise TrainingError(
                f"y has the shape {y.shape}; before, it was {('n_texts', *self._shape)}."
            )
        units = self._units if goes_on else Units.of(y, weights)
        former = None
        if goes_on:
            coef, intercept = units.strip(self.coef_, self.intercept_)
            former = Trained(self.encoder_, coef, intercept, self.history_)
        wanted = units.standardise(y)
        answers = Answers(wanted, weights.astype(np.float32), wanted.shape[1], rows)
        trained = run(texts, answers, former)
        self._units, self._shape = units, y.shape[1:]
        self.encoder_, self.history_ = trained.encoder, trained.history
        self.coef_, self.intercept_ = units.give(trained.coef, trained.intercept)
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.target_tags.multi_output = True
        return tags
