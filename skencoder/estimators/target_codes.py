"""Labels as the numbers that a loss takes, and how much each counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from skencoder.errors import ParameterError, TrainingError
from skencoder.estimators.target_rows import Floats

# Of what is named in a message.
SHOWN = 5


@dataclass(frozen=True)
class Answers:
    """What a head shall give for each text.

    Parameters
    ----------
    targets : int64 of shape (n_texts,), or float32 of shape (n_texts, n_outputs)
        Numbers of classes; or labels or amounts.
    weights : float32 of shape (n_texts,) or (n_texts, n_outputs)
        How much each counts.
    n_outputs : int
        Width of the head.
    rows : int64 of shape (n_texts,), default=None
        The user's row that each is; None where none was left out.
    """

    targets: NDArray[Any]
    weights: NDArray[np.float32]
    n_outputs: int
    rows: NDArray[np.int64] | None = None


def find_classes(y: NDArray[Any]) -> NDArray[Any]:
    """List the classes of labels.

    Parameters
    ----------
    y : ndarray of shape (n_texts,) or (n_texts, n_labels)
        Labels, or indicators.

    Returns
    -------
    ndarray of shape (n_classes,)
        Sorted; of indicators the columns' numbers.

    Raises
    ------
    TrainingError
        If there is one class only.
    """
    if y.ndim > 1:
        return np.arange(y.shape[1])
    classes: NDArray[Any] = np.unique(y)
    if len(classes) < 2:  # noqa: PLR2004 - a choice needs two
        raise TrainingError(
            f"y has one class, {classes.tolist()[0]!r}, where it counts at all; texts of at least "
            f"two are needed to tell them apart."
        )
    return classes


def agree_on_classes(known: NDArray[Any] | None, given: Any) -> NDArray[Any]:
    """Find out which classes there are, where labels come bit by bit.

    Parameters
    ----------
    known : ndarray of shape (n_classes,) or None
        Of a call before; None at the first.
    given : array-like of shape (n_classes,) or None
        By the user.

    Returns
    -------
    ndarray of shape (n_classes,)
        Sorted.

    Raises
    ------
    ParameterError
        If nobody has said it, both differ, or there are fewer than two.
    """
    if given is None:
        if known is None:
            raise ParameterError(
                "classes must be passed on the first call to partial_fit: all labels that will "
                "ever come."
            )
        return known
    classes: NDArray[Any] = np.unique(np.asarray(given))
    if known is None and not len(classes):
        raise ParameterError("classes is empty; all labels that will ever come were expected.")
    if known is not None and not np.array_equal(known, classes):
        raise ParameterError(
            f"classes={classes.tolist()!r} is not the same as on last call to partial_fit, or in "
            f"fit, which was {known.tolist()!r}."
        )
    return classes if known is None else known


def number_classes(
    labels: NDArray[Any], classes: NDArray[Any], class_weight: Any, weights: Floats
) -> Answers:
    """Turn labels into numbers of classes.

    Parameters
    ----------
    labels : ndarray of shape (n_texts,)
        Labels.
    classes : ndarray of shape (n_classes,)
        All that there are, sorted.
    class_weight : None, "balanced" or mapping of label to float
        How much each class counts.
    weights : float64 of shape (n_texts,)
        How much each text counts.

    Returns
    -------
    Answers
        For a softmax.

    Raises
    ------
    TrainingError
        If a label is unknown.
    ParameterError
        If ``class_weight`` cannot be used.
    """
    unknown = np.setdiff1d(labels, classes)
    if len(unknown):
        raise TrainingError(
            f"y holds labels that are not among the {len(classes)} known classes: "
            f"{', '.join(map(repr, unknown[:SHOWN].tolist()))}. A fit with warm_start=False "
            f"learns new ones; partial_fit has to be told all of them at its first call."
        )
    codes = np.searchsorted(classes, labels)
    by_class = _weigh(class_weight, classes, labels, weights)
    return Answers(
        codes.astype(np.int64), (weights * by_class[codes]).astype(np.float32), len(classes)
    )


def number_labels(
    indicators: NDArray[Any], classes: NDArray[Any], class_weight: Any, weights: Floats
) -> Answers:
    """Turn an indicator matrix into targets.

    Parameters
    ----------
    indicators : ndarray of shape (n_texts, n_labels)
        1 where a text has a label.
    classes : ndarray of shape (n_labels,)
        Numbers of the columns.
    class_weight : None or "balanced"
        Whether texts with a label and those without count the same in all.
    weights : float64 of shape (n_texts,)
        How much each text counts.

    Returns
    -------
    Answers
        For a sigmoid per label.

    Raises
    ------
    TrainingError
        If there is not one column per label.
    ParameterError
        If ``class_weight`` cannot be used.
    """
    targets = indicators.astype(np.float32)
    if targets.shape[1] != len(classes):
        raise TrainingError(
            f"y has {targets.shape[1]} columns; one for each of {len(classes)} labels was "
            f"expected."
        )
    if isinstance(class_weight, Mapping):
        raise ParameterError(
            f"class_weight={class_weight!r} weighs classes of which a text has one; with several "
            f"labels per text choose 'balanced', None, or give sample_weight."
        )
    columns = [_weigh_rows(class_weight, column, weights) for column in targets.T]
    weighed = np.stack(columns, axis=1) * weights[:, None]
    return Answers(targets, weighed.astype(np.float32), targets.shape[1])


def _weigh(
    class_weight: Any, classes: NDArray[Any], labels: NDArray[Any], weights: Floats
) -> Floats:
    """Give the weight of each class."""
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, Mapping):
        return _look_up(class_weight, classes)
    if class_weight != "balanced":
        raise ParameterError(
            f"class_weight must be None, 'balanced' or a dict of labels and numbers; got "
            f"{class_weight!r}."
        )
    balanced = np.ones(len(classes))
    present = np.isin(classes, labels)
    balanced[present] = compute_class_weight(
        "balanced", classes=classes[present], y=labels, sample_weight=weights
    )
    return balanced


def _weigh_rows(class_weight: Any, column: NDArray[Any], weights: Floats) -> Floats:
    """Give the weight that each row has by what stands in one column."""
    classes, codes = np.unique(column, return_inverse=True)
    return _weigh(class_weight, classes, column, weights)[codes]


def _look_up(class_weight: Mapping[Any, Any], classes: NDArray[Any]) -> Floats:
    known = classes.tolist()
    unknown = [label for label in class_weight if label not in known]
    bare = [label for label in known if label not in class_weight]
    # A fold may lack a class; a name that is misspelt leaves another without its weight.
    if unknown and bare:
        raise ParameterError(
            f"class_weight names {unknown[:SHOWN]!r}, which y does not hold, and has no weight "
            f"for {bare[:SHOWN]!r}."
        )
    by_class = np.array([float(class_weight.get(label, 1.0)) for label in known])
    if not np.isfinite(by_class).all() or (by_class < 0).any():
        raise ParameterError(f"class_weight must hold numbers of 0 or more; got {class_weight!r}.")
    return by_class
