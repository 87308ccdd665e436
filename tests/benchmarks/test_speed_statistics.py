"""Arithmetic of the speed benchmark, against values worked out by hand."""

import numpy as np
import pytest

from benchmarks.speed_statistics import (
    compare_rounds,
    cosines,
    gemm_share,
    growth_exponent,
    median_interval,
    round_ratios,
    summarise,
)


def test_ratios_are_taken_round_by_round():
    # One round was disturbed for both: 8 s and 4 s instead of 2 s and 1 s.
    np.testing.assert_allclose(round_ratios([1, 4, 1], [2, 8, 3]), [2, 2, 3])


def test_figures_of_an_engine():
    rounds = compare_rounds("fast", "int8", [1, 4, 2], [2, 8, 6])
    speed = summarise(rounds, "", n_texts=100, agreement=np.array([0.5, 1.0]), share=0.25)

    # 100, 25 and 50 texts/s; ratios 2, 2 and 3.
    assert (speed.texts_per_second, speed.slowest, speed.fastest) == (50, 25, 100)
    assert (speed.ratio, speed.ratio_low, speed.ratio_high) == (2, 2, 3)
    assert (speed.worst_cosine, speed.mean_cosine, speed.gemm_share) == (0.5, 0.75, 0.25)
    assert (speed.engine, speed.precision, speed.seconds) == ("fast", "int8", (1, 4, 2))


def test_equal_rounds_have_no_uncertainty():
    assert median_interval(np.array([1.5, 1.5, 1.5])) == (1.5, 1.5, 1.5)


def test_the_interval_holds_the_median_and_the_rounds_hold_the_interval():
    ratios = np.random.default_rng(0).lognormal(size=9)

    median, low, high = median_interval(ratios)

    assert ratios.min() <= low <= median <= high <= ratios.max()
    assert median == np.median(ratios)


def test_cosines_ignore_length():
    reference = np.array([[1.0, 0.0], [0.0, 2.0]])
    vectors = np.array([[5.0, 0.0], [3.0, 4.0]])

    np.testing.assert_allclose(cosines(vectors, reference), [1, 0.8])


def test_the_share_is_taken_within_each_round():
    # 100 operations in 2, 4 and 8 s are 50, 25 and 12.5 a second; the limit, 200 in 2, 4 and
    # 4 s, is 100, 50 and 50.
    assert gemm_share([2, 4, 8], 100, [2, 4, 4], 200) == 0.5


@pytest.mark.parametrize(("operations", "seconds"), [(None, [1, 1]), (100, None)])
def test_no_share_without_both_rates(operations, seconds):
    assert gemm_share([1, 1], operations, seconds, 1) is None


@pytest.mark.parametrize("power", [0, 1, 2])
def test_the_exponent_is_the_power(power):
    sizes = np.array([1, 10, 100, 1000])
    assert growth_exponent(sizes, 3.0 * sizes**power) == pytest.approx(power)
