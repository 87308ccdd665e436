"""EncoderClassifier: a model is trained with a head on it, from texts to labels."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skencoder.errors import ParameterError, TrainingError
from skencoder.estimators.end_to_end import EndToEnd, Trained
from skencoder.estimators.target_codes import (
    Answers,
    agree_on_classes,
    find_classes,
    number_classes,
    number_labels,
)
from skencoder.estimators.target_rows import Floats, check_learnable, read_labels, read_rows
from skencoder.estimators.training_parameters import make_training, one_pass
from skencoder.parameter_checks import check_share

if TYPE_CHECKING:
    from skencoder.cache import EmbeddingCache
    from skencoder.encoder import EncoderConfig
    from skencoder.objectives import Training
    from skencoder.text_encoder import TextEncoder

TWO = 2


class EncoderClassifier(ClassifierMixin, BaseEstimator):
    """Classify texts with a Transformer encoder that is trained for it, all of it.

    A linear head on the texts' vectors, of length one, is first fitted to the model as it is
    (without one step of training this is multinomial logistic regression); then head and model
    are trained together. The model that was given stays as it is.

    Parameters
    ----------
    model : str, Path, TextEncoder or EncoderConfig, default="all-MiniLM-L6-v2"
        As for `EncoderVectorizer`; a configuration is trained from scratch.
    training : Training, default=None
        How it is trained; None is 5 epochs in batches of 16.
    class_weight : dict, "balanced" or None, default=None
        How much the texts of each class count; balanced lets all classes count the same. With
        several labels per text, balanced lets texts with a label and without it count the same.
    dropout : float, default=0.1
        Share of a vector's numbers that the head does not see while it is trained.
    label_smoothing : float, default=0.0
        Share of the target that is spread over all classes.
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
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted; with several labels per text, the numbers of the columns.
    encoder_ : EncoderVectorizer
        The tuned model: its vectors can be used for other things too.
    coef_ : float64 of shape (n_classes, n_features)
        The head's weights.
    intercept_ : float64 of shape (n_classes,)
        What it adds.
    history_ : DataFrame
        Step, epoch, loss in nats, learning rate, gradient norm, tokens and seconds of each step,
        and the loss on held-out rows after it (before the first one too) where it was taken.

    See Also
    --------
    EncoderRegressor : The same for amounts.
    skencoder.objectives.SupervisedContrastive : Trains vectors by labels, for any classifier.

    References
    ----------
    .. [1] Devlin et al. (2019), BERT, arXiv:1810.04805, section 4.
    .. [2] Kumar et al. (2022), Fine-Tuning can Distort Pretrained Features and Underperform
       Out-of-Distribution, arXiv:2202.10054: the head first.

    Examples
    --------
    >>> from skencoder import EncoderClassifier
    >>> from skencoder.objectives import Training
    >>> texts = ["a happy day", "what a joy", "a sad story", "such misery"]
    >>> moods = EncoderClassifier(training=Training(max_steps=2), random_state=0)
    >>> moods.fit(texts, ["good", "good", "bad", "bad"]).predict(["full of delight"])
    array(['good'], dtype='<U4')
    """

    def __init__(
        self,
        model: "str | Path | TextEncoder | EncoderConfig" = "all-MiniLM-L6-v2",
        *,
        training: "Training | None" = None,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        dropout: float = 0.1,
        label_smoothing: float = 0.0,
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
        self.class_weight = class_weight
        self.dropout = dropout
        self.label_smoothing = label_smoothing
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "EncoderClassifier":
        """Train the model and its head.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.
        y : array-like of shape (n_texts,) or (n_texts, n_labels)
            One label per text, or a matrix with 1 where a text has a label.
        sample_weight : array-like of shape (n_texts,), default=None
            How much each text counts; only their proportions matter.

        Returns
        -------
        EncoderClassifier
            Itself.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        TextInputError
            If X is not a collection of texts.
        TrainingError
            If it cannot learn from y: one class, a missing label, rows that are not those of X.
        CheckpointError
            If the model is not there or cannot be trained.
        """
        texts, y, weights, rows = read_rows(X, y, sample_weight, self.missing, read_labels)
        check_learnable(texts)
        goes_on = self.warm_start and hasattr(self, "classes_")
        classes = self.classes_ if goes_on else find_classes(y)
        answers = self._number(y, classes, weights / weights.mean(), self.class_weight)
        course = self._course(self.training, y)
        former = self._trained if goes_on else None
        return self._keep(course.run(texts, replace(answers, rows=rows), former), classes, y)

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> "EncoderClassifier":
        """Go on with some texts: the head moves first, then one pass over them at an even rate.

        Each call writes the model anew, which takes a second or so: give it hundreds of texts. Mix
        the classes: texts of one class alone teach it to give that class to all.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.
        y : array-like of shape (n_texts,) or (n_texts, n_labels)
            As for ``fit``.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come; needed at the first call.
        sample_weight : array-like of shape (n_texts,), default=None
            How much each text counts, compared with those of other calls too.

        Returns
        -------
        EncoderClassifier
            Itself.

        Raises
        ------
        ParameterError
            If a parameter cannot be used, or ``classes`` are missing or others than before.
        TextInputError
            If X is not a collection of texts.
        TrainingError
            If it cannot learn from y.
        CheckpointError
            If the model is not there or cannot be trained.
        """
        texts, y, weights, rows = read_rows(X, y, sample_weight, self.missing, read_labels)
        if isinstance(self.class_weight, str):
            raise ParameterError(
                f"class_weight={self.class_weight!r} has to see all labels, of which partial_fit "
                f"sees some; give a dict, or sample_weight."
            )
        known = agree_on_classes(getattr(self, "classes_", None), classes)
        answers = self._number(y, known, weights, self.class_weight)
        course = self._course(one_pass(self.training, len(texts)), y)
        former = self._trained if hasattr(self, "classes_") else None
        return self._keep(course.go_on(texts, replace(answers, rows=rows), former), known, y)

    def set_params(self, **params: Any) -> "EncoderClassifier":
        """Set parameters, those of the training too.

        Parameters
        ----------
        **params : object
            By name, such as ``training__learning_rate``.

        Returns
        -------
        EncoderClassifier
            Itself.

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        make_training(self, params)
        super().set_params(**params)
        return self

    def decision_function(self, X: Any) -> Floats:
        """Give the logits.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.

        Returns
        -------
        float64 of shape (n_texts, n_classes), or (n_texts,) for two classes
            For two classes the second's less the first's; of several labels per text each one's.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        TextInputError
            If X is not a collection of texts.
        """
        logits = self._logits(X)
        is_binary = not self._multilabel and len(self.classes_) == TWO
        return logits[:, 1] - logits[:, 0] if is_binary else logits

    def predict_proba(self, X: Any) -> Floats:
        """Give probabilities.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.

        Returns
        -------
        float64 of shape (n_texts, n_classes)
            Each row sums to 1; of several labels per text, each one's probability by itself.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        TextInputError
            If X is not a collection of texts.
        """
        logits = self._logits(X)
        return np.asarray(expit(logits) if self._multilabel else softmax(logits, axis=1))

    def predict(self, X: Any) -> NDArray[Any]:
        """Give the most probable label, or all that are more probable than not.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            Texts.

        Returns
        -------
        ndarray of shape (n_texts,), or int64 of shape (n_texts, n_labels)
            Labels; of several per text, 1 where it has one.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        TextInputError
            If X is not a collection of texts.
        """
        logits = self._logits(X)
        if self._multilabel:
            return (logits > 0).astype(np.int64)
        return np.asarray(self.classes_[logits.argmax(axis=1)])

    @property
    def _trained(self) -> Trained:
        return Trained(self.encoder_, self.coef_, self.intercept_, self.history_)

    def _logits(self, X: Any) -> Floats:
        check_is_fitted(self)
        return self._trained.outputs(X)

    def _number(
        self, y: NDArray[Any], classes: NDArray[Any], weights: Floats, class_weight: Any
    ) -> Answers:
        several = y.ndim == TWO
        if hasattr(self, "classes_") and classes is self.classes_ and several != self._multilabel:
            raise TrainingError(
                f"y has {'several labels' if several else 'one label'} per text; before, it had "
                f"{'several' if self._multilabel else 'one'}."
            )
        if several:
            return number_labels(y, classes, class_weight, weights)
        return number_classes(y, classes, class_weight, weights)

    def _course(self, training: "Training | None", y: NDArray[Any]) -> EndToEnd:
        check_share("label_smoothing", self.label_smoothing)
        loss = "sigmoid" if y.ndim == TWO else "softmax"
        return EndToEnd.of(self, loss, training, label_smoothing=self.label_smoothing)

    def _keep(
        self, trained: Trained, classes: NDArray[Any], y: NDArray[Any]
    ) -> "EncoderClassifier":
        self.classes_ = classes
        self._multilabel = y.ndim == TWO
        self.encoder_, self.history_ = trained.encoder, trained.history
        self.coef_, self.intercept_ = trained.coef, trained.intercept
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.classifier_tags.multi_label = True
        return tags
