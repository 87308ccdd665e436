"""What a user gives as y: every shape that says the same is read the same, the rest is refused."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array

from skencoder.errors import TrainingError
from skencoder.objectives.answers import (
    check_different,
    read_labels,
    read_partners,
    read_scored,
)

LABELS = ["b", "a", "b", "a"]
NUMBERS = [7, 3, 7, 3]


@pytest.mark.parametrize(
    "y",
    [
        LABELS,
        tuple(LABELS),
        np.array(LABELS),
        np.array(LABELS, dtype=object),
        np.array(LABELS)[:, None],
        pd.Series(LABELS, index=[9, 8, 7, 6]),
        pd.Categorical(LABELS),
        pd.DataFrame({"label": LABELS}),
        pl.Series(LABELS),
        pl.DataFrame({"label": LABELS}),
        iter(LABELS),
        NUMBERS,
        np.array(NUMBERS, float),
        [True, False, True, False],
    ],
    ids=lambda y: f"{type(y).__module__.split('.')[0]}-{type(y).__name__}",
)
def test_labels_of_every_kind_are_the_same_classes(y):
    codes = read_labels(y, 4)
    assert codes.tolist() == [1, 0, 1, 0]
    assert codes.dtype == np.int64


PAIRS = [("a", 0.5), ("b", 1.0), ("c", 0.0)]


@pytest.mark.parametrize(
    "y",
    [
        PAIRS,
        [list(pair) for pair in PAIRS],
        np.array(PAIRS, dtype=object),
        pd.DataFrame(PAIRS),
        pl.DataFrame(PAIRS, schema=["text", "score"], orient="row"),
        zip("abc", [0.5, 1.0, 0.0], strict=True),
    ],
    ids=lambda y: f"{type(y).__module__.split('.')[0]}-{type(y).__name__}",
)
def test_scored_pairs_of_every_kind(y):
    others, scores = read_scored(y, 3)
    assert others == ["a", "b", "c"]
    assert scores.tolist() == [0.5, 1.0, 0.0]


@pytest.mark.parametrize(
    ("y", "rows"),
    [
        (["a", "b"], [["a"], ["b"]]),
        ([("a", "c"), ["b", "d"]], [["a", "c"], ["b", "d"]]),
        (np.array([["a", "c"], ["b", "d"]]), [["a", "c"], ["b", "d"]]),
        (pd.DataFrame({"one": ["a", "b"], "two": ["c", "d"]}), [["a", "c"], ["b", "d"]]),
        (pl.DataFrame({"one": ["a", "b"]}), [["a"], ["b"]]),
    ],
    ids=["texts", "sequences", "array", "pandas", "polars"],
)
def test_partners_of_every_kind(y, rows):
    assert read_partners(y, 2) == rows


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (None, "y is None, but this objective learns from it: give a label for each text"),
        ("abcd", "y is a str; a list, array, Series or frame was expected, with a label"),
        (3, "y is a int; a list, array"),
        ({0: "a", 1: "b", 2: "a", 3: "b"}, "y is a dict; a list, array"),
        ({"a", "b"}, "y is a set; a list"),
        (["a", "b", "a"], "y has 3 rows, but X has 4 texts; a label is needed for each"),
        (["a", None, "b", "b"], "Row 1 of y is missing (None); a label was expected. Fill it"),
        ([1.0, 0.0, np.nan, 1.0], "Row 2 of y is missing (nan)"),
        (pd.array([1, 2, 1, pd.NA]), "Row 3 of y is missing (<NA>)"),
        (pd.to_datetime(["2024", "2025", "2024", None]), "Row 3 of y is missing (NaT)"),
        (np.ones((4, 2)), "one label per text was expected"),
        (csr_array(np.ones((4, 2))), "one label per text was expected"),
        ([[1], [1, 2], [2], [2]], "Row 0 of y is [1]; one label per text was expected"),
        ([0.5, 0.25, 0.5, 1.5], "y is continuous for scikit-learn's type_of_target"),
        (["a"] * 4, "y has one class, 'a'; texts of at least two are needed"),
        (list("abcd"), "Each of the 4 classes of y has a single text; at least one needs two"),
    ],
)
def test_labels_that_cannot_be_learned_from(y, sentence):
    with pytest.raises(TrainingError, match=re.escape(sentence)):
        read_labels(y, 4)


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (["a", float("nan")], "Row 1 of y is nan; the text that belongs to it"),
        ([1, 2], "Row 0 of y is 1; the text that belongs to it"),
        ([("a", "b"), ("a",)], "Row 1 of y has 1 texts, row 0 has 2; each needs one positive"),
        ([(), ()], "Row 0 of y is empty; the text that belongs to it"),
        ([("a", None), ("b", "c")], "Row 0 of y has a NoneType, None, where a text was expected"),
        ([b"a", b"b"], "Row 0 of y is b'a'"),
    ],
)
def test_partners_that_are_none(y, sentence):
    with pytest.raises(TrainingError, match=re.escape(sentence)):
        read_partners(y, 2)


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        ([0.5, 1.0], "Row 0 of y is 0.5; a pair (other text, score) was expected"),
        ([("a", "1"), ("b", "2")], "Row 0 of y is ('a', '1'); a pair (other text, score)"),
        ([("a", 1, 2), ("b", 2, 3)], "Row 0 of y is ('a', 1, 2)"),
        ([(1, "a"), (2, "b")], "Row 0 of y is (1, 'a')"),
        ([("a", 1), (None, 2)], "Row 1 of y has a NoneType, None, where a text was expected"),
        ([("a", None), ("b", 1)], "Row 0 of y is ('a', None)"),
        ([("a", 1), ("b", np.nan)], "Row 1 of y has the score nan; a finite number was expected"),
        ([("a", 1), ("b", np.inf)], "Row 1 of y has the score inf"),
        ([("a", 1), ("b", 1)], "All scores of y are 1.0; pairs of different scores are needed"),
    ],
)
def test_scores_that_say_nothing(y, sentence):
    with pytest.raises(TrainingError, match=re.escape(sentence)):
        read_scored(y, 2)


def test_texts_that_are_all_the_same():
    sentence = "There are not two different texts among 3: 'a'. What is learned is to tell"
    with pytest.raises(TrainingError, match=re.escape(sentence)):
        check_different(["a"] * 3)
    check_different(["a", "a", "b"])
