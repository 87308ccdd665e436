"""From labelled scores to a threshold: which scores are good enough."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skencoder.errors import ParameterError
from skencoder.parameter_checks import check_share


def choose_threshold(
    scores: ArrayLike,
    is_right: ArrayLike,
    n_wanted: int,
    *,
    min_precision: float | None = None,
) -> float:
    """Choose the score from which on results are shown.

    Shown are those with a score of at least the threshold; precision is the share of right ones
    among the shown, recall the shown right ones among all that are wanted.

    Parameters
    ----------
    scores : float of shape (n_results,)
        Of each result, the larger the surer.
    is_right : bool of shape (n_results,)
        Whether it is right.
    n_wanted : int
        Right results that there could be, found or not.
    min_precision : float in [0, 1], default=None
        Take the largest recall whose precision is at least this; None takes the largest F1, the
        harmonic mean of both.

    Returns
    -------
    float
        In the middle between the last score shown and the first not shown; infinite where it is
        best to show nothing, or no threshold reaches the precision.

    Raises
    ------
    ParameterError
        If there are no results, they do not fit each other, or ``min_precision`` lies outside.
    """
    ranked, right = _rank(scores, is_right)
    hits = np.cumsum(right)
    shown = np.arange(1, len(right) + 1)
    # Equal scores are shown together or not at all.
    cuts = np.append(ranked[:-1] > ranked[1:], True)
    if min_precision is None:
        value = 2 * hits / (shown + n_wanted)
    else:
        value = np.where(hits >= check_share("min_precision", min_precision) * shown, hits, -1)
    value = np.where(cuts, value, -1)
    best = int(np.argmax(value))
    if value[best] <= 0:
        return float("inf")
    below = ranked[best + 1 : best + 2]
    return float((ranked[best] + below[0]) / 2) if len(below) else float(ranked[best])


def f1(hits: int, n_found: int, n_wanted: int) -> float:
    """Give the harmonic mean of precision and recall.

    Parameters
    ----------
    hits : int
        Right results.
    n_found : int
        All results.
    n_wanted : int
        Right results that there could be.

    Returns
    -------
    float
        From 0 to 1; 1 where nothing is wanted and nothing found.
    """
    return 2 * hits / (n_found + n_wanted) if n_found + n_wanted else 1.0


def _rank(scores: ArrayLike, is_right: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    values, right = np.asarray(scores, np.float64), np.asarray(is_right, bool)
    if values.ndim != 1 or values.shape != right.shape or not len(values):
        raise ParameterError(
            f"A threshold needs one score and one judgement for each of at least one result; got "
            f"shapes {values.shape} and {right.shape}."
        )
    if np.isnan(values).any():
        raise ParameterError("scores must be numbers; got NaN.")
    order = np.argsort(-values, kind="stable")
    return values[order], right[order]
