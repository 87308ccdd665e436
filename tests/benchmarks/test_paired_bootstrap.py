"""Resampled scores against scipy and scikit-learn on the drawn examples themselves."""

import numpy as np
import pytest
from scipy.stats import bootstrap, norm, pearsonr, spearmanr
from sklearn.metrics import average_precision_score, f1_score, v_measure_score

from benchmarks.paired_bootstrap import percentile_interval, resample_scores
from benchmarks.result_records import ExampleSet
from benchmarks.weighted_statistics import STATISTICS, weighted_mean, weighted_statistic

RNG = np.random.default_rng(0)
N = 60


def best_accuracy(predictions, targets):
    """Every threshold between two of the predictions is tried."""
    thresholds = np.unique(predictions)[1:]
    return max(((predictions >= t) == targets).mean() for t in thresholds)


REFERENCES = {
    "pearson": lambda predictions, targets: pearsonr(predictions, targets).statistic,
    "spearman": lambda predictions, targets: spearmanr(predictions, targets).statistic,
    "f1_weighted": lambda predictions, targets: f1_score(
        targets, predictions, average="weighted", zero_division=0
    ),
    "v_measure": lambda predictions, targets: v_measure_score(targets, predictions),
    "average_precision": lambda predictions, targets: average_precision_score(
        targets, predictions
    ),
    "best_accuracy": best_accuracy,
}


def examples_of(statistic):
    """Predictions and targets with many ties, and classes that only one side knows."""
    scores = RNG.integers(0, 12, N) / 10
    if statistic in ("f1_weighted", "v_measure"):
        return RNG.integers(0, 6, N), RNG.integers(1, 8, N)
    if statistic in ("average_precision", "best_accuracy"):
        return scores, (scores + RNG.normal(size=N) > 0.6).astype(int)
    return scores, np.round(scores + RNG.normal(size=N), 1)


def drawn_weights(rows):
    return np.bincount(rows, minlength=N)[None, :].astype(float)


@pytest.mark.parametrize("name", REFERENCES)
def test_a_weighted_statistic_is_the_statistic_of_the_drawn_examples(name):
    predictions, targets = examples_of(name)
    statistic = STATISTICS[name](predictions, targets)
    draws = [np.arange(N), *RNG.integers(0, N, (20, N)), RNG.integers(0, 30, N)]

    found = statistic(np.concatenate([drawn_weights(rows) for rows in draws]))

    expected = [REFERENCES[name](predictions[rows], targets[rows]) for rows in draws]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_every_statistic_is_checked():
    assert STATISTICS.keys() == REFERENCES.keys()


def test_statistics_of_strings_and_of_one_class():
    f1 = STATISTICS["f1_weighted"](np.array(["a", "b", "c"]), np.array(["a", "b", "b"]))
    # a: 1, once; b: precision 1, recall 1/2, so 2/3, twice.
    assert f1(np.ones((1, 3)))[0] == pytest.approx((1 + 2 * 2 / 3) / 3)
    same = STATISTICS["v_measure"](np.array([1, 1]), np.array(["x", "x"]))
    assert same(np.ones((1, 2)))[0] == 1.0


def test_what_cannot_be_scored_is_nan_and_gives_no_interval():
    constant = STATISTICS["spearman"](np.ones(5), np.arange(5.0))
    scores = resample_scores([constant], 5, n_resamples=20)
    assert np.isnan(scores).all()
    assert percentile_interval(scores[0]) is None


def test_an_unknown_statistic_is_not_guessed():
    arrays = {"predictions": np.arange(3), "targets": np.arange(3)}
    unknown = ExampleSet("test", "default", "magic", 0.5, ("a", "b", "c"), **arrays)
    assert weighted_statistic(unknown) is None


def test_models_are_scored_on_the_same_draws():
    values = RNG.normal(size=50)
    scores = resample_scores([weighted_mean(values), weighted_mean(values + 0.25)], 50)
    np.testing.assert_allclose(scores[1] - scores[0], 0.25)


def test_the_memory_at_hand_changes_nothing(monkeypatch):
    values = RNG.normal(size=40)
    once = resample_scores([weighted_mean(values)], 40, n_resamples=50, seed=3)
    monkeypatch.setattr("benchmarks.paired_bootstrap.CELLS", 40 * 7)
    in_parts = resample_scores([weighted_mean(values)], 40, n_resamples=50, seed=3)
    np.testing.assert_allclose(in_parts, once, atol=1e-12)
    other = resample_scores([weighted_mean(values)], 40, n_resamples=50, seed=4)
    assert np.abs(other - once).max() > 0.01


def test_the_interval_is_scipy_s():
    first, second = RNG.normal(size=200), RNG.normal(0.2, size=200)
    scores = resample_scores(
        [weighted_mean(first), weighted_mean(second)], 200, n_resamples=20_000
    )
    ours = percentile_interval(scores[0] - scores[1])
    theirs = bootstrap(
        (first, second),
        lambda a, b, axis: (a - b).mean(axis=axis),
        paired=True,
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    np.testing.assert_allclose([ours.low, ours.high], theirs, atol=0.01)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    covered = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        shared = rng.normal(size=80)
        first, second = (shared + rng.normal(mean, 0.5, 80) for mean in (0.1, 0.0))
        statistics = [weighted_mean(first), weighted_mean(second)]
        scores = resample_scores(statistics, 80, n_resamples=400, seed=seed)
        interval = percentile_interval(scores[0] - scores[1])
        covered += interval.low <= 0.1 <= interval.high
    # 95 % of 300, three standard errors down (the percentile interval is a little narrow) and up.
    assert norm.ppf(0.001, 285 - 3, 3.8) <= covered <= 297


def test_an_interval_says_whether_zero_is_outside():
    assert percentile_interval(np.linspace(0.1, 1, 50)).excludes_zero
    assert not percentile_interval(np.linspace(-0.1, 1, 50)).excludes_zero
