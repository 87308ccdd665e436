"""Scores of single examples, against hand-worked cases and every threshold tried."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.example_rankings import score_rankings
from benchmarks.example_statistics import STATISTICS, compute_statistic
from benchmarks.result_records import ExampleSet

RELEVANT = {"q": {"a": 2, "b": 1, "z": 0}, "r": {"c": 1}}
# Equal scores are ordered by descending name, as trec_eval does: y, c, b, a; then c, q.
RANKINGS = {"q": {"y": 0.9, "b": 0.5, "a": 0.4, "c": 0.5}, "r": {"c": 0.7, "q": 0.2}, "s": {}}


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        # Gains 2 and 1, at ranks 4 and 3; ideal ranks 1 and 2.
        ("ndcg_at_10", (2 / math.log2(5) + 1 / math.log2(4)) / (2 + 1 / math.log2(3))),
        ("map_at_10", (1 / 3 + 2 / 4) / 2),
        ("recall_at_3", 1 / 2),
        ("precision_at_4", 2 / 4),
        ("hit_rate_at_2", 0),
        ("mrr_at_10", 1 / 3),
        ("mrr_at_2", 0),
        ("accuracy", 0),
    ],
)
def test_rankings_have_the_scores_worked_out_by_hand(metric, expected):
    scores = score_rankings(metric, RANKINGS, RELEVANT)

    assert scores["q"] == pytest.approx(expected)
    assert scores["r"] == pytest.approx(1 if metric != "precision_at_4" else 1 / 4)
    assert set(scores) == {"q", "r"}


def test_what_a_task_does_not_count_is_left_out():
    first = score_rankings("mrr_at_10", RANKINGS, RELEVANT, skip_first=True)
    assert first == {"q": 1 / 2, "r": 0}
    rankings = {"r": {"r": 0.9, "c": 0.7}}
    assert score_rankings("mrr_at_10", rankings, RELEVANT) == {"r": 1 / 2}
    assert score_rankings("mrr_at_10", rankings, RELEVANT, skip_identical=True) == {"r": 1}


@pytest.mark.parametrize("metric", ["p-MRR", "robustness_at_10", "taxon_top_1_accuracy"])
def test_a_score_that_is_not_of_single_queries_is_none(metric):
    assert score_rankings(metric, RANKINGS, RELEVANT) is None


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=12))
def test_the_best_accuracy_is_that_of_the_best_threshold(pairs):
    scores, labels = (np.array(column) for column in zip(*pairs, strict=True))
    thresholds = sorted(set(scores))[1:]
    expected = max((((scores >= t) == labels).mean() for t in thresholds), default=0)

    assert STATISTICS["best_accuracy"](scores, labels.astype(int)) == pytest.approx(expected)


def test_some_examples_can_be_asked_for_and_more_than_once():
    values = ExampleSet("test", "en", "mean", 0.5, ("a", "b"), values=np.array([0.0, 1.0]))
    pairs = ExampleSet(
        "test", "en", "pearson", 0.0, ("a", "b", "c"),
        predictions=np.array([1.0, 2.0, 3.0]), targets=np.array([1.0, 2.0, 1.0]),
    )  # fmt: skip

    assert compute_statistic(values) == 0.5
    assert compute_statistic(values, np.array([1, 1, 0])) == pytest.approx(2 / 3)
    assert compute_statistic(pairs) == pytest.approx(0)
    assert compute_statistic(pairs, np.array([0, 1])) == pytest.approx(1)
    assert np.isnan(compute_statistic(pairs, np.array([0, 2])))


def test_the_same_statistics_are_known_to_whoever_reads_them():
    from benchmarks.weighted_statistics import STATISTICS as READ

    assert set(STATISTICS) <= set(READ)
    rng = np.random.default_rng(0)
    predictions, targets = rng.normal(size=50), rng.integers(0, 2, 50)
    for name in set(STATISTICS) - {"f1_weighted"}:
        weighted = READ[name](predictions, targets)(np.ones((1, 50)))[0]
        assert STATISTICS[name](predictions, targets) == pytest.approx(weighted), name
