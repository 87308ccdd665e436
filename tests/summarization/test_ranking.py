"""Ways of ranking sentences: hand-worked, against scipy's eigenvectors, and at the edges."""

import tracemalloc

import numpy as np
import pytest
from scipy.linalg import eig

from skencoder.errors import ParameterError
from skencoder.summarization import (
    SELECTIONS,
    Budget,
    centroid_scores,
    cosine_matrix,
    lexrank_scores,
    maximal_marginal_relevance,
    select_mmr,
    take_best,
)


def any_number(n):
    return Budget(np.ones(n, np.int64))


@pytest.fixture
def vectors():
    return np.random.default_rng(0).normal(size=(12, 5))


def test_cosines_by_hand():
    rows = [[3, 0], [1, 1], [0, 0], [-2, 0]]
    half = np.sqrt(0.5)
    expected = [[1, half, 0, -1], [half, 1, 0, -half], [0, 0, 0, 0], [-1, -half, 0, 1]]
    np.testing.assert_allclose(cosine_matrix(rows), expected, atol=1e-12)


def test_the_centroid_by_hand():
    # Unit rows (1, 0), (0, 1), (1, 0): centroid (2, 1) / sqrt(5).
    scores = centroid_scores([[2, 0], [0, 7], [1, 0]])
    np.testing.assert_allclose(scores, np.array([2, 1, 2]) / np.sqrt(5))


def test_two_opposite_sentences_have_no_middle():
    np.testing.assert_array_equal(centroid_scores([[1, 0], [-1, 0]]), [0, 0])


def test_lexrank_is_the_stationary_distribution(vectors):
    """Against the eigenvector that scipy finds for the same walk."""
    damping = 0.15
    weights = np.clip(cosine_matrix(vectors), 0, None)
    walk = damping / 12 + (1 - damping) * weights / weights.sum(axis=1, keepdims=True)
    values, left = eig(walk, left=True, right=False)
    stationary = np.abs(left[:, np.argmax(values.real)].real)
    np.testing.assert_allclose(lexrank_scores(vectors), stationary / stationary.sum(), atol=1e-9)


def test_lexrank_with_a_threshold_by_hand():
    """The middle of a path of three has joints (with itself) 3, the ends 2: p ~ 2 : 3 : 2."""
    half = np.sqrt(0.5)
    path = [[1, 0], [half, half], [0, 1]]
    scores = lexrank_scores(path, threshold=0.5, damping=0.0)
    np.testing.assert_allclose(scores, np.array([2, 3, 2]) / 7, atol=1e-9)


def test_a_walk_that_always_goes_anywhere_is_everywhere_alike(vectors):
    np.testing.assert_allclose(lexrank_scores(vectors, damping=1.0), 1 / 12)


def test_sentences_like_no_other_do_not_stop_the_walk():
    scores = lexrank_scores([[0, 0], [1, 0], [1, 0.1]])
    assert scores.sum() == pytest.approx(1)
    assert scores[0] < scores[1]


def test_marginal_relevance_by_hand():
    """The second sentence repeats the first, so the third, though less relevant, comes before."""
    rows = [[1, 0], [1, 0], [0, 1]]
    relevance = [0.9, 0.8, 0.5]
    # 0.5 * 0.8 - 0.5 * 1 = -0.1 < 0.5 * 0.5 - 0.5 * 0 = 0.25.
    order = maximal_marginal_relevance(rows, relevance, any_number(3), trade_off=0.5)
    assert order == [0, 2, 1]


def test_relevance_alone_is_the_order_of_relevance(vectors):
    relevance = centroid_scores(vectors)
    order = maximal_marginal_relevance(vectors, relevance, any_number(12), trade_off=1.0)
    assert order == take_best(relevance, any_number(12))
    assert order == np.argsort(-relevance, kind="stable").tolist()


