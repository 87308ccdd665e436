"""Statistics of weighted examples: how often each example was drawn is its weight.

So a bootstrap sorts and counts once, not once per resample. With all weights 1 each is the
statistic as scipy and scikit-learn have it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .result_records import ExampleSet

Array = NDArray[np.float64]
Weighted = Callable[[Array], Array]


def weighted_statistic(examples: ExampleSet) -> Weighted | None:
    """Prepare the statistic that makes a score of examples.

    Parameters
    ----------
    examples : ExampleSet
        Of one model.

    Returns
    -------
    callable or None
        From weights, float64 of shape (n_resamples, n_examples), to scores, float64 of shape
        (n_resamples,); None where a statistic of this name is not known here.
    """
    if examples.values is not None:
        return weighted_mean(examples.values)
    make = STATISTICS.get(examples.statistic)
    if make is None or examples.predictions is None or examples.targets is None:
        return None
    return make(examples.predictions, examples.targets)


def weighted_mean(values: Array) -> Weighted:
    """Prepare a mean.

    Parameters
    ----------
    values : float64 of shape (n_examples,)
        One per example.

    Returns
    -------
    callable
        As `weighted_statistic` gives it.
    """
    return lambda weights: (weights @ values) / weights.sum(axis=1)


def weighted_pearson(predictions: NDArray[Any], targets: NDArray[Any]) -> Weighted:
    """Prepare Pearson's correlation.

    Parameters
    ----------
    predictions, targets : float64 of shape (n_examples,)
        What is correlated.

    Returns
    -------
    callable
        As `weighted_statistic` gives it; NaN where one side is constant.
    """
    x, y = (np.asarray(side, dtype=np.float64)[None, :] for side in (predictions, targets))
    return lambda weights: _correlate(weights, x, y)


def weighted_spearman(predictions: NDArray[Any], targets: NDArray[Any]) -> Weighted:
    """Prepare Spearman's correlation.

    Parameters
    ----------
    predictions, targets : float64 of shape (n_examples,)
        What is correlated.

    Returns
    -------
    callable
        As `weighted_statistic` gives it; equal values share the mean of their ranks.
    """
    ranks_x, ranks_y = _weighted_ranks(predictions), _weighted_ranks(targets)
    return lambda weights: _correlate(weights, ranks_x(weights), ranks_y(weights))


def _correlate(weights: Array, x: Array, y: Array) -> Array:
    total = weights.sum(axis=1, keepdims=True)
    x = x - (weights * x).sum(axis=1, keepdims=True) / total
    y = y - (weights * y).sum(axis=1, keepdims=True) / total
    spread = (weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation: Array = (weights * x * y).sum(axis=1) / np.sqrt(spread)
    return correlation


def _weighted_ranks(values: Array) -> Weighted:
    """Prepare the ranks, shape (n_resamples, n_examples), of examples that stand several times."""
    _, group = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True)
    member = _one_hot(group)

    def ranks(weights: Array) -> Array:
        sizes = weights @ member
        middle = np.cumsum(sizes, axis=1) - (sizes - 1) / 2
        shared: Array = middle[:, group]
        return shared

    return ranks


def weighted_f1(predictions: NDArray[Any], targets: NDArray[Any]) -> Weighted:
    """Prepare the F1 of each class, averaged by how often the class is the target.

    Parameters
    ----------
    predictions, targets : ndarray of shape (n_examples,)
        Classes.

    Returns
    -------
    callable
        As `weighted_statistic` gives it.
    """
    classes, codes = np.unique(np.concatenate([targets, predictions]), return_inverse=True)
    target, predicted = np.split(codes, 2)
    of_target, of_prediction = (_one_hot(side, len(classes)) for side in (target, predicted))
    hit = sparse.diags_array((target == predicted).astype(np.float64)) @ of_target

    def f1(weights: Array) -> Array:
        support, found, right = (weights @ part for part in (of_target, of_prediction, hit))
        score = 2 * right / np.maximum(support + found, 1)
        averaged: Array = (support * score).sum(axis=1) / support.sum(axis=1)
        return averaged

    return f1


def weighted_v_measure(predictions: NDArray[Any], targets: NDArray[Any]) -> Weighted:
    """Prepare the V-measure of a clustering.

    Parameters
    ----------
    predictions, targets : ndarray of shape (n_examples,)
        Clusters and classes.

    Returns
    -------
    callable
        As `weighted_statistic` gives it.

    References
    ----------
    .. [1] Rosenberg & Hirschberg (2007), V-measure: a conditional entropy-based external cluster
       evaluation measure, EMNLP.
    """
    clusters, classes = (
        np.unique(side, return_inverse=True)[1] for side in (predictions, targets)
    )
    both = np.unique(clusters * (classes.max() + 1) + classes, return_inverse=True)[1]
    parts = [_one_hot(codes) for codes in (classes, clusters, both)]

    def v_measure(weights: Array) -> Array:
        of_classes, of_clusters, joint = (_entropy(weights @ part) for part in parts)
        shared, entropies = of_classes + of_clusters - joint, of_classes + of_clusters
        # Where there is one class and one cluster only, both are as good as they can be.
        alone = entropies < np.finfo(np.float64).eps
        measured: Array = np.where(alone, 1.0, 2 * shared / np.where(alone, 1.0, entropies))
        return measured

    return v_measure


def _entropy(counts: Array) -> Array:
    shares = counts / counts.sum(axis=1, keepdims=True)
    terms = shares * np.log(np.where(shares > 0, shares, 1.0))
    entropy: Array = -terms.sum(axis=1)
    return entropy


def weighted_average_precision(predictions: NDArray[Any], targets: NDArray[Any]) -> Weighted:
    """Prepare the average precision of a ranking.

    Parameters
    ----------
    predictions : float64 of shape (n_examples,)
        Higher is more certain.
    targets : ndarray of shape (n_examples,)
        1 for what should be found, else 0.

    Returns
    -------
    callable
        As `weighted_statistic` gives it; NaN where nothing is to be found.
    """
    order, ends = _ranking(predictions)
    relevant = np.asarray(targets, dtype=np.float64)[order]

    def average_precision(weights: Array) -> Array:
        ordered = weights[:, order]
        found = np.cumsum(ordered * relevant, axis=1)[:, ends]
        precision = found / np.maximum(np.cumsum(ordered, axis=1)[:, ends], 1)
        with np.errstate(invalid="ignore"):
            steps = np.diff(found, axis=1, prepend=0) / found[:, -1:]
        area: Array = (steps * precision).sum(axis=1)
        return area

    return average_precision


def weighted_best_accuracy(predictions: NDArray[Any], targets: NDArray[Any]) -> Weighted:
    """Prepare the accuracy of the threshold that suits best.

    Parameters
    ----------
    predictions : float64 of shape (n_examples,)
        Higher is more certain.
    targets : ndarray of shape (n_examples,)
        1 for what should be above the threshold, else 0.

    Returns
    -------
    callable
        As `weighted_statistic` gives it. There is always something above and below the threshold;
        0 where all predictions are equal.
    """
    order, ends = _ranking(predictions)
    right = np.asarray(targets)[order] == 1

    def best_accuracy(weights: Array) -> Array:
        ordered = weights[:, order]
        total = ordered.sum(axis=1, keepdims=True)
        above = np.cumsum(ordered, axis=1)[:, ends]
        accepted = np.cumsum(ordered * right, axis=1)[:, ends]
        rejected = (ordered * ~right).sum(axis=1, keepdims=True) - (above - accepted)
        splits = (above > 0) & (above < total)
        best: Array = np.where(splits, (accepted + rejected) / total, 0).max(axis=1)
        return best

    return best_accuracy


def _ranking(predictions: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Order examples by falling score; equal scores are one step, of which the end is given."""
    scores = np.asarray(predictions, dtype=np.float64)
    order = np.argsort(-scores, kind="stable")
    return order, np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)


def _one_hot(codes: NDArray[np.intp], width: int | None = None) -> sparse.csr_array:
    rows = np.arange(len(codes))
    shape = (len(codes), int(codes.max()) + 1 if width is None else width)
    return sparse.csr_array((np.ones(len(codes)), (rows, codes)), shape=shape)


STATISTICS: dict[str, Callable[[NDArray[Any], NDArray[Any]], Weighted]] = {
    "pearson": weighted_pearson,
    "spearman": weighted_spearman,
    "f1_weighted": weighted_f1,
    "v_measure": weighted_v_measure,
    "average_precision": weighted_average_precision,
    "best_accuracy": weighted_best_accuracy,
}
