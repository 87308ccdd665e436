"""ZeroShotClassifier: worked out by hand, as scikit-learn's tools use it, and on real topics."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from skencoder import EncoderVectorizer, ZeroShotClassifier
from skencoder.errors import ParameterError, TextInputError
from tests.estimators.planted import Planted

# "x" points along the first axis, "y" along the second; "xy" lies between them.
PLANTED = Planted(
    {"x": [2, 0], "y": [0, 1], "xy": [1, 1], "near x": [4, 3], "-x": [-1, 0], "zero": [0, 0]}
)
SENTENCES = {
    "email": "Mail messages, their headers and attachments, mailboxes and mail servers.",
    "numbers and dates": "Arithmetic, statistics, random numbers, dates, times and calendars.",
    "testing and debugging": "Unit tests, mock objects, profilers, breakpoints and tracebacks.",
}


@pytest.fixture(scope="module")
def topics(docs):
    """90 short texts of three topics, and the topics' names."""
    short = np.array([len(text.split()) < 25 for text in docs.data])
    codes = [list(docs.target_names).index(name) for name in SENTENCES]
    rows = np.concatenate([np.flatnonzero(short & (docs.target == code))[:30] for code in codes])
    return docs.data[rows], docs.target_names[docs.target[rows]]


def test_logits_are_cosines_over_temperature():
    classifier = ZeroShotClassifier(
        PLANTED, descriptions={"b": "y", "a": "x", "c": "-x"}, temperature=0.5
    ).fit()
    assert classifier.classes_.tolist() == ["a", "b", "c"]
    cosines = np.array([[0.8, 0.6, -0.8], [0, 0, 0], [1, 0, -1]])
    texts = ["near x", "zero", "x"]
    np.testing.assert_allclose(classifier.decision_function(texts), cosines / 0.5)
    exponents = np.exp(cosines / 0.5)
    np.testing.assert_allclose(
        classifier.predict_proba(texts), exponents / exponents.sum(axis=1, keepdims=True)
    )
    assert classifier.predict(texts).tolist() == ["a", "a", "a"]


def test_two_labels_have_one_logit_as_elsewhere_in_scikit_learn():
    classifier = ZeroShotClassifier(PLANTED, descriptions={0: "x", 1: "y"}, temperature=0.1).fit()
    logits = classifier.decision_function(["near x", "y"])
    np.testing.assert_allclose(logits, [(0.6 - 0.8) / 0.1, 1 / 0.1])
    np.testing.assert_allclose(
        classifier.predict_proba(["near x", "y"])[:, 1], 1 / (1 + np.exp(-logits))
    )
    assert classifier.predict(["near x", "y"]).tolist() == [0, 1]


def test_a_label_s_vector_is_the_mean_of_its_sentences_at_length_one():
    classifier = ZeroShotClassifier(PLANTED, descriptions={"a": ["x", "y"], "b": "-x"}).fit()
    # "x" is twice as long as "y" and counts no more.
    np.testing.assert_allclose(classifier.class_vectors_, [[0.5**0.5, 0.5**0.5], [-1, 0]])


def test_templates_are_filled_and_averaged():
    planted = Planted({"about x": [1, 0], "of x": [0, 1], "about y": [-1, 0], "of y": [-1, 0]})
    classifier = ZeroShotClassifier(
        planted, descriptions=["x", "y"], template=["about {}", "of {}"]
    )
    np.testing.assert_allclose(classifier.fit().class_vectors_, [[0.5**0.5, 0.5**0.5], [-1, 0]])


def test_temperature_changes_how_sure_it_is_and_not_what_it_says(topics):
    texts, _ = topics
    cold, warm = (
        ZeroShotClassifier(descriptions=SENTENCES, temperature=temperature).fit()
        for temperature in (0.01, 1.0)
    )
    assert np.array_equal(cold.predict(texts), warm.predict(texts))
    assert (cold.predict_proba(texts).max(axis=1) > warm.predict_proba(texts).max(axis=1)).all()


def test_labels_are_their_own_descriptions():
    named = ZeroShotClassifier(
        Planted({"near x": [1, 0], "y": [0, 1]}), descriptions=["near_x", "y"]
    )
    assert named.fit().classes_.tolist() == ["near_x", "y"]
    from_y = clone(named).set_params(descriptions=None).fit(["near x"] * 3, ["y", "near_x", "y"])
    np.testing.assert_array_equal(from_y.class_vectors_, named.class_vectors_)


def test_an_encoder_that_learns_is_given_the_texts_too():
    classifier = ZeroShotClassifier(PLANTED, descriptions={"a": "x", "b": "y"})
    assert classifier.fit().encoder_.seen_ == ["x", "y"]
    assert classifier.fit(["xy", "zero"]).encoder_.seen_ == ["xy", "zero", "x", "y"]
    assert not hasattr(PLANTED, "seen_")  # a copy was fitted


