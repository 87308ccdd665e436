"""OutOfScopeClassifier and its detectors: by hand, by scikit-learn's checks, on real topics."""

import pickle

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, PredefinedSplit, StratifiedKFold
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skencoder import (
    EncoderVectorizer,
    MahalanobisDetector,
    NeighborsDetector,
    OutOfScopeClassifier,
)
from skencoder.errors import ParameterError
from skencoder.estimators import ProbabilityDetector, SumDetector

LINE = np.array([0.0, 1.0, 2.0, 3.0, 10.0, 11.0, 12.0, 13.0])[:, None]
SIDES = np.repeat(["left", "right"], 4)
EUCLIDEAN = NeighborsDetector(metric="euclidean")


def make(**parameters):
    return OutOfScopeClassifier(
        LogisticRegression(), **{"detector": EUCLIDEAN, "cv": 4} | parameters
    )


def expected_failures(estimator):
    if not isinstance(estimator, OutOfScopeClassifier):
        return {}
    failures = {"check_classifiers_classes": "-1 as a label is refused: it may mean out of scope"}
    if estimator.detector == "combined":
        # With "neighbors" no sample that was learned is rejected, so that one passes.
        failures["check_classifiers_train"] = "what is rejected is not argmax of predict_proba"
    return failures


@parametrize_with_checks(
    [
        OutOfScopeClassifier(LogisticRegression()),
        OutOfScopeClassifier(LogisticRegression(), detector="neighbors"),
        NeighborsDetector(),
        MahalanobisDetector(),
        ProbabilityDetector(LogisticRegression()),
        SumDetector([NeighborsDetector(), MahalanobisDetector()]),
    ],
    expected_failed_checks=expected_failures,
)
def test_conventions_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def topics(docs):
    """240 texts of six topics and their topics; the last two are what nobody has seen."""
    short = np.array([len(text.split()) < 30 for text in docs.data])
    rows = np.concatenate(
        [np.flatnonzero(short & (docs.target == topic))[:40] for topic in (0, 3, 6, 8, 1, 9)]
    )
    unseen = np.isin(docs.target[rows], [1, 9])
    return docs.data[rows], docs.target_names[docs.target[rows]], unseen


def test_threshold_is_a_quantile_of_scores_of_samples_not_seen():
    # Left out of the four folds, a sample's nearest neighbour is one step away.
    classifier = make(false_rejection_rate=0.05).fit(LINE, SIDES)
    assert classifier.threshold_ == -1.0
    found = classifier.predict([[-1.0], [-1.01], [4.0], [6.0], [9.0], [14.01]])
    assert found.tolist() == [
        "left",
        "out_of_scope",
        "left",
        "out_of_scope",
        "right",
        "out_of_scope",
    ]


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 1.0])
def test_no_more_of_the_unseen_are_rejected_than_was_allowed(rate):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 3)), rng.integers(0, 2, 200)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    classifier = make(false_rejection_rate=rate, cv=folds).fit(X, y)
    scores = np.empty(200)
    for train, test in folds.split(X, y):
        scores[test] = clone(EUCLIDEAN).fit(X[train]).score_samples(X[test])
    rejected = (scores < classifier.threshold_).mean()
    assert rejected <= rate
    assert rejected >= rate - 2 / 200


def test_examples_of_what_is_out_of_scope_set_the_threshold_and_teach_nothing_else():
    X = np.vstack([LINE, [[6.0], [7.0], [30.0]]])
    y = np.array([*SIDES, *["out_of_scope"] * 3])
    classifier = make().fit(X, y)
    assert classifier.classes_.tolist() == ["left", "right"]
    # In scope the worst is -1, of the examples the best is -3; -1 is the highest that parts them.
    assert classifier.threshold_ == -1.0
    assert classifier.predict(X).tolist() == y.tolist()
    np.testing.assert_array_equal(
        classifier.predict_proba(X), LogisticRegression().fit(LINE, SIDES).predict_proba(X)
    )


