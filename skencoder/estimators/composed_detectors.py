"""Detectors made of other estimators: a classifier's largest probability, and sums of scores."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils import Tags, get_tags
from sklearn.utils.validation import check_is_fitted

from skencoder.errors import ParameterError
from skencoder.parameter_checks import check_finite

Scores = NDArray[np.floating[Any]]


class ProbabilityDetector(BaseEstimator):
    """Score samples by a classifier's largest probability.

    Parameters
    ----------
    classifier : classifier
        With ``predict_proba``.

    Attributes
    ----------
    classifier_ : classifier
        The fitted copy.
    n_features_in_ : int
        The classifier's, if it has one.

    References
    ----------
    .. [1] Hendrycks & Gimpel (2017), A baseline for detecting misclassified and
       out-of-distribution examples in neural networks, arXiv:1610.02136.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skencoder.estimators import ProbabilityDetector
    >>> detector = ProbabilityDetector(LogisticRegression()).fit([[0.0], [1.0]], [0, 1])
    >>> detector.score_samples([[0.5]]).round(2)
    array([0.5])
    """

    def __init__(self, classifier: Any) -> None:
        self.classifier = classifier

    def fit(self, X: Any, y: Any) -> "ProbabilityDetector":
        """Fit a copy of the classifier.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            What the classifier takes.
        y : array-like of shape (n_samples,)
            Labels.

        Returns
        -------
        ProbabilityDetector
            Itself.

        Raises
        ------
        ParameterError
            If the classifier gives no probabilities.
        """
        self.classifier_ = clone(self.classifier).fit(X, y)
        if not hasattr(self.classifier_, "predict_proba"):
            raise ParameterError(
                f"The largest probability needs a classifier with predict_proba, which "
                f"{self.classifier!r} has not; put it into CalibratedClassifierCV, "
                f"or choose another detector, such as 'neighbors'."
            )
        if hasattr(self.classifier_, "n_features_in_"):
            self.n_features_in_ = self.classifier_.n_features_in_
        return self

    def score_samples(self, X: Any) -> Scores:
        """Give the largest probability.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            What the classifier takes.

        Returns
        -------
        float of shape (n_samples,)
            From 1 / n_classes to 1.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        """
        check_is_fitted(self)
        return np.asarray(self.classifier_.predict_proba(X).max(axis=1))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.classifier).input_tags
        return tags


class SumDetector(BaseEstimator):
    """Score samples by a weighted sum of other detectors' scores.

    Parameters
    ----------
    detectors : list of estimators
        Each with ``fit`` and ``score_samples``.
    weights : list of float, default=None
        One per detector; None is 1 for each.

    Attributes
    ----------
    detectors_ : list of estimators
        The fitted copies.
    n_features_in_ : int
        That of the first, if it has one.

    Examples
    --------
    >>> from skencoder.estimators import MahalanobisDetector, NeighborsDetector, SumDetector
    >>> both = SumDetector([NeighborsDetector(), MahalanobisDetector()], weights=[1, 0.1])
    >>> near, far = both.fit([[1, 0], [0, 1]]).score_samples([[1, 0], [-1, 0]])
    >>> bool(near > far)
    True
    """

    def __init__(self, detectors: list[Any], *, weights: list[float] | None = None) -> None:
        self.detectors = detectors
        self.weights = weights

    def fit(self, X: Any, y: Any = None) -> "SumDetector":
        """Fit a copy of each detector.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            What the detectors take.
        y : array-like of shape (n_samples,), optional
            Labels, for detectors that learn them.

        Returns
        -------
        SumDetector
            Itself.

        Raises
        ------
        ParameterError
            If there are no detectors, or not as many weights.
        """
        self._weights = self._check_weights()
        self.detectors_ = [clone(detector).fit(X, y) for detector in self.detectors]
        if hasattr(self.detectors_[0], "n_features_in_"):
            self.n_features_in_ = self.detectors_[0].n_features_in_
        return self

    def score_samples(self, X: Any) -> Scores:
        """Give the weighted sum.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            What the detectors take.

        Returns
        -------
        float of shape (n_samples,)
            Of all detectors.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        """
        check_is_fitted(self)
        scores = [detector.score_samples(X) for detector in self.detectors_]
        return np.asarray(np.tensordot(self._weights, scores, axes=1))

    def _check_weights(self) -> list[float]:
        if not isinstance(self.detectors, list | tuple) or not self.detectors:
            raise ParameterError(
                f"detectors must be a list of estimators; got {self.detectors!r}."
            )
        weights = [1.0] * len(self.detectors) if self.weights is None else list(self.weights)
        if len(weights) != len(self.detectors):
            raise ParameterError(
                f"weights holds {len(weights)} numbers for {len(self.detectors)} detectors."
            )
        return [check_finite("weights", weight) for weight in weights]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        if isinstance(self.detectors, list | tuple) and self.detectors:
            parts = [get_tags(detector).input_tags for detector in self.detectors]
            tags.input_tags = parts[0]
            tags.input_tags.sparse = all(part.sparse for part in parts)
        return tags