def test_sparse_vectors_give_what_dense_ones_give(topics):
    texts, _ = topics
    sparse = ZeroShotClassifier(TfidfVectorizer(), descriptions=SENTENCES).fit(texts)
    dense = ZeroShotClassifier(
        make_pipeline(
            TfidfVectorizer(), FunctionTransformer(lambda X: X.toarray(), accept_sparse=True)
        ),
        descriptions=SENTENCES,
    ).fit(texts)
    np.testing.assert_allclose(
        sparse.decision_function(texts), dense.decision_function(texts), atol=1e-12
    )


def test_tensors_are_vectors_too(text_encoder):
    classifier = ZeroShotClassifier(
        EncoderVectorizer(text_encoder, output="torch"), descriptions=SENTENCES
    ).fit()
    assert classifier.predict(["the day of the week"]).tolist() == ["numbers and dates"]


def test_descriptions_beat_word_counts_on_real_topics(topics):
    texts, labels = topics
    ours = ZeroShotClassifier(descriptions=SENTENCES).fit().score(texts, labels)
    counts = ZeroShotClassifier(TfidfVectorizer(stop_words="english"), descriptions=SENTENCES)
    assert ours > 0.7
    assert ours > counts.fit(texts).score(texts, labels) + 0.1


@pytest.mark.data
def test_label_names_alone_beat_word_counts_on_sib200(data_root):
    lines = (data_root / "mteb/mteb/sib200/eng_Latn/test.jsonl").read_text().splitlines()
    rows = pd.DataFrame(map(json.loads, lines))
    classifier = ZeroShotClassifier(template="This text is about {}.")
    ours = classifier.fit(rows["text"], rows["category"]).score(rows["text"], rows["category"])
    counts = clone(classifier).set_params(encoder=TfidfVectorizer(stop_words="english"))
    theirs = counts.fit(rows["text"], rows["category"]).score(rows["text"], rows["category"])
    assert ours > 0.6
    assert ours > theirs + 0.3


def test_in_cross_validation_and_in_a_grid(topics):
    texts, labels = topics
    classifier = ZeroShotClassifier(descriptions=SENTENCES)
    assert cross_val_score(classifier, texts, labels, cv=3).mean() > 0.7
    templates = ["{}", "A Python module for this: {}"]
    search = GridSearchCV(
        classifier, {"template": templates}, cv=2, scoring="neg_log_loss", error_score="raise"
    ).fit(texts, labels)
    # The folds' figures, by hand.
    for template, found in zip(templates, search.cv_results_["mean_test_score"], strict=True):
        one = clone(classifier).set_params(template=template)
        expected = cross_val_score(one, texts, labels, cv=2, scoring="neg_log_loss")
        assert found == pytest.approx(expected.mean(), rel=1e-4)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] != pytest.approx(scores[1], rel=1e-3)
    assert search.best_params_["template"] == templates[np.argmax(scores)]


def test_calibration_learns_the_temperature_from_labels(topics):
    texts, labels = topics
    unsure = ZeroShotClassifier(descriptions=SENTENCES, temperature=1.0).fit()
    calibrated = CalibratedClassifierCV(FrozenEstimator(unsure), method="temperature")
    calibrated.fit(texts[::2], labels[::2])
    before, after = (
        log_loss(labels[1::2], model.predict_proba(texts[1::2]), labels=unsure.classes_)
        for model in (unsure, calibrated)
    )
    assert after < before - 0.2
    assert np.array_equal(calibrated.predict(texts), unsure.predict(texts))


def test_parameters_clone_and_tags():
    parameters = {
        "encoder": PLANTED,
        "descriptions": {"a": "x"},
        "template": 3,
        "temperature": "?",
    }
    classifier = clone(ZeroShotClassifier(**parameters))
    assert classifier.get_params(deep=False)["temperature"] == "?"
    assert classifier.descriptions == {"a": "x"}
    tags = get_tags(classifier)
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert not tags.target_tags.required
    assert tags.estimator_type == "classifier"


def test_a_pickle_gives_the_same(topics):
    texts, _ = topics
    classifier = ZeroShotClassifier(descriptions=SENTENCES).fit()
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_allclose(
        again.predict_proba(texts[:5]), classifier.predict_proba(texts[:5]), rtol=1e-5
    )


def test_not_fitted():
    for method in ("predict", "predict_proba", "decision_function"):
        with pytest.raises(NotFittedError):
            getattr(ZeroShotClassifier(descriptions=SENTENCES), method)(["a"])


