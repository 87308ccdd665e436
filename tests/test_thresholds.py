"""Thresholds: hand-worked, against brute force, and for judgements that leave no choice."""

import numpy as np
import pytest

from skencoder.errors import ParameterError
from skencoder.thresholds import choose_threshold, f1


def test_the_largest_f1_by_hand():
    # Shown 1: 2*1/(1+3) = 1/2; 2: 4/5; 3: 4/6; 4: 6/7; 5: 6/8.
    scores, right = [0.9, 0.8, 0.7, 0.6, 0.5], [1, 1, 0, 1, 0]
    assert choose_threshold(scores, right, 3) == pytest.approx(0.55)


def test_the_largest_recall_with_a_precision_by_hand():
    scores, right = [0.9, 0.8, 0.7, 0.6, 0.5], [1, 1, 0, 1, 0]
    assert choose_threshold(scores, right, 3, min_precision=1.0) == pytest.approx(0.75)
    assert choose_threshold(scores, right, 3, min_precision=0.75) == pytest.approx(0.55)
    assert choose_threshold(scores, right, 3, min_precision=0.0) == pytest.approx(0.55)


def test_all_are_shown_where_all_are_right():
    assert choose_threshold([0.2, 0.4], [1, 1], 2) == pytest.approx(0.2)


def test_nothing_is_shown_where_nothing_is_right():
    assert choose_threshold([0.2, 0.4], [0, 0], 2) == np.inf
    assert choose_threshold([0.2, 0.4], [0, 1], 2, min_precision=1.0) == pytest.approx(0.3)
    assert choose_threshold([0.4, 0.4], [0, 1], 2, min_precision=1.0) == np.inf


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("min_precision", [None, 0.6])
def test_no_other_threshold_is_better(seed, min_precision):
    rng = np.random.default_rng(seed)
    # Few values, so that many scores are equal.
    scores, right = rng.integers(0, 6, 30) / 10, rng.random(30) < 0.4
    n_wanted = int(right.sum()) + 3

    def worth(threshold):
        shown = scores >= threshold
        hits = int((right & shown).sum())
        if min_precision is None:
            return f1(hits, int(shown.sum()), n_wanted)
        return hits if hits >= min_precision * shown.sum() else 0

    best = max(worth(threshold) for threshold in [*np.unique(scores), np.inf])
    chosen = choose_threshold(scores, right, n_wanted, min_precision=min_precision)
    assert worth(chosen) == pytest.approx(best)


def test_f1_by_hand():
    assert f1(2, 3, 4) == pytest.approx(2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4))
    assert f1(0, 0, 0) == 1
    assert f1(0, 2, 0) == 0


@pytest.mark.parametrize(
    ("scores", "right"), [([], []), ([1.0], [True, False]), ([np.nan], [True]), ([[1.0]], [[1]])]
)
def test_scores_without_judgements_are_refused(scores, right):
    with pytest.raises(ParameterError):
        choose_threshold(scores, right, 1)


@pytest.mark.parametrize("min_precision", [-0.1, 1.1, "high", np.nan, True])
def test_a_precision_that_is_no_share_is_refused(min_precision):
    with pytest.raises(ParameterError, match="min_precision must be a number from 0 to 1"):
        choose_threshold([1.0], [True], 1, min_precision=min_precision)
