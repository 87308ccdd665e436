"""Quick scores stay within the error that is claimed for them, and that error is no excuse."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from skencoder.indexes import choice
from skencoder.indexes.choice import choose_scans
from skencoder.indexes.rows import Rows, row_norms
from skencoder.indexes.scan import relative_error
from skencoder.indexes.scoring import METRICS
from skencoder.indexes.torch_scan import multiplies_float32
from tests.conftest import REPOSITORY
from tests.indexes.references import clustered
from tests.indexes.test_exact import SCANS

# Largest error seen on random data, as a part of the bound: rounding errors mostly cancel.
SLACK = {
    "numpy-float32": 2e-3,
    "numpy-float64": 1e-4,
    "torch-float32": 2e-3,
    "torch-bfloat16": 0.05,
}


def kinds_of_rows():
    plain = clustered(256, 40)
    yield "plain", plain
    yield "unit", plain / np.linalg.norm(plain, axis=1, keepdims=True)
    yield "positive", np.abs(plain) + np.float32(3)
    yield "lengths", plain * np.geomspace(1e-3, 1e3, 256, dtype=np.float32)[:, None]
    # Halfway between two bfloat16 numbers, all rounded in the same direction.
    halfway = np.full((64, 40), 1 + 2.0**-8 - 2.0**-20, np.float32)
    yield "halfway", halfway * (1 + np.arange(64, dtype=np.float32)[:, None] % 3)


@pytest.mark.parametrize("name", SCANS)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("kind", "rows"), list(kinds_of_rows()))
def test_errors_are_within_the_bound(name, metric, kind, rows):
    errors, bounds = errors_and_bounds(name, metric, rows.astype(np.float32))

    assert (errors <= bounds[:, None]).all()


def test_bounds_are_not_far_from_what_happens():
    """A bound that is far too large would have everything scored in float64."""
    worst = {}
    for name in SCANS:
        errors, bounds = errors_and_bounds(name, "dot", clustered(256, 40))
        worst[name] = (errors / bounds[:, None]).max()

    assert all(worst[name] > SLACK[name] for name in SCANS), worst


def errors_and_bounds(name, metric, vectors):
    queries = np.vstack([clustered(30, 40, seed=1), vectors[:10]]).astype(np.float64)
    rows = Rows(vectors)
    norms = row_norms(queries.astype(np.float32))
    prepared, prepared_norms = METRICS[metric].prepare(queries, norms)
    (block,) = rows.blocks(len(vectors))
    form = METRICS[metric].form(block.norms)
    scan = SCANS[name](prepared)
    scan.load(block, form)
    # A chunk of one row each: maxima are the scores.
    scores = scan.compare(0, len(queries), 1).maxima()
    truth = true_scores(metric, queries, vectors.astype(np.float64))
    return np.abs(scores - truth), scan.error(prepared_norms, form)


def true_scores(metric, queries, rows):
    """What the form says that scores are compared by, without its shortcuts."""
    queries, rows = queries.astype(np.longdouble), rows.astype(np.longdouble)
    products = queries @ rows.T
    if metric == "cosine":
        lengths = [np.sqrt((part**2).sum(axis=1)) for part in (queries, rows)]
        return (products / np.outer(*lengths)).astype(np.float64)
    if metric == "dot":
        return products.astype(np.float64)
    return (products - (rows**2).sum(axis=1) / 2).astype(np.float64)


@pytest.mark.parametrize("name", SCANS)
def test_maxima_and_chunks_are_of_the_same_scores(name):
    rows = Rows(clustered(128, 40))
    rows.remove(np.array([3, 64, 127]))
    (block,) = rows.blocks(128)
    form = METRICS["euclidean"].form(block.norms)
    scan = SCANS[name](clustered(9, 40, seed=1).astype(np.float64))
    scan.load(block, form)

    every = scan.compare(2, 8, 1).maxima()
    scores = scan.compare(2, 8, 16)
    maxima = scores.maxima()
    queries, chunks = (part.ravel() for part in np.indices(maxima.shape))
    values = scores.chunks(queries, chunks)

    assert maxima.shape == (6, 8)
    np.testing.assert_array_equal(values.max(axis=1), maxima.ravel())
    np.testing.assert_array_equal(values.reshape(6, 8, 16), every.reshape(6, 16, 8).swapaxes(1, 2))
    assert np.isneginf(every[:, [3, 64, 127]]).all()
    assert np.isfinite(np.delete(every, [3, 64, 127], axis=1)).all()


def test_the_bound_of_a_sum_is_that_of_the_book():
    # Higham (2002), lemma 3.1, with 16 roundings beside the n of the sum: n u / (1 - n u).
    assert relative_error(84, 2.0**-10) == pytest.approx((100 / 1024) / (1 - 100 / 1024))
    assert relative_error(10, 0.5) == np.inf


def names(scans):
    return [next(name for name, scan in SCANS.items() if scan is made) for made in scans]


def test_few_queries_are_compared_in_numpy():
    assert names(choose_scans(np.ones(1), np.ones(10), 4)) == ["numpy-float32", "numpy-float64"]


def test_bfloat16_is_tried_first_only_where_the_cpu_multiplies_it(monkeypatch):
    from skencoder.indexes import torch_scan

    for native, first in ((True, "torch-bfloat16"), (False, "torch-float32")):
        monkeypatch.setattr(torch_scan, "multiplies_bfloat16", lambda native=native: native)
        assert names(choose_scans(np.ones(500), np.ones(10), 4))[0] == first


LOADING = """
import sys
import numpy as np
from skencoder.indexes import choice
choice.PRODUCTS_WORTH_TORCH = 1000 * 500 * 384
for n_rows in (1000, 1001):
    choice.choose_scans(np.ones(500), np.ones(n_rows), 384)
    print("torch" in sys.modules)
"""


def test_torch_is_loaded_only_for_work_that_pays_for_it():
    done = subprocess.run(
        [sys.executable, "-c", LOADING], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    assert done.stdout.split() == ["False", "True"]


def test_lengths_beyond_float32_are_compared_in_float64():
    assert names(choose_scans(np.ones(1), np.array([1.0, 1e-13]), 4)) == ["numpy-float64"]
    assert names(choose_scans(np.array([1e13]), np.ones(3), 4)) == ["numpy-float64"]
    assert names(choose_scans(np.zeros(1), np.zeros(3), 4))[0] == "numpy-float32"


def test_torch_told_to_round_float32_is_not_asked(monkeypatch):
    assert multiplies_float32()
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        assert not multiplies_float32()
        monkeypatch.setattr(choice, "QUERIES_FOR_BFLOAT16", 10**9)
        assert names(choose_scans(np.ones(500), np.ones(10), 4))[0] == "numpy-float32"
    finally:
        torch.set_float32_matmul_precision(before)
    assert multiplies_float32()
