"""Very many rows that are equally near: the right ones are found, and quickly."""

from dataclasses import replace

import numpy as np
import pytest

from skencoder.indexes import brute_force, build_index
from skencoder.indexes.brute_force import nearest
from skencoder.indexes.pairs import Queries
from skencoder.indexes.rows import Rows
from skencoder.indexes.scoring import METRICS
from tests.indexes.references import assert_same, clustered, score_all, search_all


def count_words(n_rows, n_words, seed=0, per_row=4):
    """Bags of words, most of which have none in common."""
    rng = np.random.default_rng(seed)
    rows = np.zeros((n_rows, n_words), np.float32)
    words = rng.integers(0, n_words, (n_rows, per_row))
    np.add.at(rows, (np.arange(n_rows)[:, None], words), 1)
    return rows


def search_ranked(metric, queries, rows, ranks, n_neighbors):
    """The reference, where of equal scores the row of the lower rank comes first."""
    scores = score_all(metric, queries, rows)
    positions = np.stack([np.lexsort((ranks, -row)) for row in scores])[:, :n_neighbors]
    return np.take_along_axis(scores, positions, axis=1).astype(np.float32), positions


@pytest.fixture
def impatient(monkeypatch):
    """Bounds are given up at once."""
    monkeypatch.setattr(brute_force, "PATIENCE", 0)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_neighbors", [1, 7, 300])
def test_the_first_of_equally_near_rows(metric, n_neighbors, impatient):
    rows, queries = count_words(300, 40), count_words(20, 40, seed=1)
    rows[17] = rows[3] = 0
    found = build_index("exact", rows, metric=metric).search(queries, n_neighbors)
    assert_same(found, search_all(metric, queries, rows, n_neighbors))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("index", ["exact", "faiss"])
@pytest.mark.parametrize("patience", [0, 10**6])
def test_ranks_say_which_is_the_first(metric, index, patience, monkeypatch):
    if index != "exact":
        pytest.importorskip(index)
    monkeypatch.setattr(brute_force, "PATIENCE", patience)
    rng = np.random.default_rng(0)
    # All rows are there several times, with other rows between them.
    rows = np.tile(clustered(30, 8), (5, 1))
    queries = np.vstack([rows[:10], np.zeros((1, 8), np.float32), clustered(5, 8, seed=1)])
    ranks = rng.permutation(len(rows))
    built = build_index(index, rows, metric=metric)
    for _ in range(2):
        found = built.search(queries, 7, ranks=ranks)
        scores = score_all(metric, queries, rows)
        if index == "exact":
            assert_same(found, search_ranked(metric, queries, rows, ranks, 7))
        else:
            # Of what the library proposes.
            exact = np.take_along_axis(scores, found[1], axis=1)
            order = np.lexsort((ranks[found[1]], -exact))
            np.testing.assert_array_equal(order, np.indices(order.shape)[1])
        gone = rng.choice(len(rows), 40, replace=False)
        built.remove(gone)
        rows, ranks = np.delete(rows, gone, axis=0), np.delete(ranks, gone)
        built.add(rows[:20])
        rows = np.vstack([rows, rows[:20]])
        ranks = np.concatenate([ranks - 1000, rng.permutation(20)])


def test_rows_without_a_word_in_common_are_not_scored():
    """All score 0 with the query, which is known without adding up zeros."""
    scored = []

    def count(queries, rows, norms, row_norms):
        scored.append(len(rows))
        return METRICS["cosine"].score(queries, rows, norms, row_norms)

    rows, queries = count_words(5000, 65), count_words(30, 65, seed=1)
    rows[:, 64] = queries[:, :64] = 0
    queries[:, 64] = 1
    rows[4000:4005, 64] = 1
    metric = replace(METRICS["cosine"], score=count)
    scores, numbers = nearest(Rows(rows), metric, Queries.check(queries), 10)
    assert_same((scores.astype(np.float32), numbers), search_all("cosine", queries, rows, 10))
    assert sum(scored) == 30 * 5


def test_memory_does_not_grow_with_the_queries(monkeypatch):
    """Beside them and the result; they are brought to float64 batch by batch."""
    import tracemalloc

    monkeypatch.setattr(brute_force, "QUERY_BATCH", 256)
    index = build_index("exact", clustered(500, 256))

    def search(n_queries):
        queries = clustered(n_queries, 256, seed=1)
        tracemalloc.start()
        result = index.search(queries, 2)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - 4 * sum(part.nbytes for part in result)

    search(256)
    few, many = search(4096), search(12288)
    assert many - few < 8192 * 256 * np.dtype(np.float64).itemsize / 8
