"""Detectors of what is unlike the texts that were learned: the higher the score, the more like.

They take vectors and have `score_samples`, as scikit-learn's density estimators do; which score is
too low is for `OutOfScopeClassifier` to decide.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.covariance import LedoitWolf
from sklearn.metrics import pairwise_distances_argmin_min
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import Tags, get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from skencoder.errors import ParameterError
from skencoder.parameter_checks import check_count

Scores = NDArray[np.floating[Any]]


class NeighborsDetector(BaseEstimator):
    """Score vectors by the distance to the nearest vectors that were learned.

    Parameters
    ----------
    n_neighbors : int, default=1
        The distance to the neighbour of this rank counts.
    metric : str or callable, default="cosine"
        A distance, as in `sklearn.neighbors.NearestNeighbors`.

    Attributes
    ----------
    neighbors_ : NearestNeighbors
        Holds the vectors.
    n_features_in_ : int
        Width of a vector.

    See Also
    --------
    sklearn.neighbors.LocalOutlierFactor : Distances relative to those among the neighbours.

    References
    ----------
    .. [1] Sun, Ming, Zhu & Li (2022), Out-of-distribution detection with deep nearest neighbors,
       arXiv:2204.06507.

    Examples
    --------
    >>> from skencoder.estimators import NeighborsDetector
    >>> detector = NeighborsDetector().fit([[1, 0], [0, 1]])
    >>> detector.score_samples([[1, 1], [-1, -1]]).round(2)
    array([-0.29, -1.71])
    """

    def __init__(self, n_neighbors: int = 1, *, metric: Any = "cosine") -> None:
        self.n_neighbors = n_neighbors
        self.metric = metric

    def fit(self, X: Any, y: Any = None) -> "NeighborsDetector":
        """Keep the vectors.

        Parameters
        ----------
        X : float of shape (n_samples, n_features)
            Vectors.
        y : object, optional
            Ignored.

        Returns
        -------
        NeighborsDetector
            Itself.

        Raises
        ------
        ParameterError
            If ``n_neighbors`` is no count, or above the number of vectors.
        """
        check_count("n_neighbors", self.n_neighbors, at_least=1)
        X = validate_data(self, X, accept_sparse="csr")
        if self.n_neighbors > X.shape[0]:
            raise ParameterError(
                f"n_neighbors={self.n_neighbors} is above the number of vectors to learn, "
                f"{X.shape[0]}; choose a smaller one."
            )
        self.neighbors_ = NearestNeighbors(n_neighbors=self.n_neighbors, metric=self.metric).fit(X)
        return self

    def score_samples(self, X: Any) -> Scores:
        """Give the distance's negative.

        Parameters
        ----------
        X : float of shape (n_samples, n_features)
            Vectors.

        Returns
        -------
        float of shape (n_samples,)
            At most 0, which is the distance to itself.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        distances, _ = self.neighbors_.kneighbors(X)
        return np.asarray(-distances[:, -1])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class MahalanobisDetector(BaseEstimator):
    """Score vectors by the Mahalanobis distance to the nearest class.

    The classes share one covariance, whose shrinkage is Ledoit and Wolf's, so that few texts in
    many dimensions are enough.

    Attributes
    ----------
    class_means_ : float of shape (n_classes, n_features)
        Mean vectors; one for all without labels.
    covariance_ : float of shape (n_features, n_features)
        Of vectors around the mean of their class.
    n_features_in_ : int
        Width of a vector.

    References
    ----------
    .. [1] Lee, Lee, Lee & Shin (2018), A simple unified framework for detecting
       out-of-distribution samples and adversarial attacks, arXiv:1807.03888.
    .. [2] Podolskiy et al. (2021), Revisiting Mahalanobis distance for Transformer-based
       out-of-domain detection, arXiv:2101.03778.

    Examples
    --------
    >>> from skencoder.estimators import MahalanobisDetector
    >>> X, y = [[0, 0], [0, 2], [9, 0], [9, 2]], [0, 0, 1, 1]
    >>> near, far = MahalanobisDetector().fit(X, y).score_samples([[0, 1], [4, 1]])
    >>> bool(near > far)
    True
    """

    def fit(self, X: Any, y: Any = None) -> "MahalanobisDetector":
        """Learn the classes' means and their covariance.

        Parameters
        ----------
        X : float of shape (n_samples, n_features)
            Vectors.
        y : array-like of shape (n_samples,), optional
            Labels.

        Returns
        -------
        MahalanobisDetector
            Itself.
        """
        if y is None:
            X = validate_data(self, X, dtype="numeric")
            y = np.zeros(len(X))
        else:
            X, y = validate_data(self, X, y, dtype="numeric", multi_output=False)
        classes, codes = np.unique(y, return_inverse=True)
        self.class_means_ = np.stack(
            [X[codes == code].mean(axis=0) for code in range(len(classes))]
        )
        scatter = LedoitWolf(assume_centered=True).fit(X - self.class_means_[codes])
        self.covariance_ = scatter.covariance_
        self._whitening = _whiten(self.covariance_)
        return self

    def score_samples(self, X: Any) -> Scores:
        """Give the distance's negative.

        Parameters
        ----------
        X : float of shape (n_samples, n_features)
            Vectors.

        Returns
        -------
        float of shape (n_samples,)
            At most 0, which is the mean of a class.

        Raises
        ------
        NotFittedError
            If ``fit`` has not been called.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        _, distances = pairwise_distances_argmin_min(
            X @ self._whitening, self.class_means_ @ self._whitening
        )
        return np.asarray(-distances)


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
                f"{type(self.classifier).__name__} has not; choose another detector, or put it "
                f"into CalibratedClassifierCV."
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


def _whiten(covariance: NDArray[Any]) -> NDArray[Any]:
    """Give the map after which Euclid's distance is Mahalanobis'."""
    variances, directions = np.linalg.eigh(covariance)
    # A direction in which nothing varied is one in which any change is far.
    floor = np.finfo(variances.dtype).eps * max(variances[-1], 1)
    whitening: NDArray[Any] = directions / np.sqrt(variances.clip(floor))
    return whitening