def test_every_step_of_marginal_relevance_is_the_best_one(vectors):
    relevance, cosines = centroid_scores(vectors), cosine_matrix(vectors)
    order = select_mmr(vectors, any_number(12), trade_off=0.6)
    for place in range(1, 12):
        said = cosines[:, order[:place]].max(axis=1)
        worth = 0.6 * relevance - 0.4 * said
        rest = [row for row in range(12) if row not in order[:place]]
        assert worth[order[place]] == pytest.approx(worth[rest].max())


def test_the_best_that_fit_are_taken():
    budget = Budget(np.array([5, 3, 4, 1]), max_length=8)
    # 5 first, then 4 does not fit and 3 does, then nothing more.
    assert take_best([0.9, 0.7, 0.8, 0.1], budget) == [0, 1]
    assert take_best([0.9, 0.7, 0.8, 0.1], Budget(budget.lengths, max_sentences=2)) == [0, 2]
    assert take_best([0.9, 0.7, 0.8, 0.1], Budget(budget.lengths, 1, 4)) == [2]
    assert take_best([0.9], Budget(np.array([5]), max_length=4)) == []


def test_a_sentence_that_does_not_fit_repels_no_other():
    """The best one is too long; its copy, which fits, must not be passed over for it."""
    rows = [[1, 0], [1, 0], [0, 1]]
    budget = Budget(np.array([9, 2, 2]), max_length=4)
    order = maximal_marginal_relevance(rows, [0.9, 0.8, 0.5], budget, trade_off=0.5)
    assert order == [1, 2]


@pytest.mark.parametrize("name", SELECTIONS)
def test_no_sentence_and_one_sentence(name):
    options = {"trade_off": 0.7} if name == "mmr" else {}
    assert SELECTIONS[name](np.empty((0, 3)), any_number(0), **options) == []
    assert SELECTIONS[name](np.zeros((1, 3)), any_number(1), **options) == [0]


@pytest.mark.parametrize("name", SELECTIONS)
def test_the_scale_of_vectors_does_not_matter(name, vectors):
    options = {"trade_off": 0.7} if name == "mmr" else {}
    budget = Budget(np.ones(12, np.int64), max_sentences=4)
    scaled = vectors * np.linspace(0.1, 9, 12)[:, None]
    expected = SELECTIONS[name](vectors, budget, **options)
    assert SELECTIONS[name](scaled, budget, **options) == expected


@pytest.mark.parametrize("wrong", [[[np.nan, 1]], [1.0, 2.0], [[np.inf, 0]]])
def test_vectors_that_are_no_finite_matrix_are_refused(wrong):
    for rank in (centroid_scores, lexrank_scores):
        with pytest.raises(ParameterError, match="vectors must be finite"):
            rank(wrong)


def test_parameters_out_of_their_range_are_refused(vectors):
    with pytest.raises(ParameterError, match="damping"):
        lexrank_scores(vectors, damping=1.5)
    with pytest.raises(ParameterError, match="threshold"):
        lexrank_scores(vectors, threshold=-0.1)
    with pytest.raises(ParameterError, match="trade_off"):
        maximal_marginal_relevance(vectors, np.ones(12), any_number(12), trade_off=2)
    with pytest.raises(ParameterError, match="relevance must hold one finite number"):
        maximal_marginal_relevance(vectors, np.ones(11), any_number(12))
    with pytest.raises(ParameterError, match="scores must hold one finite number"):
        take_best([np.nan, 1], any_number(2))


def test_marginal_relevance_compares_only_with_what_is_taken():
    """All cosines of 3,000 sentences would be 72 MB."""
    vectors = np.random.default_rng(0).normal(size=(3000, 4))
    tracemalloc.start()
    taken = select_mmr(vectors, Budget(np.ones(3000, np.int64), 3), trade_off=0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(set(taken)) == 3
    assert peak < 5e6


def test_sentences_that_others_chose_are_checked():
    budget = Budget(np.array([2, 3, 4]), max_sentences=2, max_length=6)
    assert budget.check(np.array([2, 0])) == [2, 0]
    assert budget.check([]) == []
    for wrong in ([3], [0, 0], [1, 2], [0, 1, 2], ["0"], 5):
        with pytest.raises(ParameterError, match="chosen"):
            budget.check(wrong)
