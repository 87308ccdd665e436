"""Metrics of rankings: worked by hand, against scikit-learn and trec_eval, and what is refused."""

import math
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, ndcg_score

from skencoder import metrics
from skencoder.errors import ParameterError
from skencoder.metrics import (
    make_retrieval_scorer,
    mean_average_precision,
    mean_reciprocal_rank,
    ndcg_score_at_k,
    precision_at_k,
    recall_at_k,
    score_rankings,
)

# Three relevant, of which "a" most; ranked are b (2nd best), x (not), a.
RELEVANT = [{"a": 3, "b": 1, "c": 1, "z": 0}]
RANKED = [["b", "x", "a"]]


def test_worked_by_hand():
    gain = 1 / 1 + 3 / 2  # log2(2) = 1 at rank 1, log2(4) = 2 at rank 3
    best = 3 / 1 + 1 / math.log2(3) + 1 / 2
    assert ndcg_score_at_k(RELEVANT, RANKED) == pytest.approx(gain / best)
    assert ndcg_score_at_k(RELEVANT, RANKED, k=2) == pytest.approx(1 / (3 + 1 / math.log2(3)))
    assert recall_at_k(RELEVANT, RANKED, k=3) == pytest.approx(2 / 3)
    assert recall_at_k(RELEVANT, RANKED, k=1) == pytest.approx(1 / 3)
    assert precision_at_k(RELEVANT, RANKED, k=3) == pytest.approx(2 / 3)
    assert precision_at_k(RELEVANT, RANKED, k=10) == pytest.approx(2 / 10)
    assert precision_at_k(RELEVANT, RANKED, k=None) == pytest.approx(2 / 3)
    assert mean_reciprocal_rank([{"a"}], RANKED) == pytest.approx(1 / 3)
    assert mean_reciprocal_rank([{"a"}], RANKED, k=2) == 0
    assert mean_average_precision(RELEVANT, RANKED) == pytest.approx((1 / 1 + 2 / 3) / 3)
    assert mean_average_precision(RELEVANT, RANKED, k=2) == pytest.approx(1 / 3)


def test_nothing_found_is_zero_not_an_error():
    metrics = ["ndcg", "recall@5", "precision", "mrr", "map@3"]
    scores = score_rankings([{"a"}], [[]], metrics)
    assert list(scores) == metrics
    assert [values.tolist() for values in scores.values()] == [[0.0]] * 5


@pytest.mark.parametrize(
    "relevant",
    ["a", {"a"}, ["a"], ("a",), np.array(["a"]), {"a": 1}, {"a": 1.0, "b": 0}, frozenset("a")],
)
def test_what_is_relevant_may_be_said_in_many_ways(relevant):
    assert ndcg_score_at_k([relevant], [["b", "a"]]) == pytest.approx(1 / math.log2(3))


def test_queries_may_have_names():
    relevant, ranked = {"q": {1}, "r": 2}, {"r": np.array([2, 1]), "q": [2, 1]}
    assert mean_reciprocal_rank(relevant, ranked) == pytest.approx((1 / 2 + 1) / 2)
    assert score_rankings(relevant, ranked, ["mrr"])["mrr"].tolist() == [0.5, 1.0]


@pytest.fixture(scope="module")
def drawn():
    """40 queries over 60 documents: graded qrels, and a score for every document."""
    rng = np.random.default_rng(0)
    grades = rng.choice([0, 0, 0, 1, 2, 3], (40, 60))
    scores = np.argsort(rng.random((40, 60)), axis=1).astype(float)
    relevant = [{f"d{i}": int(g) for i, g in enumerate(row) if g or i % 2} for row in grades]
    ranked = [[f"d{i}" for i in np.argsort(-row)] for row in scores]
    return grades, scores, relevant, ranked


@pytest.mark.parametrize("k", [1, 5, 10, 60, None])
def test_ndcg_is_scikit_learn_s(drawn, k):
    grades, scores, relevant, ranked = drawn
    expected = ndcg_score(grades, scores, k=k)
    assert ndcg_score_at_k(relevant, ranked, k) == pytest.approx(expected, abs=1e-12)


def test_average_precision_is_scikit_learn_s(drawn):
    grades, scores, relevant, ranked = drawn
    expected = [average_precision_score(row > 0, s) for row, s in zip(grades, scores, strict=True)]
    found = score_rankings(relevant, ranked, ["map"])["map"]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_all_are_trec_eval_s(drawn):
    pytrec_eval = pytest.importorskip("pytrec_eval")
    _, scores, relevant, ranked = drawn
    # A run that was cut off, as most are.
    qrels = {f"q{i}": entry for i, entry in enumerate(relevant)}
    run = {
        f"q{i}": {name: float(row[int(name[1:])]) for name in names[:30]}
        for i, (row, names) in enumerate(zip(scores, ranked, strict=True))
    }
    names = {
        "ndcg@10": "ndcg_cut_10", "ndcg@1000": "ndcg", "recall@5": "recall_5", "recall@100":
        "recall_100", "precision@5": "P_5", "precision@100": "P_100", "mrr": "recip_rank",
        "map": "map", "map@10": "map_cut_10",
    }  # fmt: skip
    measures = {"ndcg_cut", "ndcg", "recall", "P", "recip_rank", "map", "map_cut"}
    expected = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)
    found = score_rankings(relevant, [names[:30] for names in ranked], names)
    for ours, theirs in names.items():
        expected_values = [expected[query][theirs] for query in qrels]
        np.testing.assert_allclose(found[ours], expected_values, atol=1e-9, err_msg=ours)


