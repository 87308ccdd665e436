"""What indexes are compared with: every pair in float64, with no part of the package."""

import numpy as np


def score_all(metric, queries, rows):
    """Scores of all pairs; equal rows get the very same score, wherever they stand."""
    unique, place = np.unique(np.asarray(rows, np.float64), axis=0, return_inverse=True)
    scores = np.array([score_row(metric, np.asarray(q, np.float64), unique) for q in queries])
    return scores[:, place.ravel()]


def score_row(metric, query, rows):
    if metric == "euclidean":
        return -np.sqrt(((rows - query) ** 2).sum(axis=1))
    dots = (rows * query).sum(axis=1)
    if metric == "dot":
        return dots
    norms = np.sqrt((query**2).sum()) * np.sqrt((rows**2).sum(axis=1))
    return np.divide(dots, norms, out=np.zeros(len(rows)), where=norms > 0)


def search_all(metric, queries, rows, n_neighbors):
    """The nearest rows by sorting all scores, ties by position."""
    scores = score_all(metric, queries, rows)
    positions = np.argsort(-scores, axis=1, kind="stable")[:, :n_neighbors]
    with np.errstate(over="ignore"):
        return np.take_along_axis(scores, positions, axis=1).astype(np.float32), positions


def assert_same(found, expected):
    np.testing.assert_array_equal(found[1], expected[1])
    np.testing.assert_allclose(found[0], expected[0], rtol=2e-7, atol=1e-30)
    assert found[0].dtype == np.float32
    assert found[1].dtype == np.int64


def clustered(n_rows, n_features, seed=0, n_clusters=20):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n_clusters, n_features))
    rows = centres[rng.integers(0, n_clusters, n_rows)] + rng.normal(size=(n_rows, n_features))
    return rows.astype(np.float32)


def recall(found, expected):
    """The share of the nearest rows that were found."""
    shares = [len(set(a) & set(b)) / len(b) for a, b in zip(found, expected, strict=True)]
    return float(np.mean(shares))
