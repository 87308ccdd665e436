"""How a task's score follows from what a model did with each example, for all of them or some."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .result_records import ExampleSet

Statistic = Callable[[NDArray[Any], NDArray[Any]], float]


def _spearman(predictions: NDArray[Any], targets: NDArray[Any]) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(predictions, targets).statistic)


def _pearson(predictions: NDArray[Any], targets: NDArray[Any]) -> float:
    from scipy.stats import pearsonr

    return float(pearsonr(predictions, targets).statistic)


def _average_precision(predictions: NDArray[Any], targets: NDArray[Any]) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(targets, predictions))


def _best_accuracy(predictions: NDArray[Any], targets: NDArray[Any]) -> float:
    """Accuracy at the threshold that suits best; equal predictions are never told apart."""
    order = np.argsort(-predictions, kind="stable")
    ranked, right = predictions[order], targets[order] == 1
    accepted, rejected = np.cumsum(right), np.cumsum(~right)
    accuracy = (accepted + rejected[-1] - rejected)[:-1] / len(right)
    return float(accuracy[ranked[:-1] != ranked[1:]].max(initial=0.0))


def _f1_weighted(predictions: NDArray[Any], targets: NDArray[Any]) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(targets, predictions, average="weighted", zero_division=0))


# Of predictions and targets; beside these there is "mean", of values.
STATISTICS: Mapping[str, Statistic] = {
    "spearman": _spearman,
    "pearson": _pearson,
    "average_precision": _average_precision,
    "best_accuracy": _best_accuracy,
    "f1_weighted": _f1_weighted,
}


def compute_statistic(examples: ExampleSet, rows: NDArray[np.intp] | None = None) -> float:
    """Compute the score of a set of examples, or of some of them.

    Parameters
    ----------
    examples : ExampleSet
        Values, or predictions and targets.
    rows : int array of shape (n_drawn,), optional
        Positions of the examples that count, some perhaps more than once; None takes all.

    Returns
    -------
    float
        The statistic; NaN where it is not defined, as a correlation of equal numbers is.
    """
    if examples.values is not None:
        return float((examples.values if rows is None else examples.values[rows]).mean())
    predictions, targets = np.asarray(examples.predictions), np.asarray(examples.targets)
    if rows is not None:
        predictions, targets = predictions[rows], targets[rows]
    with warnings.catch_warnings():
        # Of some of the examples, all may have one label, or one grade.
        warnings.simplefilter("ignore")
        return STATISTICS[examples.statistic](predictions, targets)
