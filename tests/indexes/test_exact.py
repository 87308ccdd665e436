"""Exact search is a float64 brute force in all it gives, whatever the data, order and batch."""

import pickle
import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skencoder import EncoderVectorizer
from skencoder.errors import ParameterError
from skencoder.indexes import brute_force, build_index, choice, load_index
from skencoder.indexes.exact import ExactIndex
from tests.indexes.references import assert_same, clustered, search_all

METRICS = ("cosine", "dot", "euclidean")
SCANS = {
    "numpy-float32": choice._numpy_float32,
    "numpy-float64": choice._numpy_float64,
    "torch-float32": choice._torch_float32,
    "torch-bfloat16": choice._torch_bfloat16,
}


@pytest.fixture(params=SCANS)
def only_scan(request, monkeypatch):
    """Every search tries this scan only."""
    scan = SCANS[request.param]
    monkeypatch.setattr(brute_force, "choose_scans", lambda *_: [scan])
    return request.param


@pytest.fixture
def small_blocks(monkeypatch):
    """Many blocks and batches also of small data."""
    for name, value in {
        "QUERY_BATCH": 40,
        "QUERIES_AT_ONCE": 16,
        "SCORES_AT_ONCE": 16 * 128,
        "CHUNK_ROWS": 16,
        "PAIRS_AT_ONCE": 300,
    }.items():
        monkeypatch.setattr(brute_force, name, value)


@pytest.mark.parametrize("metric", METRICS)
def test_random_vectors(metric, only_scan, small_blocks):
    rows, queries = clustered(1003, 48), clustered(90, 48, seed=1)

    found = ExactIndex(rows, metric=metric).search(queries, 7)

    assert_same(found, search_all(metric, queries, rows, 7))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_rows", [1, 15, 16, 17, 300])
def test_any_number_of_rows_and_neighbours(metric, n_rows, only_scan, small_blocks):
    rows, queries = clustered(n_rows, 5), clustered(21, 5, seed=1)
    for n_neighbors in {1, min(n_rows, 10), n_rows}:
        found = ExactIndex(rows, metric=metric).search(queries, n_neighbors)
        assert_same(found, search_all(metric, queries, rows, n_neighbors))


def test_the_shortcuts_alone_would_be_wrong():
    """On these rows bfloat16 and float32 order rows wrongly, so that the next test is a test."""
    rows, queries = near_ties(400)
    truth = search_all("dot", queries, rows, 10)[1]

    for dtype in (np.float32, np.float16):
        quick = queries.astype(dtype) @ rows.T.astype(dtype)
        assert (np.argsort(-quick, axis=1, kind="stable")[:, :10] != truth).any()


