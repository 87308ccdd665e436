"""Classifiers of scikit-learn on sentence vectors: real topics, no module on both sides."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, f1_score, log_loss
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer, StandardScaler
from sklearn.svm import LinearSVC

from benchmarks.classification import expected_calibration_error
from skencoder import EmbeddingCache, EncoderVectorizer

TOPICS = ["concurrency", "email", "numbers and dates", "testing and debugging"]


def kind_of(name, module):
    """What a text documents: a module, a class, or a function."""
    if name == module:
        return "module"
    return "class" if name.rpartition(".")[2][:1].isupper() else "function"


@pytest.fixture(scope="module")
def table(docs):
    """70 short texts of each of four topics, and what is known of them besides."""
    frame = pd.DataFrame(
        {
            "text": docs.data,
            "topic": docs.target_names[docs.target],
            "module": docs.modules,
            "kind": [kind_of(*row) for row in zip(docs.names, docs.modules, strict=True)],
            "depth": [name.count(".") for name in docs.names],
            "n_lines": [text.count("\n") + 1 for text in docs.data],
        }
    )
    short = frame["text"].str.split().str.len() < 30
    chosen = frame[short & frame["topic"].isin(TOPICS)].sample(frac=1, random_state=0)
    return chosen.groupby("topic").head(70)


@pytest.fixture(scope="module")
def split(table):
    folds = StratifiedGroupKFold(2, shuffle=True, random_state=0)
    train, test = next(folds.split(table, table["topic"], table["module"]))
    return SimpleNamespace(train=table.iloc[train], test=table.iloc[test])


@pytest.fixture(scope="module")
def accuracy_of_word_counts(split):
    pipeline = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10))
    pipeline.fit(split.train["text"], split.train["topic"])
    return pipeline.score(split.test["text"], split.test["topic"])


@pytest.mark.parametrize(
    ("classifier", "gain"),
    [
        (LogisticRegression(C=10), 0.1),
        (LinearSVC(), 0.1),
        (KNeighborsClassifier(5, metric="cosine", weights="distance"), 0.1),
        (HistGradientBoostingClassifier(max_iter=30, random_state=0), -0.05),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_classifier_is_the_last_step(split, accuracy_of_word_counts, classifier, gain):
    pipeline = make_pipeline(EncoderVectorizer(), classifier)
    pipeline.fit(split.train["text"], split.train["topic"])
    accuracy = pipeline.score(split.test["text"], split.test["topic"])
    assert accuracy > accuracy_of_word_counts + gain


def test_another_classifier_encodes_nothing_again(split):
    def fit(classifier):
        make_pipeline(EncoderVectorizer(), classifier).fit(
            split.train["text"], split.train["topic"]
        )
        return EmbeddingCache().stats().texts_encoded

    assert fit(LogisticRegression()) == fit(LinearSVC())


def test_eight_texts_per_label_are_enough_to_beat_word_counts(split):
    scores = {"encoder": [], "counts": []}
    for seed in range(5):
        few = split.train.sample(frac=1, random_state=seed).groupby("topic").head(8)
        for name, vectorizer in {
            "encoder": EncoderVectorizer(),
            "counts": TfidfVectorizer(sublinear_tf=True),
        }.items():
            pipeline = make_pipeline(vectorizer, LogisticRegression(C=10))
            pipeline.fit(few["text"], few["topic"])
            scores[name].append(pipeline.score(split.test["text"], split.test["topic"]))
    assert np.mean(scores["encoder"]) > np.mean(scores["counts"]) + 0.1


def test_several_labels_per_text(split):
    binarizer = MultiLabelBinarizer()
    Y = binarizer.fit_transform(split.train[["topic", "kind"]].to_numpy())
    Y_test = binarizer.transform(split.test[["topic", "kind"]].to_numpy())
    scores = {}
    for name, vectorizer in {
        "encoder": EncoderVectorizer(),
        "counts": TfidfVectorizer(sublinear_tf=True),
    }.items():
        classifier = OneVsRestClassifier(LogisticRegression(C=10, class_weight="balanced"))
        pipeline = make_pipeline(vectorizer, classifier).fit(split.train["text"], Y)
        predicted = pipeline.predict(split.test["text"])
        assert predicted.shape == Y_test.shape
        assert pipeline.predict_proba(split.test["text"]).shape == Y_test.shape
        scores[name] = f1_score(Y_test, predicted, average="micro")
    assert scores["encoder"] > scores["counts"]


def test_several_questions_per_text(split):
    pipeline = make_pipeline(
        EncoderVectorizer(), MultiOutputClassifier(LogisticRegression(C=10))
    ).fit(split.train["text"], split.train[["topic", "kind"]])
    topic, kind = pipeline.predict(split.test["text"]).T
    assert (topic == split.test["topic"]).mean() > 0.6
    assert (kind == split.test["kind"]).mean() > split.test["kind"].value_counts(
        normalize=True
    ).max()


@pytest.mark.parametrize("method", ["temperature", "sigmoid"])
def test_calibrated_probabilities_are_better(split, method):
    plain = make_pipeline(EncoderVectorizer(), LogisticRegression())
    calibrated = CalibratedClassifierCV(plain, method=method)
    measured = []
    for classifier in (plain, calibrated):
        # As an array: of labels, the temperature's fit takes what is called 0, not the first.
        classifier.fit(split.train["text"], split.train["topic"].to_numpy())
        p = classifier.predict_proba(split.test["text"])
        measured.append(
            [
                log_loss(split.test["topic"], p, labels=classifier.classes_),
                brier_score_loss(split.test["topic"], p, labels=classifier.classes_),
                expected_calibration_error(split.test["topic"].to_numpy(), classifier.classes_, p),
            ]
        )
    before, after = measured
    assert (np.array(after) < before).all()


def test_a_table_of_text_and_numbers_is_better_than_either(split):
    target = split.train["kind"]
    columns = {
        "text": make_column_transformer((EncoderVectorizer(), "text")),
        "numbers": make_column_transformer((StandardScaler(), ["depth", "n_lines"])),
        "both": make_column_transformer(
            (EncoderVectorizer(), "text"), (StandardScaler(), ["depth", "n_lines"])
        ),
    }
    accuracy = {}
    for name, transformer in columns.items():
        pipeline = make_pipeline(transformer, LogisticRegression(C=10, max_iter=1000))
        pipeline.fit(split.train, target)
        accuracy[name] = pipeline.score(split.test, split.test["kind"])
    assert accuracy["both"] > accuracy["text"]
    assert accuracy["both"] > accuracy["numbers"]