def test_fit_forgets_what_it_knew():
    classifier = ZeroShotClassifier(PLANTED, descriptions={"a": "x", "b": "y"}).fit()
    classifier.set_params(descriptions={"c": "-x", "d": "y", "e": "x"}).fit()
    assert classifier.classes_.tolist() == ["c", "d", "e"]
    assert classifier.class_vectors_.shape == (3, 2)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "descriptions is None and there is no y"),
        ({"descriptions": "sport"}, "must map labels to sentences, or list labels; got 'sport'"),
        ({"descriptions": 3}, "must map labels to sentences"),
        ({"descriptions": {"a": "x"}}, "Two labels or more are needed"),
        ({"descriptions": {}}, "Two labels or more are needed"),
        (
            {"descriptions": {"a": "x", "b": ""}},
            r"descriptions\['b'\] must be a sentence or several",
        ),
        ({"descriptions": {"a": "x", "b": []}}, r"descriptions\['b'\]"),
        ({"descriptions": {"a": "x", "b": ["y", 3]}}, r"descriptions\['b'\]"),
        ({"descriptions": {"a": "x", "b": None}}, r"descriptions\['b'\]"),
        ({"descriptions": {"a": "x", 2: "y"}}, "must all be of one kind"),
        ({"descriptions": {("a", "b"): "x", ("c", "d"): "y"}}, "the label .'a', 'b'.; a str or"),
        ({"descriptions": {None: "x", "b": "y"}}, "the label None; a str or a number"),
        ({"descriptions": ["a", float("nan")]}, "the label nan; a str or a number"),
        ({"template": "about"}, "template must hold {} where a description goes; got 'about'"),
        ({"template": []}, "template must be a str or several"),
        ({"template": ["{}", 3]}, "template must hold {}"),
        ({"temperature": 0}, "temperature must be above 0; got 0"),
        ({"temperature": float("nan")}, "temperature must be a finite number"),
        ({"temperature": "warm"}, "temperature must be a finite number; got 'warm'"),
        ({"encoder": "all-MiniLM-L6-v2"}, "encoder must be a transformer"),
        ({"encoder": EncoderVectorizer}, "encoder must be a transformer"),
    ],
)
def test_bad_parameters_are_refused_by_fit(parameters, message):
    sound = {"descriptions": {"a": "x", "b": "y"}} if parameters else {}
    classifier = ZeroShotClassifier(**sound | parameters)
    with pytest.raises(ParameterError, match=message):
        classifier.fit()


def test_labels_without_a_description_are_refused():
    classifier = ZeroShotClassifier(PLANTED, descriptions={"a": "x", "b": "y"})
    with pytest.raises(ParameterError, match=r"y holds 1 labels without a description \('c'\)"):
        classifier.fit(["x", "y", "xy"], ["a", "b", "c"])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a", "b"], "inconsistent numbers of samples"),
        (["a", float("nan"), "b"], "Row 1 of y is missing"),
        (["a", None, "b"], "Row 1 of y is missing"),
        (pd.Series(["a", "b", None], dtype="string"), "Row 2 of y is missing"),
        ([0.1, 0.5, 0.7], "Unknown label type: continuous"),
        ([("a", "b")] * 3, "y should be a 1d array"),
    ],
)
def test_what_are_no_labels_is_refused(y, message):
    for descriptions in ({"a": "x", "b": "y"}, None):
        classifier = ZeroShotClassifier(PLANTED, descriptions=descriptions)
        with pytest.raises(ValueError, match=message):
            classifier.fit(["x", "y", "xy"], y)


def test_labels_are_counted_only_where_there_are_texts():
    classifier = ZeroShotClassifier(PLANTED, descriptions={"a": "x", "b": "y"})
    assert classifier.fit(None, ["a", "b", "a"]).classes_.tolist() == ["a", "b"]
    assert classifier.fit(iter(["x", "y"]), ["a", "b"]).encoder_.seen_[:2] == ["x", "y"]


def test_a_temperature_set_later_counts_from_the_next_fit():
    classifier = ZeroShotClassifier(PLANTED, descriptions={"a": "x", "b": "y"}).fit()
    before = classifier.predict_proba(["near x"])
    np.testing.assert_array_equal(
        classifier.set_params(temperature=0).predict_proba(["near x"]), before
    )


def test_what_is_no_text_is_refused():
    classifier = ZeroShotClassifier(descriptions=SENTENCES)
    with pytest.raises(TextInputError, match="string object received"):
        classifier.fit("one text")
    with pytest.raises(TextInputError, match="string object received"):
        classifier.fit().predict("one text")
    with pytest.raises(TextInputError, match="Row 1 of X is missing"):
        classifier.predict(["a", None])


def test_vectors_that_are_no_numbers_are_refused():
    planted = Planted({"x": [np.nan, 0], "y": [0, 1]})
    with pytest.raises(ParameterError, match="finite numbers"):
        ZeroShotClassifier(planted, descriptions=["x", "y"]).fit()


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_vectors_of_half_precision_are_vectors_too(kind):
    class Half(Planted):
        def transform(self, X):
            whole = super().transform(X)
            if kind == "float16":
                return whole.astype(np.float16)
            return torch.tensor(whole, dtype=torch.bfloat16, requires_grad=True)

    half, whole = (
        ZeroShotClassifier(encoder, descriptions={"a": ["x", "xy"], "b": "y"}).fit()
        for encoder in (Half(PLANTED.vectors), PLANTED)
    )
    np.testing.assert_allclose(
        half.decision_function(["near x"]), whole.decision_function(["near x"]), rtol=1e-5
    )