def near_ties(n_rows):
    """Rows whose scores differ in the last digits of float32 only."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=64)
    rows = base + 1e-7 * rng.normal(size=(n_rows, 64))
    return rows.astype(np.float32), (base + rng.normal(size=(30, 64))).astype(np.float32)


@pytest.mark.parametrize("metric", METRICS)
def test_near_ties_are_told_apart(metric, only_scan, small_blocks):
    rows, queries = near_ties(400)

    found = ExactIndex(rows, metric=metric).search(queries, 10)

    np.testing.assert_array_equal(found[1], search_all(metric, queries, rows, 10)[1])


@given(data=st.data(), metric=st.sampled_from(METRICS))
@settings(max_examples=60, deadline=None)
def test_small_integers_full_of_ties(data, metric):
    width = data.draw(st.integers(1, 4))
    numbers = st.integers(-2, 2)
    rows = data.draw(arrays(np.float32, (data.draw(st.integers(1, 90)), width), elements=numbers))
    queries = data.draw(
        arrays(np.float32, (data.draw(st.integers(0, 20)), width), elements=numbers)
    )
    n_neighbors = data.draw(st.integers(1, len(rows)))

    found = ExactIndex(rows, metric=metric).search(queries, n_neighbors)

    assert_same(found, reference_of_integers(metric, queries, rows, n_neighbors))


def reference_of_integers(metric, queries, rows, n_neighbors):
    if not len(queries):
        return np.empty((0, n_neighbors), np.float32), np.empty((0, n_neighbors), np.int64)
    return search_all(metric, queries, rows, n_neighbors)


@pytest.mark.parametrize("metric", METRICS)
def test_of_equal_rows_the_first_come_first(metric, only_scan, small_blocks):
    distinct = clustered(40, 16)
    rows = distinct[np.random.default_rng(0).integers(0, 40, 700)]

    found = ExactIndex(rows, metric=metric).search(distinct, 30)

    assert_same(found, search_all(metric, distinct, rows, 30))


@pytest.mark.parametrize("metric", METRICS)
def test_nothing_but_equal_rows(metric, only_scan, monkeypatch):
    monkeypatch.setattr(brute_force, "PATIENCE", 1)
    rows = np.ones((3000, 8), np.float32)

    scores, positions = ExactIndex(rows, metric=metric).search(clustered(50, 8), 5)

    assert (positions == np.arange(5)).all()
    assert (scores == scores[:, :1]).all()


def test_scores_are_settled_when_too_many_wait(monkeypatch, only_scan, small_blocks):
    monkeypatch.setattr(brute_force, "MOST_WAITING", 100)
    rows, queries = near_ties(900)

    found = ExactIndex(rows, metric="dot").search(queries, 10)

    np.testing.assert_array_equal(found[1], search_all("dot", queries, rows, 10)[1])


def test_the_cosine_with_a_zero_vector_is_zero(only_scan):
    rows = clustered(200, 6)
    rows[[3, 150]] = 0
    queries = np.vstack([np.zeros(6), rows[0], -rows[0]]).astype(np.float32)

    found = ExactIndex(rows).search(queries, 200)

    assert_same(found, search_all("cosine", queries, rows, 200))
    assert (found[0][0] == 0).all()
    assert (found[1][0] == np.arange(200)).all()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("size", [1e-42, 1e-30, 1e-14, 1e14, 1e30])
def test_tiny_and_huge_numbers(metric, size):
    rows = clustered(300, 12) * np.float32(size)
    queries = clustered(20, 12, seed=1) * np.float32(size)

    positions = ExactIndex(rows, metric=metric).search(queries, 5)[1]

    np.testing.assert_array_equal(positions, search_all(metric, queries, rows, 5)[1])


def test_lengths_that_differ_by_thirty_orders_of_magnitude():
    rows = clustered(400, 12) * np.geomspace(1e-20, 1e10, 400, dtype=np.float32)[:, None]
    queries = clustered(20, 12, seed=1)
    for metric in METRICS:
        positions = ExactIndex(rows, metric=metric).search(queries, 400)[1]
        np.testing.assert_array_equal(positions, search_all(metric, queries, rows, 400)[1])


@pytest.mark.parametrize("metric", METRICS)
def test_far_from_the_origin_float32_does_not_do(metric, only_scan):
    rows = clustered(700, 24) / 100 + np.float32(30)
    queries = clustered(200, 24, seed=1) / 100 + np.float32(30)

    positions = ExactIndex(rows, metric=metric).search(queries, 5)[1]

    np.testing.assert_array_equal(positions, search_all(metric, queries, rows, 5)[1])


@pytest.fixture(scope="module")
def real_vectors(docs, text_encoder):
    """Vectors of short real texts."""
    short = [text for text in docs.data if len(text) < 80]
    return EncoderVectorizer(text_encoder).fit_transform(short[:500])


@pytest.mark.parametrize("metric", METRICS)
def test_real_texts(metric, real_vectors, only_scan):
    queries, rows = real_vectors[:100], real_vectors[100:]
    # Duplicates as in any real corpus, and lengths that differ.
    rows = np.vstack([rows, rows[::7]])
    rows = rows * np.linspace(0.5, 2, len(rows), dtype=np.float32)[::-1, None].round(1)

    found = ExactIndex(rows, metric=metric).search(queries, 10)

    assert_same(found, search_all(metric, queries, rows, 10))


@pytest.mark.parametrize("metric", METRICS)
def test_order_and_batch_of_queries_do_not_matter(metric, only_scan, small_blocks):
    rows, queries = clustered(500, 24), clustered(150, 24, seed=1)
    index = ExactIndex(rows, metric=metric)
    scores, positions = index.search(queries, 6)
    order = np.random.default_rng(0).permutation(150)

    for chosen in (order, order[:1], order[:20], order[:140]):
        again = index.search(queries[chosen], 6)
        np.testing.assert_array_equal(again[1], positions[chosen])
        np.testing.assert_array_equal(again[0], scores[chosen])


@pytest.mark.parametrize("metric", METRICS)
def test_order_of_rows_only_renumbers(metric, only_scan, small_blocks):
    rows, queries = clustered(500, 24), clustered(60, 24, seed=1)
    scores, positions = ExactIndex(rows, metric=metric).search(queries, 6)
    order = np.random.default_rng(0).permutation(500)

    again = ExactIndex(rows[order], metric=metric).search(queries, 6)

    np.testing.assert_array_equal(order[again[1]], positions)
    np.testing.assert_array_equal(again[0], scores)


def test_every_scan_and_number_of_queries_gives_the_same():
    """What is chosen by the size of the work has no influence on the result."""
    rows, queries = clustered(3000, 32), clustered(600, 32, seed=1)
    index = ExactIndex(rows)
    whole = index.search(queries, 10)
    for n_queries in (1, choice.QUERIES_FOR_TORCH, choice.QUERIES_FOR_BFLOAT16):
        part = index.search(queries[:n_queries], 10)
        np.testing.assert_array_equal(part[1], whole[1][:n_queries])
        np.testing.assert_array_equal(part[0], whole[0][:n_queries])


def test_all_kinds_of_input_that_hold_numbers():
    rows = clustered(30, 3)
    index = ExactIndex(rows)
    expected = index.search(rows[:2], 4)
    for same in (
        rows[:2].tolist(),
        rows[:2].astype(np.float64),
        np.asfortranarray(rows[:2]),
        rows[::-1][::-1][:2],
    ):
        found = index.search(same, 4)
        np.testing.assert_array_equal(found[1], expected[1])
    assert index.search(np.array([[1, 0, 0]]), 4)[1].shape == (1, 4)


def test_no_query_gives_no_row():
    scores, positions = ExactIndex(clustered(9, 3)).search(np.empty((0, 3)), 4)
    assert scores.shape == positions.shape == (0, 4)


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("metric", METRICS)
def test_adding_and_removing_is_building_anew(metric, mapped, tmp_path, small_blocks):
    rng = np.random.default_rng(0)
    rows = clustered(300, 8)
    index = ExactIndex(rows, metric=metric)
    if mapped:
        index.save(tmp_path / "index")
        index = load_index(tmp_path / "index")
    queries = clustered(30, 8, seed=1)

    for step in range(12):
        new = clustered(int(rng.integers(0, 40)), 8, seed=step)
        index.add(new)
        rows = np.vstack([rows, new])
        gone = rng.choice(len(rows), int(rng.integers(0, 60)), replace=False)
        index.remove(gone)
        rows = np.delete(rows, gone, axis=0)
        assert len(index) == len(rows)
        assert_same(index.search(queries, 9), search_all(metric, queries, rows, 9))

    index.save(tmp_path / "changed")
    again = load_index(tmp_path / "changed")
    assert_same(again.search(queries, 9), search_all(metric, queries, rows, 9))


def test_all_rows_removed_and_new_ones_added():
    index = ExactIndex(clustered(20, 4))
    index.remove(range(20))
    assert len(index) == 0
    with pytest.raises(ParameterError, match="only 0 vectors are indexed"):
        index.search(np.ones((1, 4)), 1)
    index.add(np.eye(4))
    assert index.search(np.eye(4), 1)[1].ravel().tolist() == [0, 1, 2, 3]


def test_what_is_added_is_copied():
    index = ExactIndex(np.eye(2, 4))
    new = np.eye(4, dtype=np.float32)[2:]
    index.add(new)
    new[:] = 0
    assert index.search(np.eye(4)[2:], 1)[1].ravel().tolist() == [2, 3]


def test_a_failed_addition_leaves_the_index_as_it_was():
    index = ExactIndex(np.eye(3))
    with pytest.raises(ParameterError, match="NaN"):
        index.add([[1, 2, np.nan]])
    assert len(index) == 3
    assert index.search(np.eye(3), 1)[1].ravel().tolist() == [0, 1, 2]


def test_memory_is_bounded_by_blocks(tmp_path, monkeypatch):
    """A mapped corpus is searched in a small part of the memory it would take."""
    monkeypatch.setattr(brute_force, "SCORES_AT_ONCE", 2**14)
    monkeypatch.setattr(brute_force, "MOST_BLOCK_ROWS", 2**10)
    n_rows, width = 60_000, 64
    ExactIndex(clustered(n_rows, width)).save(tmp_path / "index")
    index = load_index(tmp_path / "index")
    queries = clustered(10, width, seed=1)

    tracemalloc.start()
    index.search(queries, 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < n_rows * width * 4 / 10


def test_two_threads_search_one_index():
    rows, queries = clustered(3000, 16), clustered(200, 16, seed=1)
    index = ExactIndex(rows)
    expected = index.search(queries, 5)
    results = [None] * 4

    def search(place):
        results[place] = index.search(queries, 5)

    threads = [threading.Thread(target=search, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for found in results:
        assert_same(found, expected)


def test_pickled_it_finds_the_same(tmp_path):
    rows, queries = clustered(100, 8), clustered(10, 8, seed=1)
    index = ExactIndex(rows, metric="euclidean")
    index.remove([4, 5])
    index.save(tmp_path / "index")
    for original in (index, load_index(tmp_path / "index")):
        again = pickle.loads(pickle.dumps(original))
        assert_same(again.search(queries, 5), index.search(queries, 5))


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        ([[1.0, np.nan]], "vectors has NaN or infinity in row 0"),
        ([[1.0, 2.0], [np.inf, 1.0]], "vectors has NaN or infinity in row 1"),
        ([[1e300, 1.0]], "vectors has NaN or infinity in row 0"),
        ([1.0, 2.0], r"got shape \(2,\)"),
        ([[[1.0]]], r"got shape \(1, 1, 1\)"),
        (np.empty((3, 0)), "0 columns"),
        ([["a", "b"]], "matrix of numbers; got a list of dtype <U1"),
        ([[1.0], [1.0, 2.0]], "matrix of numbers"),
        (None, "got a NoneType"),
        ([[1 + 2j]], "dtype complex128"),
    ],
)
def test_vectors_that_cannot_be_indexed(vectors, message):
    with pytest.raises(ParameterError, match=message):
        build_index("exact", vectors)


@pytest.mark.parametrize(
    ("queries", "n_neighbors", "message"),
    [
        (np.ones((2, 3)), 0, "n_neighbors must be an integer from 1 on; got 0"),
        (np.ones((2, 3)), -1, "got -1"),
        (np.ones((2, 3)), 2.0, r"got 2\.0"),
        (np.ones((2, 3)), True, "got True"),
        (np.ones((2, 3)), "2", "got '2'"),
        (np.ones((2, 3)), 6, "n_neighbors=6, but only 5 vectors are indexed"),
        (np.ones((2, 4)), 1, "queries has 4 columns; expected 3, as the indexed vectors have"),
        (np.ones(3), 1, r"queries must be vectors .* got shape \(3,\)"),
        ([[0, 1, np.nan]], 1, "queries has NaN or infinity in row 0"),
        (["text"], 1, "queries must be a matrix of numbers"),
        (iter([]), 1, "queries must be a matrix of numbers"),
    ],
)
def test_searches_that_make_no_sense(queries, n_neighbors, message):
    with pytest.raises(ParameterError, match=message):
        ExactIndex(np.ones((5, 3))).search(queries, n_neighbors)


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        ([5], "positions has 5, but the 5 rows have positions from 0 to 4"),
        ([-1], "positions has -1"),
        ([1, 3, 1], "positions has 1 twice"),
        ([0.5], "list of integers"),
        ([[1]], "list of integers"),
        ([True], "list of integers"),
    ],
)
def test_removals_that_make_no_sense(positions, message):
    index = ExactIndex(np.ones((5, 3)))
    with pytest.raises(ParameterError, match=message):
        index.remove(positions)
    assert len(index) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "magic"}, "index must be one of 'exact', 'hnsw', 'faiss'; got 'magic'"),
        ({"name": None}, "got None"),
        ({"metric": "hamming"}, "metric must be one of 'cosine', 'dot', 'euclidean'"),
        ({"metric": 3}, "got 3"),
        ({"speed": 3}, "index='exact' has no options; got speed"),
    ],
)
def test_indexes_that_do_not_exist(arguments, message):
    with pytest.raises(ParameterError, match=message):
        build_index(**{"name": "exact", "vectors": np.ones((2, 2))} | arguments)
