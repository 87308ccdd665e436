"""Rows among which a comparison can be made: in batches, and those that are held out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import TrainingError
from skencoder.tokenization import Index
from skencoder.training.batches import cut_rows, random_rows

# Texts of a class that are held out together, and that stay to learn from at the least.
PAIR = 2


def class_batches(
    rows: Index, batch_size: int, rng: np.random.Generator, *, codes: Index, together: int
) -> list[Index]:
    """Draw one pass over rows, a few of one class at a time.

    Parameters
    ----------
    rows : int64 of shape (n_rows,)
        What to draw from.
    batch_size : int
        Most rows of a batch.
    rng : numpy Generator
        Draws.
    codes : int64 of shape (n_all_rows,)
        Class of each row.
    together : int
        Rows of one class that follow each other.

    Returns
    -------
    list of int64 arrays
        Every row stands in exactly one.
    """
    groups: list[Index] = []
    for members in _by_class(rng.permutation(rows), codes):
        # A single one left over joins the group before it: alone it would have no partner.
        pieces = max(1, len(members) // together)
        groups += np.array_split(members, pieces)
    order = np.concatenate([groups[place] for place in rng.permutation(len(groups))])
    return cut_rows(order, batch_size)


def comparable_rows(
    count: int, rng: np.random.Generator, *, kinds: NDArray[Any], at_least: int = 2
) -> Index:
    """Draw rows that are held out, any of them; there must be something to compare.

    Parameters
    ----------
    count : int
        How many.
    rng : numpy Generator
        Draws them.
    kinds : array of shape (n_sides, n_rows)
        What must differ: numbers of texts, scores.
    at_least : int, default=2
        Different ones that are needed, on each side.

    Returns
    -------
    int64 of shape (count,)
        In rising order.

    Raises
    ------
    TrainingError
        If those drawn are too few or all alike, or those that are left.
    """
    n_rows = kinds.shape[1]
    held_out = random_rows(n_rows, count, rng)
    left = np.delete(np.arange(n_rows), held_out)
    for what, rows in (("holds out", held_out), ("leaves to learn from", left)):
        if min(len(np.unique(side[rows])) for side in kinds) < at_least:
            raise TrainingError(
                f"validation_share {what} {len(rows)} of {n_rows} rows, which cannot be compared "
                f"with each other: {at_least} that differ are needed. Choose another share, give "
                f"more rows, or set validation_share=0."
            )
    return held_out


def class_pairs(count: int, rng: np.random.Generator, *, codes: Index) -> Index:
    """Draw rows that are held out, two of a class at a time; two of each class stay.

    Parameters
    ----------
    count : int
        How many at most.
    rng : numpy Generator
        Draws them.
    codes : int64 of shape (n_rows,)
        Class of each row.

    Returns
    -------
    int64 of shape (n_held_out,)
        The two of a pair follow each other, pairs of one class are spread, and the first two pairs
        are of two classes.

    Raises
    ------
    TrainingError
        If there are not two pairs of different classes.
    """
    pairs, places = [], []
    for members in _by_class(rng.permutation(len(codes)), codes):
        n_pairs = max(0, len(members) - PAIR) // PAIR
        pairs.append(members[: n_pairs * PAIR].reshape(-1, PAIR))
        places.append((rng.random() + np.arange(n_pairs)) / max(1, n_pairs))
    _check_pairs(count, len(codes), sum(len(found) > 0 for found in pairs))
    spread = np.concatenate(pairs)[np.argsort(np.concatenate(places))]
    classes = codes[spread[:, 0]]
    other = int(np.argmax(classes != classes[0]))
    rest = np.delete(spread, [0, other], axis=0)
    return np.vstack([spread[[0, other]], rest])[: count // PAIR].ravel()


def _by_class(rows: Index, codes: Index) -> list[Index]:
    """Part rows by their class, in one sort however many classes there are."""
    ordered = rows[np.argsort(codes[rows], kind="stable")]
    return np.split(ordered, np.flatnonzero(np.diff(codes[ordered])) + 1)


def _check_pairs(count: int, n_rows: int, n_classes: int) -> None:
    if n_classes < 2:  # noqa: PLR2004 - a comparison needs two
        raise TrainingError(
            f"validation_share holds out texts of a class in twos and leaves two to learn from, "
            f"for which two classes of four texts are needed; y has {n_classes} of them. Give "
            f"more texts, or set validation_share=0."
        )
    if count < 2 * PAIR:
        raise TrainingError(
            f"validation_share holds out {count} of {n_rows} rows; {2 * PAIR} or more are needed, "
            f"two texts of each of two classes. Choose a larger share, or validation_share=0."
        )
