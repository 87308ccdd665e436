"""Ranks and tests against published worked examples, scipy, and by hand."""

import numpy as np
import pytest
from scipy.stats import PermutationMethod, friedmanchisquare, ttest_1samp, wilcoxon

from benchmarks.holm import holm
from benchmarks.ranks import (
    critical_difference,
    groups_not_told_apart,
    rank_models,
    signed_rank_test,
)
from benchmarks.resampled_t import resampled_t_test

# AUC of C4.5 with m and cf tuned or not on 14 data sets: Demsar (2006), table 6. One value has a
# fourth digit here, because the paper's ranks, made before rounding, tell the last two apart.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)


def test_ranks_as_published():
    ranks = rank_models(DEMSAR)
    np.testing.assert_allclose(ranks.average, [3.143, 2.000, 2.893, 1.964], atol=5e-4)
    # The paper computes from rounded ranks.
    assert ranks.chi_square == pytest.approx(9.28, abs=0.02)
    assert ranks.f_statistic == pytest.approx(3.69, abs=0.01)
    assert ranks.critical_difference == pytest.approx(1.25, abs=0.005)
    assert 0.01 < ranks.p_value < 0.05
    # "the critical difference ... for p = 0.10 is 1.12"
    assert critical_difference(4, 14, significance=0.1) == pytest.approx(1.12, abs=0.005)


@pytest.mark.parametrize(
    ("n_models", "quantile"), [(2, 1.960), (3, 2.343), (5, 2.728), (10, 3.164)]
)
def test_quantiles_are_those_of_the_table(n_models, quantile):
    # Demsar (2006), table 5(a), which gives three decimals, not rounded alike.
    error = np.sqrt(n_models * (n_models + 1) / (6 * 20))
    assert critical_difference(n_models, 20) / error == pytest.approx(quantile, abs=1e-3)


def test_friedman_is_scipy_s_where_no_scores_are_equal():
    scores = np.random.default_rng(0).normal(size=(12, 5))
    ours, theirs = rank_models(scores), friedmanchisquare(*scores.T)
    assert ours.chi_square == pytest.approx(theirs.statistic)
    # scipy has the chi-square distribution, which is near with so many tasks.
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=0.03)


def test_models_that_always_rank_alike():
    ranks = rank_models(np.array([[0.9, 0.8, 0.7]] * 5))
    assert ranks.average == (1, 2, 3)
    assert ranks.f_statistic == np.inf
    # The other four tasks follow the first: 1 in 6 to the fourth power.
    assert ranks.p_value == pytest.approx(6.0**-4, abs=1e-3)
    assert rank_models(np.array([[0.9, 0.8, 0.7]] * 2)).p_value == pytest.approx(1 / 6, abs=0.02)
    equal = rank_models(np.ones((4, 3)))
    assert (equal.average, equal.chi_square) == ((2, 2, 2), 0)
    assert equal.p_value == 1


def test_groups_are_the_largest_that_lie_close():
    # 1.0, 1.8, 2.6 and 4.0 with 1: the first two, the next two, nothing with the last.
    assert groups_not_told_apart([1.8, 1.0, 4.0, 2.6], 1.0) == [(1, 0), (0, 3)]
    assert groups_not_told_apart([1.0, 1.2, 1.4], 1.0) == [(0, 1, 2)]
    assert groups_not_told_apart([1.0, 3.0], 1.0) == []
    # Exactly the critical difference is enough to be told apart.
    assert groups_not_told_apart([1.0, 2.0], 1.0) == []


def test_signed_ranks_as_published():
    # Demsar (2006), section 3.1.3: the sums are 93 and 12.
    statistic, p_value = signed_rank_test(DEMSAR[:, 1], DEMSAR[:, 0])
    assert statistic == 12
    assert p_value < 0.05  # "for a confidence level of 0.05 and 14 data sets: 21 or less"
    assert signed_rank_test(DEMSAR[:, 0], DEMSAR[:, 1]) == (statistic, p_value)


def test_few_tasks_are_counted_exactly():
    # All of five on one side: 2 of the 32 ways to choose signs.
    assert signed_rank_test(np.arange(1, 6.0), np.zeros(5)) == (0, 2 / 32)
    # Ranks 1.5, 1.5 and 3, the last negative: both sums are 3, and any signs are as extreme.
    assert signed_rank_test(np.array([1, 1, -2.0]), np.zeros(3)) == (3, 1)
    assert signed_rank_test(np.ones(4), np.ones(4)) == (5, 1)
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 12))
    exact = wilcoxon(first, second, method="exact")
    found = signed_rank_test(first, second)
    np.testing.assert_allclose(found, [exact.statistic, exact.pvalue])


def test_equal_differences_and_many_tasks_agree_with_scipy_s_permutations():
    rng = np.random.default_rng(0)
    tied = rng.integers(-3, 5, 11).astype(float)
    exact = PermutationMethod(n_resamples=2**11)
    theirs = wilcoxon(tied, zero_method="zsplit", method=exact)
    np.testing.assert_allclose(
        signed_rank_test(tied, np.zeros(11)), [theirs.statistic, theirs.pvalue]
    )
    many = rng.normal(0.2, size=45)
    theirs = wilcoxon(many, method="exact")
    np.testing.assert_allclose(
        signed_rank_test(many, np.zeros(45)), [theirs.statistic, theirs.pvalue]
    )


def test_the_corrected_t_test_by_hand():
    # Differences 1, 2, 3, 2, 2: mean 2, variance 0.5; 1/5 + 20/80 = 0.45; error sqrt(0.225).
    test = resampled_t_test([3, 4, 5, 4, 4], [2, 2, 2, 2, 2], n_train=80, n_test=20)
    assert test.difference == 2
    assert test.t_statistic == pytest.approx(2 / 0.225**0.5)
    # t tables: 97.5 % with 4 degrees of freedom is 2.776.
    np.testing.assert_allclose(
        [test.low, test.high], 2 + np.array([-1, 1]) * 2.7764 * 0.225**0.5, atol=1e-3
    )
    assert 0.01 < test.p_value < 0.02


def test_without_overlap_it_is_the_plain_t_test():
    first, second = np.random.default_rng(0).normal(size=(2, 10))
    ours = resampled_t_test(first, second, n_train=10**12, n_test=1)
    theirs = ttest_1samp(first - second, 0)
    np.testing.assert_allclose(
        [ours.t_statistic, ours.p_value], [theirs.statistic, theirs.pvalue], rtol=1e-6
    )
    interval = theirs.confidence_interval(0.95)
    np.testing.assert_allclose([ours.low, ours.high], [interval.low, interval.high], rtol=1e-6)


def test_it_finds_nothing_where_there_is_nothing_and_all_where_every_fold_agrees():
    same = resampled_t_test([0.5, 0.6], [0.5, 0.6], n_train=8, n_test=2)
    assert (same.difference, same.t_statistic, same.p_value) == (0, 0, 1)
    certain = resampled_t_test([0.75, 0.5], [0.5, 0.25], n_train=8, n_test=2)
    assert (certain.low, certain.high, certain.p_value) == (0.25, 0.25, 0)


def test_holm_by_hand():
    # 0.01 * 4, 0.02 * 3, 0.03 * 2 = 0.06 (not below the one before), 0.9 * 1.
    np.testing.assert_allclose(holm([0.03, 0.01, 0.9, 0.02]), [0.06, 0.04, 0.9, 0.06])
    assert holm([0.7, 0.8]) == [1, 1]
    assert holm([]) == []
