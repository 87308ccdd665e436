"""Pairs of sentences: hand-worked, against brute force over all pairs, and against scipy."""

import tracemalloc

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from skencoder.bitext import (
    MARGINS,
    MATCHINGS,
    Candidates,
    find_candidates,
    match_greedy,
    match_mutual,
    match_nearest,
    match_optimal,
    score_rows,
)
from skencoder.errors import ParameterError


def drawn(n_source, n_target, seed=0, n_features=8):
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(n_source, n_features)).astype(np.float32)
    return source, rng.normal(size=(n_target, n_features)).astype(np.float32)


def all_pairs(matrix):
    matrix = np.asarray(matrix, float)
    source, target = np.indices(matrix.shape).reshape(2, -1)
    return Candidates(source, target, matrix.ravel(), *matrix.shape)


def as_set(pairs):
    return set(zip(pairs.source.tolist(), pairs.target.tolist(), strict=True))


def full_margins(source, target, margin, k):
    """Every pair's margin, from the whole matrix of cosines."""
    units = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (source, target)]
    cosines = units[0].astype(np.float64) @ units[1].T
    ahead = np.sort(cosines, axis=1)[:, -k:].mean(axis=1)
    back = np.sort(cosines, axis=0)[-k:].mean(axis=0)
    means = (ahead[:, None] + back) / 2
    return MARGINS[margin](cosines, means)


def test_margins_by_hand():
    """Neighbourhoods of one: means 1 and h on both sides, h = sqrt(1/2)."""
    h = np.sqrt(0.5)
    source, target = [[1, 0], [0, 1]], [[1, 0], [h, h]]
    found = find_candidates(source, target, n_neighbors=1)
    scores = dict(zip(zip(found.source, found.target, strict=True), found.scores, strict=True))
    assert scores[0, 0] == pytest.approx(1)
    assert scores[1, 1] == pytest.approx(1)
    # The second target is as near to the first source, which comes first: h / ((1 + h) / 2).
    assert scores[0, 1] == pytest.approx(2 * h / (1 + h))
    assert len(scores) == 3
    far = find_candidates(source, target, n_neighbors=1, margin="distance")
    assert far.scores[1] == pytest.approx(h - (1 + h) / 2)


@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize(("n_source", "n_target"), [(30, 20), (7, 40), (1, 5), (5, 1)])
def test_margins_are_those_of_the_whole_matrix(margin, n_source, n_target):
    source, target = drawn(n_source, n_target)
    k = 4
    found = find_candidates(source, target, margin=margin, n_neighbors=k)
    expected = full_margins(source, target, margin, k)[found.source, found.target]
    np.testing.assert_allclose(found.scores, expected, rtol=1e-4, atol=1e-5)


def test_all_pairs_are_candidates_where_neighbourhoods_are_everything():
    source, target = drawn(9, 6)
    found = find_candidates(source, target, n_neighbors=100)
    assert as_set(found) == {(one, other) for one in range(9) for other in range(6)}


def test_given_rows_are_scored_as_the_candidates_are():
    source, target = drawn(25, 25)
    scores = score_rows(source, target, n_neighbors=4)
    np.testing.assert_allclose(
        scores, np.diag(full_margins(source, target, "ratio", 4)), rtol=1e-4
    )


def test_any_rows_may_be_paired():
    source, target = drawn(12, 20)
    pairs = [[0, 3], [11, 19], [0, 3], [0, 4]]
    scores = score_rows(source, target, pairs, n_neighbors=4)
    expected = full_margins(source, target, "ratio", 4)[tuple(np.transpose(pairs))]
    np.testing.assert_allclose(scores, expected, rtol=1e-4)
    for wrong in ([[0, 20]], [[-1, 0]], [0, 1], [[0.0, 1.0]], [[0, 1, 2]]):
        with pytest.raises(ParameterError, match="pairs must hold a row of the 12 of source"):
            score_rows(source, target, wrong)


