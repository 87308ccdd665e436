"""Rankings become one, and the best are read again: by hand, and as properties."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skencoder.errors import ParameterError
from skencoder.retrieval import Ranking, fuse_rankings, rescore
from skencoder.retrieval.ranking import best


def ranking(*rows):
    positions = np.array(rows, np.int64)
    return Ranking(np.zeros(positions.shape), positions)


def fuse(rankings, n=9, weights=None, constant=60):
    weights = weights or [1] * len(rankings)
    fused = fuse_rankings(rankings, n, weights=weights, rank_constant=constant)
    return [row[row >= 0].tolist() for row in fused.positions], fused.scores


def test_worked_by_hand():
    positions, scores = fuse([ranking([7, 3, 5]), ranking([5, 9, -1])])
    # 3 and 9 have the same score, so the lower position is first.
    assert positions == [[5, 7, 3, 9]]
    expected = [1 / 63 + 1 / 61, 1 / 61, 1 / 62, 1 / 62]
    np.testing.assert_allclose(scores[0, :4], expected)


def test_equal_scores_are_ordered_by_position():
    assert fuse([ranking([4, 1]), ranking([1, 4])])[0] == [[1, 4]]
    assert fuse([ranking([8]), ranking([2])])[0] == [[2, 8]]


def test_weights_and_constant():
    one, other = ranking([0, 1, 2]), ranking([2, 1, 0])
    assert fuse([one, other], weights=[1, 0])[0] == [[0, 1, 2]]
    assert fuse([one, other], weights=[0, 1])[0] == [[2, 1, 0]]
    assert fuse([one, other], weights=[1, 2])[0] == [[2, 1, 0]]
    # With a small constant the first ranks decide, with a large one being found by both.
    assert fuse([ranking([0, 1]), ranking([2, 1])], constant=0)[0] == [[0, 1, 2]]
    assert fuse([ranking([0, 1]), ranking([2, 1])], constant=60)[0] == [[1, 0, 2]]


def test_places_without_a_document_count_for_nothing():
    positions, scores = fuse([ranking([-1, -1], [3, -1]), ranking([-1, -1], [-1, -1])], n=2)
    assert positions == [[], [3]]
    assert scores.tolist() == [[-math.inf, -math.inf], [1 / 61, -math.inf]]


@settings(deadline=None)
@given(
    st.lists(st.permutations(range(12)), min_size=1, max_size=4),
    st.lists(st.floats(0.1, 5), min_size=4, max_size=4),
    st.integers(1, 12),
)
def test_fusion_is_the_formula(rows, weights, n):
    weights = weights[: len(rows)]
    found, scores = fuse([ranking(row) for row in rows], n, weights, constant=60)
    expected = [
        sum(w / (61 + row.index(document)) for row, w in zip(rows, weights, strict=True))
        for document in range(12)
    ]
    np.testing.assert_allclose(scores[0], sorted(expected, reverse=True)[:n], rtol=1e-12)
    np.testing.assert_allclose([expected[d] for d in found[0]], scores[0], rtol=1e-12)
    # More places do not change the first.
    assert fuse([ranking(row) for row in rows], 12, weights)[0][0][:n] == found[0]


def test_one_ranking_stays_as_it_is():
    assert fuse([ranking([5, 0, 3])])[0] == [[5, 0, 3]]


def test_other_queries_or_weights_are_refused():
    with pytest.raises(ParameterError, match=r"rankings of \[1, 2\] queries"):
        fuse([ranking([1]), ranking([1], [2])])
    with pytest.raises(ParameterError, match="1 weights"):
        fuse([ranking([1]), ranking([2])], weights=[1])


@settings(deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.5]), max_size=30), st.integers(1, 40))
def test_best_are_the_first_of_a_stable_sort(scores, n):
    expected = sorted(range(len(scores)), key=lambda place: -scores[place])[:n]
    assert best(np.array(scores, np.float32), n).tolist() == expected


class LengthModel:
    """Scores a document by its length, as CrossEncoder.predict would be called."""

    def predict(self, pairs):
        return np.array([len(document) for _, document in pairs], np.float32)


DOCUMENTS = ["four", "one", "sixsix", "1"]


@pytest.mark.parametrize(
    "reranker",
    [
        LengthModel(),
        lambda pairs: [len(document) for _, document in pairs],
        lambda pairs: torch.tensor([[float(len(document))] for _, document in pairs]),
    ],
)
def test_candidates_are_ordered_by_the_model(reranker):
    found = rescore(reranker, ["q", "r"], DOCUMENTS, ranking([0, 1, 3], [3, 2, 1]), 2)
    assert found.positions.tolist() == [[0, 1], [2, 1]]
    assert found.scores.tolist() == [[4, 3], [6, 3]]


def test_the_model_sees_each_query_with_its_candidates():
    seen = []

    def note(pairs):
        seen.extend(pairs)
        return [0] * len(pairs)

    found = rescore(note, ["q", "r"], DOCUMENTS, ranking([2, 0], [1, 3]), 2)
    assert seen == [("q", "sixsix"), ("q", "four"), ("r", "one"), ("r", "1")]
    # Equal scores leave the order as it was.
    assert found.positions.tolist() == [[2, 0], [1, 3]]


@pytest.mark.parametrize(
    ("reranker", "message"),
    [
        (lambda pairs: [1.0], r"it gave shape \(1,\)"),
        (lambda pairs: np.zeros((len(pairs), 3)), r"shape \(2, 3\).*several labels"),
        (lambda pairs: ["high"] * len(pairs), "one number per pair"),
        (lambda pairs: [math.nan] * len(pairs), "NaN or infinity"),
        (42, r"predict\(pairs\).*got 42"),
        (LengthModel, "got <class"),
    ],
)
def test_what_does_not_score_is_refused(reranker, message):
    with pytest.raises(ParameterError, match=message):
        rescore(reranker, ["q"], DOCUMENTS, ranking([0, 1]), 1)