@pytest.mark.parametrize(
    ("relevant", "ranked", "message"),
    [
        ([{"a"}], [["a"], ["b"]], "relevant has 1 queries and ranked 2"),
        ([], [], "relevant is empty"),
        ({"q": {"a"}}, [["a"]], "relevant is a dict and ranked a list"),
        ({"q": {"a"}}, {"r": ["a"]}, "must have the same queries; 'q' is only in"),
        ([{"a"}], [["a", "b", "a"]], r"ranked\[0\] holds 'a' more than once"),
        ([set()], [["a"]], r"relevant\[0\] holds no relevant document"),
        ([{"a": 0}], [["a"]], r"relevant\[0\] holds no relevant document"),
        ([{"a": -1}], [["a"]], "gives 'a' the grade -1"),
        ([{"a": math.nan}], [["a"]], "gives 'a' the grade nan"),
        ([{"a": "high"}], [["a"]], "gives 'a' the grade 'high'"),
        ([None], [["a"]], r"relevant\[0\] is None"),
        ([{"1"}], [[1]], r"relevant\[0\] holds str, ranked\[0\] numbers"),
        ([{"a"}], ["a"], r"ranked\[0\] is a str"),
        ([{"a"}], [{"a"}], r"ranked\[0\] is a set"),
        ("a", ["a"], "relevant must be a mapping or a list"),
        ({"a"}, [["a"]], "relevant must be a mapping or a list"),
    ],
)
def test_what_does_not_belong_together_is_refused(relevant, ranked, message):
    with pytest.raises(ParameterError, match=message):
        ndcg_score_at_k(relevant, ranked)


@pytest.mark.parametrize("k", [0, -1, 2.5, "3", True])
def test_k_is_checked(k):
    with pytest.raises(ParameterError, match="k must be a positive integer or None"):
        recall_at_k(RELEVANT, RANKED, k)


@pytest.mark.parametrize("metric", ["dcg@10", "ndcg@", "ndcg@0", "ndcg@-1", "ndcg@1.5", 10, ""])
def test_unknown_metrics_are_refused(metric):
    with pytest.raises(ParameterError, match="expected one of ndcg, recall, precision, mrr, map"):
        score_rankings(RELEVANT, RANKED, [metric])
    with pytest.raises(ParameterError, match="expected one of ndcg"):
        make_retrieval_scorer([metric])


def test_scorers_are_checked_when_made_and_travel():
    with pytest.raises(ParameterError, match="metrics is empty"):
        make_retrieval_scorer([])
    scorer = make_retrieval_scorer(["ndcg@10", "recall@100"])
    assert pickle.loads(pickle.dumps(scorer)) == scorer


@pytest.mark.parametrize(
    ("relevant", "message"),
    [
        ([b"\x00"], r"relevant\[0\] is b'.x00'"),
        ([True], r"relevant\[0\] is True"),
        ([pd.Series({"a": 2, "b": 1})], r"relevant\[0\] is a Series.*to_dict\(\) if"),
        (pd.DataFrame({"a": [1]}), "relevant must be a mapping or a list.*got a DataFrame"),
        (b"a", "relevant must be a mapping or a list.*got a bytes"),
    ],
)
def test_what_would_be_taken_for_something_else_is_refused(relevant, message):
    with pytest.raises(ParameterError, match=message):
        ndcg_score_at_k(relevant, [["a", "b"]])


def test_rankings_that_would_be_taken_for_something_else_are_refused():
    for ranked in ([b"ab"], [pd.DataFrame({"a": [1]})]):
        with pytest.raises(ParameterError, match=r"ranked\[0\] is a (bytes|DataFrame); a list of"):
            ndcg_score_at_k([{"a"}], ranked)
    assert ndcg_score_at_k([{"a"}], [pd.Series(["a", "b"], index=[7, 3])]) == 1
    assert score_rankings([{"a"}], [["a"]], "mrr")["mrr"].tolist() == [1.0]


class Alphabet:
    """A retriever that ranks all letters, a query's own first; it counts what it was asked."""

    ids_ = np.array([chr(97 + row) for row in range(26)])

    def __init__(self):
        self.asked = []

    def kneighbors(self, queries, n_neighbors, return_distance=True):
        self.asked.append(list(queries))
        first = np.array([ord(query) - 97 for query in queries])
        return (first[:, None] + np.arange(n_neighbors)) % 26


@pytest.mark.parametrize(
    "container", [list, np.array, pl.Series, lambda q: pd.Series(q, range(9, 29))]
)
def test_whole_rankings_are_scored_some_queries_at_a_time(container, monkeypatch):
    """A ranking of everything takes room for all documents, for each query at once."""
    monkeypatch.setattr(metrics, "RANKED_AT_ONCE", 26 * 3 + 1)
    queries = [chr(97 + row) for row in range(20)]
    relevant = [{chr(97 + (row + row % 5) % 26)} for row in range(20)]
    retriever = Alphabet()
    found = make_retrieval_scorer(["mrr", "map", "ndcg@10"])(
        retriever, container(queries), container([next(iter(entry)) for entry in relevant])
    )
    assert [len(part) for part in retriever.asked] == [3] * 6 + [2]
    assert [query for part in retriever.asked for query in part] == queries
    assert found["mrr"] == pytest.approx(np.mean([1 / (1 + row) for row in range(5)]))
    assert found["map"] == pytest.approx(found["mrr"])
    monkeypatch.undo()
    assert make_retrieval_scorer("mrr")(retriever, queries, relevant) == found["mrr"]
    assert len(retriever.asked[-1]) == 20