def test_order_does_not_matter():
    source, target = drawn(40, 40, n_features=4)
    rng = np.random.default_rng(1)
    rows, columns = rng.permutation(40), rng.permutation(40)
    for match in MATCHINGS.values():
        plain = as_set(match(find_candidates(source, target)))
        moved = match(find_candidates(source[rows], target[columns]))
        assert plain == set(zip(rows[moved.source], columns[moved.target], strict=True))


@pytest.mark.parametrize("shape", [(6, 6), (5, 9), (9, 5), (1, 4), (40, 40)])
@pytest.mark.parametrize("seed", range(3))
def test_the_optimal_matching_is_scipy_s_assignment(shape, seed):
    matrix = np.random.default_rng(seed).normal(size=shape)
    found = match_optimal(all_pairs(matrix))
    rows, columns = linear_sum_assignment(matrix, maximize=True)
    assert as_set(found) == set(zip(rows.tolist(), columns.tolist(), strict=True))


def test_the_optimal_matching_of_few_candidates_leaves_some_alone():
    """Both sources want the same target; the better one has it, the other none."""
    found = match_optimal(
        Candidates(np.array([0, 1]), np.array([0, 0]), np.array([0.5, 0.9]), 2, 1)
    )
    assert as_set(found) == {(1, 0)}


def test_matchings_by_hand():
    # The first target is best for both sources.
    pairs = all_pairs([[0.9, 0.8, 0.1], [0.7, 0.2, 0.1]])
    assert as_set(match_nearest(pairs)) == {(0, 0), (1, 0)}
    assert as_set(match_mutual(pairs)) == {(0, 0)}
    assert as_set(match_greedy(pairs)) == {(0, 0), (1, 1)}
    # 0.8 + 0.7 is more than 0.9 + 0.2.
    assert as_set(match_optimal(pairs)) == {(0, 1), (1, 0)}


def test_equal_scores_go_to_the_lower_rows():
    pairs = all_pairs(np.ones((2, 2)))
    assert as_set(match_nearest(pairs)) == {(0, 0), (1, 0)}
    assert as_set(match_mutual(pairs)) == {(0, 0)}
    assert as_set(match_greedy(pairs)) == {(0, 0), (1, 1)}
    assert len(match_optimal(pairs).scores) == 2


@pytest.mark.parametrize("seed", range(5))
def test_one_to_one_is_one_to_one_and_greedy_is_greedy(seed):
    source, target = drawn(60, 50, seed, n_features=3)
    pairs = find_candidates(source, target)
    for name in ("mutual", "greedy", "optimal"):
        found = MATCHINGS[name](pairs)
        assert len(set(found.source)) == len(set(found.target)) == len(found.scores)
    greedy, optimal = as_set(match_greedy(pairs)), match_optimal(pairs)
    assert as_set(match_mutual(pairs)) <= greedy
    lowest = pairs.scores.min()
    assert (optimal.scores - lowest).sum() >= (match_greedy(pairs).scores - lowest).sum() - 1e-9
    # Whoever is left out has been beaten to every candidate.
    for one, other in as_set(pairs) - greedy:
        assert any(one == a or other == b for a, b in greedy)


def test_nothing_to_match_is_no_error():
    none = Candidates(*(np.empty(0, kind) for kind in (np.int64, np.int64, float)), 3, 0)
    for match in MATCHINGS.values():
        assert len(match(none).scores) == 0


def test_memory_grows_with_the_sentences_and_not_with_their_square():
    source, target = drawn(10_000, 10_000, n_features=16)
    tracemalloc.start()
    found = find_candidates(source, target)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.scores) < 80_001
    # A whole matrix would be 400 MB.
    assert peak < 150e6


def test_wrong_parameters_are_refused():
    source, target = drawn(3, 4)
    with pytest.raises(ParameterError, match="margin must be one of"):
        find_candidates(source, target, margin="cosine")
    with pytest.raises(ParameterError, match="as many rows"):
        score_rows(source, target)
    with pytest.raises(ParameterError):
        find_candidates(np.full((3, 8), np.nan), target)
    with pytest.raises(ParameterError):
        find_candidates(source, target[:, :4])