@pytest.mark.parametrize("kind", ["iterable", "splitter"])
def test_folds_of_one_s_own_are_of_all_rows(kind):
    """Rows out of scope stand between the others, so that numbers among these are wrong ones."""
    X = np.array([30.0, 0, 40, 1, 2, 50, 3, 10, 11, 60, 12, 13])[:, None]
    outside = X.ravel() >= 30
    y = np.where(outside, "out_of_scope", np.where(X.ravel() < 5, "left", "right"))
    number = np.arange(12) % 3
    folds = [(np.flatnonzero(number != n), np.flatnonzero(number == n)) for n in range(3)]
    cv = folds if kind == "iterable" else PredefinedSplit(number)
    scores = []
    for train, test in folds:
        inside = [rows[~outside[rows]] for rows in (train, test)]
        scores.extend(clone(EUCLIDEAN).fit(X[inside[0]]).score_samples(X[inside[1]]))
    # Examples score -17 and less, so the highest threshold that parts them is the lowest score.
    assert make(cv=cv).fit(X, y).threshold_ == min(scores)


def test_folds_that_do_not_fit_are_refused():
    for folds, message in (
        ([([0, 4], [8])], "cv does not fit the 8 rows of X"),
        ([([0, 4], [])], "cv tests no row in scope"),
    ):
        with pytest.raises(ParameterError, match=message):
            make(cv=folds).fit(LINE, SIDES)


def test_true_and_false_are_refused_as_labels():
    for label in (None, 2):
        with pytest.raises(ParameterError, match="y holds True and False"):
            make(reject_label=label).fit(LINE, SIDES == "left")


@pytest.mark.parametrize("classifier", [None, "lr", LogisticRegression, EUCLIDEAN])
def test_what_is_no_classifier_is_refused(classifier):
    with pytest.raises(ParameterError, match="classifier must be a classifier such as"):
        OutOfScopeClassifier(classifier).fit(LINE, SIDES)


def test_a_given_threshold_needs_no_folds():
    classifier = make(threshold=-2.5, cv=1).fit(LINE[::4], ["left", "right"])
    assert classifier.threshold_ == -2.5
    assert classifier.predict([[2.5], [2.6]]).tolist() == ["left", "out_of_scope"]


def test_numbers_as_labels_are_rejected_by_a_number():
    y = np.repeat([3, 4], 4).astype(np.uint8)
    assert make(threshold=-1.0).fit(LINE, y).predict([[0.0], [50.0]]).tolist() == [3, -1]
    assert make(threshold=-1.0, reject_label=9).fit(LINE, y).predict([[50.0]]).tolist() == [9]


def test_a_long_reject_label_is_not_cut_to_the_width_of_the_labels():
    classifier = make(threshold=-1.0, reject_label="something else entirely")
    assert classifier.fit(LINE, SIDES).predict([[50.0]]).tolist() == ["something else entirely"]


def test_neighbors_detector_gives_the_distance_to_the_neighbor_of_its_rank():
    X = [[1.0, 0], [0, 1.0], [-1.0, 0]]
    cosine = NeighborsDetector(n_neighbors=2).fit(X).score_samples([[3.0, 3.0], [1.0, 0.0]])
    np.testing.assert_allclose(cosine, [0.5**0.5 - 1, -1.0])
    euclidean = NeighborsDetector(metric="euclidean").fit(X).score_samples([[2.0, 0.0]])
    np.testing.assert_allclose(euclidean, [-1.0])


def test_mahalanobis_detector_agrees_with_scipy_for_the_nearest_class():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 200)
    X = rng.normal(size=(200, 4)) * [1, 2, 3, 4] + 5 * y[:, None]
    detector = MahalanobisDetector().fit(X, y)
    precision = np.linalg.inv(detector.covariance_)
    expected = [
        -min(mahalanobis(x, X[y == label].mean(axis=0), precision) for label in range(3))
        for x in X[:20]
    ]
    np.testing.assert_allclose(detector.score_samples(X[:20]), expected)


