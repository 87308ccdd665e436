"""The nearest rows are found even where quick scores are as wrong as their error allows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skencoder.indexes import brute_force
from skencoder.indexes.brute_force import nearest
from skencoder.indexes.numpy_scan import NumpyScan
from skencoder.indexes.pairs import Queries
from skencoder.indexes.rows import Rows
from skencoder.indexes.scoring import METRICS
from tests.indexes.references import clustered, search_all


class WorstScan(NumpyScan):
    """Its scores have an error of 1, which makes the rows that are searched for look bad.

    The nearest rows score 1 too little and all others 1 too much, or the other way round.
    """

    def __init__(self, queries, nearest_rows, sign):
        super().__init__(queries, np.float64)
        self.wrong = np.full((len(queries), nearest_rows.max() + 10_000), float(sign))
        np.put_along_axis(self.wrong, nearest_rows, -float(sign), axis=1)

    def error(self, query_norms, form):
        return super().error(query_norms, form) + 1

    def load(self, block, form):
        super().load(block, form)
        self.here = slice(block.first, block.first + len(block.norms))

    def compare(self, first, last, chunk_rows):
        scores = super().compare(first, last, chunk_rows)
        wrong = self.wrong[first:last, self.here]
        scores._values = scores._values + wrong.reshape(scores._values.shape)
        return scores


@given(
    n_rows=st.integers(1, 400),
    spread=st.sampled_from([0.01, 0.3, 2.0]),
    n_neighbors=st.integers(1, 12),
    sign=st.sampled_from([-1, 1]),
    seed=st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_errors_of_the_worst_kind_change_nothing(n_rows, spread, n_neighbors, sign, seed):
    rows = clustered(n_rows, 6, seed) * np.float32(spread)
    queries = clustered(20, 6, seed + 1)
    n_neighbors = min(n_neighbors, n_rows)
    truth = search_all("dot", queries, rows, n_neighbors)[1]

    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "SCORES_AT_ONCE": 8 * 64,
            "QUERIES_AT_ONCE": 8,
            "CHUNK_ROWS": 16,
        }.items():
            patch.setattr(brute_force, name, value)
        scans = [lambda prepared: WorstScan(prepared, truth, sign)]
        patch.setattr(brute_force, "choose_scans", lambda *_: scans)
        asked = Queries.check(queries)
        found = nearest(Rows(rows), METRICS["dot"], asked, n_neighbors)[1]

    np.testing.assert_array_equal(found, truth)


def test_few_pairs_are_scored_where_rows_are_far_apart(monkeypatch):
    """What makes it fast: of 4,000 rows only a few are scored in float64."""
    scored = []
    score_pairs = brute_force.Selection.settle.__globals__["score_pairs"]

    def count(*arguments):
        pairs = score_pairs(*arguments)
        scored.append(len(pairs.queries))
        return pairs

    monkeypatch.setitem(brute_force.Selection.settle.__globals__, "score_pairs", count)
    queries = Queries.check(clustered(300, 32, seed=1))

    nearest(Rows(clustered(4000, 32)), METRICS["cosine"], queries, 10)

    assert 300 * 10 <= sum(scored) < 300 * 30
