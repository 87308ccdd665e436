"""Rows that are held out: among them, and among those that are left, a comparison can be made."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skencoder.errors import TrainingError
from skencoder.objectives.sampling import class_pairs, comparable_rows

SIZES = st.lists(st.integers(1, 12), min_size=2, max_size=8).filter(
    lambda sizes: sum(size >= 4 for size in sizes) >= 2
)


@given(SIZES, st.integers(4, 60), st.integers(0, 9))
def test_pairs_of_classes(sizes, count, seed):
    codes = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    rows = class_pairs(count, np.random.default_rng(seed), codes=codes)
    assert len(set(rows.tolist())) == len(rows)
    possible = sum(max(0, size - 2) // 2 * 2 for size in sizes)
    assert len(rows) == min(count // 2 * 2, possible)
    first, second = codes[rows].reshape(-1, 2).T
    assert np.array_equal(first, second)
    assert first[0] != first[1]
    held_out = Counter(codes[rows].tolist())
    assert all(sizes[code] - number >= 2 for code, number in held_out.items())


def test_large_classes_are_held_out_from_more_than_small_ones():
    codes = np.repeat([0, 1, 2], [900, 90, 10])
    for seed in range(5):
        rows = class_pairs(100, np.random.default_rng(seed), codes=codes)
        found = np.bincount(codes[rows], minlength=3)
        assert abs(found - [90, 9, 1]).max() <= 2
        # No class comes in one run: each batch has several.
        assert np.diff(np.flatnonzero(codes[rows] == 1)).max() > 2


@pytest.mark.parametrize(
    ("sizes", "count", "sentence"),
    [
        ([3] * 20, 6, "two classes of four texts are needed; y has 0 of them"),
        ([30, 3, 1], 6, "two classes of four texts are needed; y has 1 of them"),
        ([30, 30], 3, "validation_share holds out 3 of 60 rows; 4 or more are needed, two texts"),
    ],
)
def test_pairs_that_are_not_there(sizes, count, sentence):
    codes = np.repeat(np.arange(len(sizes)), sizes)
    with pytest.raises(TrainingError, match=re.escape(sentence)):
        class_pairs(count, np.random.default_rng(0), codes=codes)


def test_any_rows_that_differ():
    kinds = np.array([[0, 1, 0, 1, 2, 3], [0, 1, 2, 3, 4, 5]])
    drawn = [comparable_rows(3, np.random.default_rng(s), kinds=kinds[1:]) for s in range(9)]
    assert all(sorted({*rows.tolist()}) == rows.tolist() for rows in drawn)
    assert len({tuple(rows.tolist()) for rows in drawn}) > 3
    assert len(comparable_rows(3, np.random.default_rng(0), kinds=kinds[1:], at_least=3)) == 3


@pytest.mark.parametrize(
    ("kinds", "count", "at_least", "sentence"),
    [
        ([[0, 1, 2, 3]], 1, 2, "validation_share holds out 1 of 4 rows, which cannot be compared"),
        (
            [[0, 1, 2, 3]],
            2,
            3,
            "holds out 2 of 4 rows, which cannot be compared with each other: 3",
        ),
        ([[0, 1, 2]], 2, 2, "validation_share leaves to learn from 1 of 3 rows, which cannot"),
        ([[0.5] * 4], 2, 2, "validation_share holds out 2 of 4 rows"),
        ([[0, 1, 2, 3], [0] * 4], 2, 2, "validation_share holds out 2 of 4 rows"),
    ],
)
def test_rows_that_are_alike(kinds, count, at_least, sentence):
    with pytest.raises(TrainingError, match=re.escape(sentence)):
        comparable_rows(count, np.random.default_rng(0), kinds=np.array(kinds), at_least=at_least)