def test_mahalanobis_detector_bears_fewer_vectors_than_dimensions_and_equal_ones():
    X = np.eye(3, 50)
    detector = MahalanobisDetector().fit(X, [0, 0, 1])
    assert np.isfinite(detector.score_samples(X)).all()
    equal = MahalanobisDetector().fit(np.ones((4, 3)))
    assert equal.score_samples(np.ones((1, 3))) > equal.score_samples(np.zeros((1, 3)))


def test_max_probability_is_that_of_the_classifier(topics):
    texts, labels, unseen = topics
    vectors = EncoderVectorizer().fit_transform(texts)
    classifier = OutOfScopeClassifier(LogisticRegression(), detector="max_probability")
    classifier.fit(vectors[~unseen], labels[~unseen])
    expected = LogisticRegression().fit(vectors[~unseen], labels[~unseen]).predict_proba(vectors)
    np.testing.assert_allclose(classifier.score_samples(vectors), expected.max(axis=1))


@pytest.mark.parametrize(
    "detector",
    ["combined", "neighbors", "mahalanobis", "max_probability"],
)
def test_texts_of_unseen_topics_score_less(topics, detector):
    texts, labels, unseen = topics
    known = np.flatnonzero(~unseen)
    train, test = known[::2], np.concatenate([known[1::2], np.flatnonzero(unseen)])
    pipeline = make_pipeline(
        EncoderVectorizer(), OutOfScopeClassifier(LogisticRegression(C=10), detector=detector)
    ).fit(texts[train], labels[train])
    assert roc_auc_score(~unseen[test], pipeline.score_samples(texts[test])) > 0.6
    answers = pipeline.predict(texts[test])
    rejected = answers == "out_of_scope"
    assert rejected[unseen[test]].mean() > rejected[~unseen[test]].mean()
    accepted = ~rejected & ~unseen[test]
    assert (answers == labels[test])[accepted].mean() > 0.7


def test_on_texts_when_both_parts_are_pipelines(topics):
    texts, labels, unseen = topics
    classifier = OutOfScopeClassifier(
        make_pipeline(TfidfVectorizer(), RidgeClassifier()),
        detector=make_pipeline(EncoderVectorizer(), NeighborsDetector()),
    ).fit(list(texts[~unseen]), list(labels[~unseen]))
    assert classifier.predict(list(texts[~unseen][:3])).tolist() == list(labels[:3])
    assert not hasattr(classifier, "predict_proba")


def test_combined_is_the_nearest_cosine_and_a_quarter_of_the_largest_probability(topics):
    texts, labels, unseen = topics
    vectors = EncoderVectorizer().fit_transform(texts)
    inside = vectors[~unseen], labels[~unseen]
    combined = OutOfScopeClassifier(LogisticRegression(), threshold=0.0).fit(*inside)
    largest = LogisticRegression().fit(*inside).predict_proba(vectors).max(axis=1)
    nearest = (vectors @ inside[0].T).max(axis=1) - 1
    np.testing.assert_allclose(combined.score_samples(vectors), nearest + largest / 4, atol=1e-5)


def test_a_sum_of_detectors_by_hand():
    parts = [NeighborsDetector(metric="euclidean"), MahalanobisDetector()]
    whole = SumDetector(parts, weights=[2, -0.5]).fit(LINE, SIDES)
    distance, mahalanobis_distance = (
        part.fit(LINE, SIDES).score_samples([[7.0]]) for part in parts
    )
    np.testing.assert_allclose(
        whole.score_samples([[7.0]]), 2 * distance - 0.5 * mahalanobis_distance
    )
    np.testing.assert_allclose(
        SumDetector(parts).fit(LINE, SIDES).score_samples([[7.0]]), distance + mahalanobis_distance
    )
    with pytest.raises(ParameterError, match="detectors must be a list of estimators; got None"):
        SumDetector(None).fit(LINE)
    with pytest.raises(ParameterError, match="weights holds 1 numbers for 2 detectors"):
        SumDetector(parts, weights=[1]).fit(LINE)
    with pytest.raises(ParameterError, match="weights must be a finite number; got 'much'"):
        SumDetector(parts, weights=[1, "much"]).fit(LINE)


