"""Which points are of which label, and which labels get a colour of their own."""

from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import ParameterError

UNLABELLED = "no label"


class Group(NamedTuple):
    """Points that are drawn alike.

    Parameters
    ----------
    name : str
        For the legend.
    rows : int64 of shape (n_points,)
        Which they are.
    """

    name: str
    rows: NDArray[np.int64]


class Grouping(NamedTuple):
    """Points by label.

    Parameters
    ----------
    shown : list of Group
        Labels with a colour of their own, the largest first.
    rest : list of Group
        All other labels together, and points without a label; where there are such.
    """

    shown: list[Group]
    rest: list[Group]


def check_labels(y: Any, n_points: int) -> NDArray[Any] | None:
    """Look at labels that a user gives.

    Parameters
    ----------
    y : array-like of shape (n_points,), or None
        Labels, or numbers.
    n_points : int
        How many are expected.

    Returns
    -------
    ndarray of shape (n_points,), or None
        Amounts as floats, NaN where there is none; other labels as objects, None where there is
        none.

    Raises
    ------
    ParameterError
        If their number is another.
    """
    if y is None:
        return None
    import pandas as pd

    # As an array of its own choice numpy would write NaN beside texts as the text 'nan'.
    labels = np.array(y, dtype=object)
    if labels.shape != (n_points,):
        raise ParameterError(
            f"y must hold one label per text, {n_points}; got shape {labels.shape}."
        )
    is_missing = pd.isna(labels)
    known = labels[~is_missing].tolist()
    are_floats = any(isinstance(label, float) for label in known) and all(
        isinstance(label, Real) and not isinstance(label, bool) for label in known
    )
    labels[is_missing] = np.nan if are_floats else None
    return labels.astype(float) if are_floats else labels


def are_quantities(labels: NDArray[Any]) -> bool:
    """Say whether labels are amounts, for which a scale of colours is right.

    Parameters
    ----------
    labels : ndarray of shape (n_points,)
        Labels.

    Returns
    -------
    bool
        Whether they are floats that are not all whole numbers.
    """
    if labels.dtype.kind != "f":
        return False
    known = labels[np.isfinite(labels)]
    return bool((known != np.round(known)).any())


def group_labels(labels: NDArray[Any], n_shown: int) -> Grouping:
    """Gather the points of each label.

    Parameters
    ----------
    labels : ndarray of shape (n_points,)
        As `check_labels` gives them; None and NaN are none.
    n_shown : int
        Most labels with a colour of their own: the most frequent ones.

    Returns
    -------
    Grouping
        Of all points.
    """
    # NaN differs from itself.
    known = np.array([label is not None and label == label for label in labels.tolist()])  # noqa: PLR0124
    names, codes = _number(labels[known].tolist())
    rows = np.flatnonzero(known)
    counts = np.bincount(codes, minlength=len(names))
    order = np.argsort(-counts, kind="stable")
    shown = [Group(names[code], rows[codes == code]) for code in order[:n_shown]]
    rest = []
    if len(order) > n_shown:
        others = rows[np.isin(codes, order[n_shown:])]
        rest.append(Group(f"{len(order) - n_shown} other labels", others))
    if not known.all():
        rest.append(Group(UNLABELLED, np.flatnonzero(~known)))
    return Grouping(shown, rest)


def _number(labels: list[Any]) -> tuple[list[str], NDArray[np.int64]]:
    """Give the different labels as text, sorted, and each one's place among them."""
    try:
        names = [str(label) for label in sorted(set(labels))]
    except TypeError:  # of different kinds
        names = sorted({str(label) for label in labels})
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return list(places), np.array([places[str(label)] for label in labels], np.int64)
