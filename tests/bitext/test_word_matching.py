"""Words matched by similarity: hand-worked, against scipy, and at the edges."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from skencoder.bitext import WORD_MATCHINGS, match_argmax, match_assignment, match_itermax
from skencoder.errors import ParameterError


def pairs(found):
    return [tuple(pair) for pair in found.tolist()]


def test_argmax_takes_each_other_s_most_similar():
    assert pairs(match_argmax([[0.9, 0.1], [0.8, 0.7]])) == [(0, 0)]
    assert pairs(match_argmax([[0.1, 0.9], [0.8, 0.7]])) == [(0, 1), (1, 0)]


def test_itermax_pairs_in_a_second_round():
    # (0.7 + 1) / 2 = 0.85 is more than 0.9 * (0.8 + 1) / 2 = 0.81.
    assert pairs(match_itermax([[0.9, 0.1], [0.8, 0.7]])) == [(0, 0), (1, 1)]
    # (0.6 + 1) / 2 = 0.8 is less than 0.81: the second word gets a partner that has one.
    assert pairs(match_itermax([[0.9, 0.1], [0.8, 0.6]])) == [(0, 0), (1, 0)]


def test_itermax_gives_a_word_two_partners():
    assert pairs(match_itermax([[0.9, 0.85]])) == [(0, 0), (0, 1)]
    assert pairs(match_itermax([[-0.9, -0.95]])) == [(0, 0), (0, 1)]


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3)])
def test_assignment_is_scipy_s(shape):
    matrix = np.random.default_rng(0).uniform(-1, 1, shape)
    rows, columns = linear_sum_assignment(-matrix)
    assert pairs(match_assignment(matrix)) == list(zip(rows, columns, strict=True))


@pytest.mark.parametrize("seed", range(10))
def test_argmax_is_part_of_itermax_and_independent_of_order(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.uniform(-1, 1, (6, 8))
    found = set(pairs(match_argmax(matrix)))
    assert found <= set(pairs(match_itermax(matrix)))
    rows, columns = rng.permutation(6), rng.permutation(8)
    moved = pairs(match_argmax(matrix[rows][:, columns]))
    assert found == {(rows[one], columns[other]) for one, other in moved}


@pytest.mark.parametrize("match", WORD_MATCHINGS.values())
def test_no_words_no_pairs(match):
    for shape in ((0, 0), (0, 3), (3, 0)):
        assert match(np.empty(shape)).shape == (0, 2)


@pytest.mark.parametrize("match", WORD_MATCHINGS.values())
@pytest.mark.parametrize("wrong", [[1.0, 2.0], [[np.nan, 1.0]]])
def test_what_is_no_matrix_is_refused(match, wrong):
    with pytest.raises(ParameterError, match="similarity must be a finite matrix"):
        match(wrong)
