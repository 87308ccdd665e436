"""Metrics: the score of a query and a row, and the form in which a matrix product gives it.

A matrix product compares many pairs quickly: ``query @ row * scale + bias`` has the order of the
scores, up to rounding. `Metric.score` is what counts: float64, and the same for equal vectors
wherever they stand.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Double = NDArray[np.float64]
Vectors = NDArray[np.float32]

# Lengths that differ by less count as equal; the difference is part of the error.
SAME_LENGTH = 1e-6


@dataclass(frozen=True)
class ProductForm:
    """How products with a block of rows become comparable scores.

    Parameters
    ----------
    scale, bias : float or float64 of shape (n_rows,)
        The comparable score is the product times the scale plus the bias.
    length : float
        Of the longest row after scaling.
    slack : float
        Most by which treating rows as equally long changes a comparable score.
    """

    scale: Double | float
    bias: Double | float
    length: float
    slack: float


@dataclass(frozen=True)
class Metric:
    """What a score is.

    Parameters
    ----------
    prepare : callable
        Queries of shape (n_queries, n_features) and their lengths to queries that are multiplied
        and the lengths of these.
    form : callable
        Lengths of a block's rows to how products with them become comparable.
    score : callable
        Queries, as many rows, the lengths of both to float64 scores of shape (n_pairs,), where
        higher is nearer. Of queries there may be one for all rows.
    zero_is_alike : bool
        Whether a query of zeros has the same score with every row: 0.
    """

    prepare: Callable[[Double, Double], tuple[Double, Double]]
    form: Callable[[Double], ProductForm]
    score: Callable[[Double, Vectors | Double, Double, Double], Double]
    zero_is_alike: bool


def to_float32(scores: Double) -> Vectors:
    """Round scores; what is beyond float32 becomes infinite.

    Parameters
    ----------
    scores : float64 of any shape
        Dot products of huge vectors may be too large.

    Returns
    -------
    float32 of the same shape
        The nearest numbers.
    """
    with np.errstate(over="ignore"):
        return scores.astype(np.float32)


def _give_unit_length(queries: Double, norms: Double) -> tuple[Double, Double]:
    return queries * _inverse(norms)[:, None], (norms > 0).astype(np.float64)


def _leave(queries: Double, norms: Double) -> tuple[Double, Double]:
    return queries, norms


def _form_cosine(norms: Double) -> ProductForm:
    """Divide by the rows' lengths, by one number where they are the same."""
    lengths = norms[norms > 0]
    if not lengths.size:
        return ProductForm(1.0, 0.0, 0.0, 0.0)
    low, high = float(lengths.min()), float(lengths.max())
    if high - low <= SAME_LENGTH * high:
        return ProductForm(1 / high, 0.0, 1.0, (high - low) / high)
    return ProductForm(_inverse(norms), 0.0, 1.0, 0.0)


def _form_dot(norms: Double) -> ProductForm:
    return ProductForm(1.0, 0.0, float(norms.max(initial=0.0)), 0.0)


def _form_euclidean(norms: Double) -> ProductForm:
    """Subtract half the squared lengths, one number where they are the same.

    As d**2 = |query|**2 - 2 query @ row + |row|**2, the row with the largest query @ row -
    |row|**2 / 2 is the nearest.
    """
    low, high = float(norms.min(initial=np.inf)), float(norms.max(initial=0.0))
    if high - low <= SAME_LENGTH * high:
        return ProductForm(1.0, -(high**2) / 2, high, (high**2 - low**2) / 2)
    return ProductForm(1.0, -(norms**2) / 2, high, 0.0)


def _score_cosine(
    queries: Double, rows: Vectors | Double, norms: Double, row_norms: Double
) -> Double:
    lengths = norms * row_norms
    # The dot product with a zero vector is 0, whatever it is divided by.
    cosines: Double = _dots(queries, rows) / (lengths + (lengths == 0))
    return cosines


def _score_dot(
    queries: Double, rows: Vectors | Double, norms: Double, row_norms: Double
) -> Double:
    return _dots(queries, rows)


def _score_euclidean(
    queries: Double, rows: Vectors | Double, norms: Double, row_norms: Double
) -> Double:
    """Measure distances from the differences, which loses nothing where they are small."""
    differences = rows - queries
    squares: Double = (differences * differences).sum(axis=1)
    # 0 minus it, so that a distance of 0 is not -0.
    return 0.0 - np.sqrt(squares)


def _dots(queries: Double, rows: Vectors | Double) -> Double:
    # Not a matrix product, which may add up equal rows in different orders.
    dots: Double = (rows * queries).sum(axis=1)
    return dots


def _inverse(norms: Double) -> Double:
    inverse = np.ones_like(norms)
    np.divide(1.0, norms, out=inverse, where=norms > 0)
    return inverse


METRICS = {
    "cosine": Metric(_give_unit_length, _form_cosine, _score_cosine, zero_is_alike=True),
    "dot": Metric(_leave, _form_dot, _score_dot, zero_is_alike=True),
    "euclidean": Metric(_leave, _form_euclidean, _score_euclidean, zero_is_alike=False),
}
