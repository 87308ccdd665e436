"""OutOfScopeClassifier: a classifier that may also say that a text is about something else."""

from collections.abc import Callable, Iterator
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import roc_curve
from sklearn.model_selection import check_cv
from sklearn.utils import Tags, _safe_indexing, column_or_1d, get_tags, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from skencoder.errors import ParameterError
from skencoder.estimators.composed_detectors import ProbabilityDetector, SumDetector
from skencoder.estimators.novelty import MahalanobisDetector, NeighborsDetector
from skencoder.parameter_checks import check_finite, check_share

# How much the largest probability counts beside the cosine to the nearest neighbour.
PROBABILITY_WEIGHT = 0.25


def _combine(classifier: Any) -> SumDetector:
    detectors = [NeighborsDetector(), ProbabilityDetector(classifier)]
    return SumDetector(detectors, weights=[1.0, PROBABILITY_WEIGHT])


# Each is made around the classifier, which not all need.
DETECTORS: dict[str, Callable[[Any], Any]] = {
    "combined": _combine,
    "neighbors": lambda _: NeighborsDetector(),
    "mahalanobis": lambda _: MahalanobisDetector(),
    "max_probability": ProbabilityDetector,
}
Scores = NDArray[np.floating[Any]]
Rows = NDArray[np.int64]
Fold = tuple[Rows, Rows]


def _has_predict_proba(estimator: "OutOfScopeClassifier") -> bool:
    return hasattr(getattr(estimator, "classifier_", estimator.classifier), "predict_proba")


class OutOfScopeClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Classify what is in scope, and give all else a label of its own.

    A detector scores how much a sample is like those that were learned. Below a threshold the
    label is ``reject_label``, else it is the classifier's. The threshold is chosen on scores of
    samples that the detector had not seen, by ``cv``.

    Parameters
    ----------
    classifier : classifier
        Learns the labels in scope.
    detector : str or estimator, default="combined"
        "neighbors" is `NeighborsDetector`, "mahalanobis" `MahalanobisDetector`, "max_probability"
        the classifier's largest probability, "combined" the first plus a quarter of the last. Or
        anything with ``fit`` and ``score_samples``, where more is more in scope:
        ``LocalOutlierFactor(novelty=True)``, or a Pipeline that ends in such.
    false_rejection_rate : float in [0, 1], default=0.05
        Share of samples in scope that may be rejected; it sets the threshold where ``y`` has no
        row of ``reject_label``.
    threshold : float, default=None
        The lowest score that is in scope; None chooses it.
    reject_label : str or int, default=None
        None is "out_of_scope", or -1 where labels are numbers. Rows of ``y`` with this label
        are examples of what is out of scope: neither classifier nor detector learns them, and the
        threshold is where both rates of error together are smallest (Youden's index).
    cv : int, cross-validation generator or iterable, default=5
        The folds that choose the threshold. A number makes stratified folds of the rows in scope;
        other folds are of all rows of X, and those out of scope are left out of them.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels in scope; ``predict`` may also give ``reject_label_``.
    classifier_ : classifier
        Fitted on all samples in scope.
    detector_ : estimator
        Fitted on all samples in scope.
    threshold_ : float
        Samples that score less are rejected.
    reject_label_ : str or int
        What they are called.
    n_features_in_ : int
        The classifier's, if it has one.

    See Also
    --------
    NeighborsDetector : The larger part of the default detector.
    sklearn.model_selection.FixedThresholdClassifier : Other thresholds for two classes.

    References
    ----------
    .. [1] Hendrycks & Gimpel (2017), A baseline for detecting misclassified and
       out-of-distribution examples in neural networks, arXiv:1610.02136: the largest probability.
    .. [2] Larson et al. (2019), An evaluation dataset for intent classification and out-of-scope
       prediction, arXiv:1909.02027.
    .. [3] Youden (1950), Index for rating diagnostic tests, Cancer 3.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skencoder import EncoderVectorizer, OutOfScopeClassifier
    >>> texts = ["play some jazz", "put on a song", "what is the weather", "will it rain"]
    >>> classifier = OutOfScopeClassifier(LogisticRegression(), cv=2)
    >>> intents = make_pipeline(EncoderVectorizer(), classifier)
    >>> intents = intents.fit(texts, ["music", "music", "weather", "weather"])
    >>> intents.predict(["play a song", "is it raining", "transfer ten euros"])
    array(['music', 'weather', 'out_of_scope'], dtype='<U12')
    """

    def __init__(
        self,
        classifier: Any,
        *,
        detector: Any = "combined",
        false_rejection_rate: float = 0.05,
        threshold: float | None = None,
        reject_label: str | int | None = None,
        cv: Any = 5,
    ) -> None:
        self.classifier = classifier
        self.detector = detector
        self.false_rejection_rate = false_rejection_rate
        self.threshold = threshold
        self.reject_label = reject_label
        self.cv = cv

    def fit(self, X: Any, y: Any) -> "OutOfScopeClassifier":
        """Learn classifier, detector and threshold.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            What classifier and detector take: vectors, or texts if both are Pipelines.
        y : array-like of shape (n_samples,)
            Labels, among them ``reject_label`` where examples are known.

        Returns
        -------
        OutOfScopeClassifier
            Itself.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        ValueError
            If there are too few samples for the folds.
        """
        self._check_parameters()
        X, y = indexable(X, y)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.reject_label_ = _choose_reject_label(self.reject_label, y)
        outside = y == self.reject_label_
        if outside.all():
            raise ParameterError(f"All {len(y)} rows of y are {self.reject_label_!r}.")
        inside = _safe_indexing(X, np.flatnonzero(~outside))
        self.classifier_ = clone(self.classifier).fit(inside, y[~outside])
        # It has the classifier already, which need not be fitted twice.
        fitted = self._make_detector(FrozenEstimator(self.classifier_))
        self.detector_ = fitted.fit(inside, y[~outside])
        self.threshold_ = self._choose_threshold(X, y, outside)
        self.classes_ = self.classifier_.classes_
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.classifier_, name):
                setattr(self, name, getattr(self.classifier_, name))
        return self

    def score_samples(self, X: Any) -> Scores:
        """Say how much samples are in scope.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            As in ``fit``.

        Returns
        -------
        float of shape (n_samples,)
            The detector's scores: the higher, the more in scope.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        """
        check_is_fitted(self)
        return np.asarray(self.detector_.score_samples(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """Give labels, or the label of what is out of scope.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            As in ``fit``.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels of ``classes_`` and ``reject_label_``.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        """
        inside = self.score_samples(X) >= self.threshold_
        return np.where(inside, self.classifier_.predict(X), np.asarray(self.reject_label_))

    @available_if(_has_predict_proba)
    def predict_proba(self, X: Any) -> Scores:
        """Give the classifier's probabilities, which assume that a sample is in scope.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            As in ``fit``.

        Returns
        -------
        float of shape (n_samples, n_classes)
            One column per label of ``classes_``; none for what is out of scope.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        """
        check_is_fitted(self)
        return np.asarray(self.classifier_.predict_proba(X))

    def _check_parameters(self) -> None:
        is_class = isinstance(self.classifier, type)
        if is_class or not all(hasattr(self.classifier, name) for name in ("fit", "predict")):
            raise ParameterError(
                f"classifier must be a classifier such as LogisticRegression(); got "
                f"{self.classifier!r}."
            )
        check_share("false_rejection_rate", self.false_rejection_rate)
        if self.threshold is not None:
            check_finite("threshold", self.threshold)
        if isinstance(self.detector, str):
            if self.detector not in DETECTORS:
                raise ParameterError(
                    f"detector must be one of {', '.join(DETECTORS)}, or an estimator with "
                    f"score_samples; got {self.detector!r}."
                )
        elif isinstance(self.detector, type) or not hasattr(self.detector, "score_samples"):
            raise ParameterError(
                f"detector must have score_samples; {self.detector!r} has not. Of scikit-learn's "
                f"outlier detectors take LocalOutlierFactor(novelty=True), for instance."
            )

    def _make_detector(self, classifier: Any) -> Any:
        if isinstance(self.detector, str):
            return DETECTORS[self.detector](classifier)
        return clone(self.detector)

    def _choose_threshold(self, X: Any, y: NDArray[Any], outside: NDArray[np.bool_]) -> float:
        if self.threshold is not None:
            return float(self.threshold)
        scores = self._score_unseen(X, y, outside)
        if outside.any():
            examples = _safe_indexing(X, np.flatnonzero(outside))
            return _separate(scores, np.asarray(self.detector_.score_samples(examples)))
        return float(np.quantile(scores, self.false_rejection_rate, method="lower"))

    def _score_unseen(self, X: Any, y: NDArray[Any], outside: NDArray[np.bool_]) -> Scores:
        """Score each sample in scope by a detector that did not learn it."""
        scores = np.full(len(y), np.nan)
        for train, test in self._split(X, y, outside):
            detector = self._make_detector(self.classifier)
            detector.fit(_safe_indexing(X, train), y[train])
            scores[test] = detector.score_samples(_safe_indexing(X, test))
        known: Scores = scores[~np.isnan(scores)]
        if not len(known):
            raise ParameterError("cv tests no row in scope, so there is no score for a threshold.")
        return known

    def _split(self, X: Any, y: NDArray[Any], outside: NDArray[np.bool_]) -> Iterator[Fold]:
        """Give rows in scope to learn from, and to score."""
        inside = np.flatnonzero(~outside)
        if self.cv is None or isinstance(self.cv, Integral):
            # Folds of our own making are stratified among what is in scope.
            for train, test in check_cv(self.cv, y[inside], classifier=True).split(
                inside, y[inside]
            ):
                yield inside[train], inside[test]
            return
        for fold in check_cv(self.cv, y, classifier=True).split(X, y):
            # A fold that somebody else has made is of all rows.
            train, test = (_read_rows(rows, outside) for rows in fold)
            if len(test):
                yield train, test

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.classifier).input_tags
        return tags


def _read_rows(rows: Any, outside: NDArray[np.bool_]) -> Rows:
    """Give those of a fold's rows that are in scope."""
    try:
        read = np.arange(len(outside))[rows]
    except IndexError as error:
        raise ParameterError(f"cv does not fit the {len(outside)} rows of X: {error}.") from error
    chosen: Rows = read[~outside[read]]
    return chosen


def _separate(inside: Scores, outside: Scores) -> float:
    truth = np.repeat([1, 0], [len(inside), len(outside)])
    false_in, true_in, thresholds = roc_curve(truth, np.concatenate([inside, outside]))
    # The first threshold is infinite.
    return float(thresholds[1:][np.argmax((true_in - false_in)[1:])])


def _choose_reject_label(label: Any, y: NDArray[Any]) -> Any:
    if y.dtype.kind == "b":
        raise ParameterError(
            "y holds True and False, and predict could give no third beside them; write labels as "
            "str or int, for instance with y.astype(int)."
        )
    are_numbers = y.dtype.kind in "iuf"
    if label is None:
        label = -1 if are_numbers else "out_of_scope"
        if are_numbers and label in y:
            raise ParameterError(
                "y holds -1, which may be a label or mean out of scope: say reject_label=-1 if it "
                "means that, or choose another number."
            )
    elif isinstance(label, Real) != are_numbers:
        raise ParameterError(
            f"reject_label={label!r} is a {type(label).__name__}, but labels are {y.dtype}; "
            f"choose one of their kind."
        )
    return label