def test_the_classifier_is_fitted_once_for_itself_and_once_per_fold():
    fits = []

    class Counted(LogisticRegression):
        def fit(self, X, y):
            fits.append(len(y))
            return super().fit(X, y)

    OutOfScopeClassifier(Counted(), cv=4).fit(LINE + 1, SIDES)
    assert fits == [8, 6, 6, 6, 6]


def test_detectors_of_scikit_learn_fit_too():
    detector = LocalOutlierFactor(n_neighbors=2, novelty=True)
    classifier = make(detector=detector, threshold=-2.0).fit(LINE, SIDES)
    assert classifier.predict([[1.5], [6.5], [11.5]]).tolist() == ["left", "out_of_scope", "right"]


def test_in_a_grid(topics):
    texts, labels, unseen = topics
    labels = np.where(unseen, "out_of_scope", labels)
    pipeline = make_pipeline(
        EncoderVectorizer(truncate_dim=64), OutOfScopeClassifier(LogisticRegression(C=10), cv=3)
    )
    search = GridSearchCV(
        pipeline,
        {"outofscopeclassifier__detector": ["neighbors", "max_probability"]},
        cv=StratifiedKFold(2, shuffle=True, random_state=0),
        scoring="balanced_accuracy",
        error_score="raise",
    ).fit(texts, labels)
    assert search.best_score_ > 0.4
    assert set(search.predict(texts)) == set(labels)


def test_a_pickle_gives_the_same():
    classifier = make().fit(LINE, SIDES)
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(
        again.score_samples(LINE + 0.3), classifier.score_samples(LINE + 0.3)
    )


def test_not_fitted():
    for method in ("predict", "predict_proba", "score_samples"):
        with pytest.raises(NotFittedError):
            getattr(make(), method)(LINE)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"detector": "nearest"},
            "detector must be one of combined, neighbors, mahalanobis, max_",
        ),
        ({"detector": LogisticRegression()}, "detector must have score_samples"),
        ({"detector": NeighborsDetector}, "detector must have score_samples"),
        ({"detector": NeighborsDetector(0)}, "n_neighbors must be an integer of at least 1"),
        ({"detector": NeighborsDetector(7)}, "n_neighbors=7 is above the number of vectors"),
        ({"false_rejection_rate": 5}, "false_rejection_rate must be a number from 0 to 1; got 5"),
        ({"threshold": "low"}, "threshold must be a finite number"),
        ({"threshold": float("nan")}, "threshold must be a finite number"),
        ({"reject_label": -1}, "reject_label=-1 is a int, but labels are <U5"),
    ],
)
def test_bad_parameters_are_refused_by_fit(parameters, message):
    with pytest.raises(ParameterError, match=message):
        make(**parameters).fit(LINE, SIDES)


def test_ambiguous_numbers_are_refused():
    y = np.repeat([-1, 0, 1, 2], 2)
    with pytest.raises(ParameterError, match="y holds -1, which may be a label"):
        make().fit(LINE, y)
    taken = make(reject_label=-1, threshold=-1.0).fit(LINE, y)
    assert taken.classes_.tolist() == [0, 1, 2]
    kept = make(reject_label=-2, threshold=-1.0).fit(LINE, y)
    assert kept.classes_.tolist() == [-1, 0, 1, 2]


def test_nothing_in_scope_is_refused():
    with pytest.raises(ParameterError, match="All 8 rows of y are 'out_of_scope'"):
        make().fit(LINE, ["out_of_scope"] * 8)


def test_a_classifier_without_probabilities_is_refused_where_they_are_the_score():
    classifier = OutOfScopeClassifier(RidgeClassifier(), detector="max_probability")
    with pytest.raises(ParameterError, match=r"RidgeClassifier.* has not.*such as 'neighbors'"):
        classifier.fit(LINE, SIDES)


def test_too_few_samples_for_the_folds_are_refused_by_scikit_learn_s_sentence():
    with pytest.raises(
        ValueError, match="n_splits=5 cannot be greater than the number of members"
    ):
        make(cv=5).fit(LINE, SIDES)
