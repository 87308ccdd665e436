"""EncoderClassifier: what it learns, begins with, goes on with and refuses."""

import gc
import io
import math
import pickle
import re
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.utils.class_weight import compute_sample_weight

from benchmarks.classification import load_splits
from skencoder import EmbeddingCache, EncoderClassifier, EncoderVectorizer, TextEncoder
from skencoder.errors import (
    CheckpointError,
    OverlongTextError,
    ParameterError,
    SkencoderError,
    TextInputError,
    TrainingError,
)
from skencoder.objectives import Training
from skencoder.training.heads import STRENGTH
from tests.estimators.small_models import WORDS, plant, quick, small_config, write_small_model

TEXTS, TOPICS = plant(24)
UNSEEN, UNSEEN_TOPICS = plant(30, seed=1)
TOGETHER = np.stack([TOPICS == "sea", TOPICS != "farm"], axis=1).astype(int)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_small_model(tmp_path_factory.mktemp("small") / "model")


@pytest.fixture
def make(model):
    """An unfitted classifier around the small model."""

    def make(training=None, **parameters):
        settings = {"model": model, "precision": "float32", "random_state": 0} | parameters
        return EncoderClassifier(training=training or quick(), **settings)

    return make


@pytest.fixture(scope="module")
def fitted(model):
    classifier = EncoderClassifier(model, training=quick(), random_state=0, precision="float32")
    return classifier.fit(TEXTS, TOPICS)


def same(one, other, atol=1e-6):
    np.testing.assert_allclose(
        one.predict_proba(UNSEEN), other.predict_proba(UNSEEN), atol=atol, rtol=0
    )


def differ(one, other):
    return np.abs(one.predict_proba(UNSEEN) - other.predict_proba(UNSEEN)).max()


def test_what_was_learned_holds_for_other_texts(make):
    classifier = make(quick(max_steps=30, epochs=10)).fit(TEXTS, TOPICS)
    untrained = make(quick(max_steps=0)).fit(TEXTS, TOPICS)
    assert classifier.score(UNSEEN, UNSEEN_TOPICS) > 0.95
    assert classifier.history_.loss.iloc[-5:].mean() < classifier.history_.loss.iloc[:5].mean() / 2
    assert len(classifier.history_) == 30
    # The model itself has learned, not the head alone.
    assert classifier.encoder_.model_fingerprint_ != untrained.encoder_.model_fingerprint_


@pytest.mark.parametrize("names", [["sea", "farm", "city"], ["sea", "land", "land"]])
def test_without_a_step_it_is_logistic_regression_on_vectors(make, model, names):
    renamed = dict(zip(["sea", "farm", "city"], names, strict=True))
    topics = np.array([renamed[topic] for topic in TOPICS])
    classifier = make(quick(max_steps=0), class_weight={"sea": 3.0}).fit(TEXTS, topics)
    vectors = EncoderVectorizer(model, normalize=True, precision="float32").fit(TEXTS)
    regression = LogisticRegression(C=STRENGTH, class_weight={"sea": 3.0}, tol=1e-8)
    regression.fit(vectors.transform(TEXTS), topics)
    found = classifier.predict_proba(UNSEEN)
    expected = regression.predict_proba(vectors.transform(UNSEEN))
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert classifier.history_.empty


def test_a_fold_may_lack_a_class_that_has_a_weight(make):
    weights = {"sea": 2.0, "farm": 1.0, "city": 3.0}
    rows = np.flatnonzero(TOPICS != "city")
    texts = [TEXTS[row] for row in rows]
    found = make(class_weight=weights).fit(texts, TOPICS[rows])
    same(found, make(class_weight={"sea": 2.0}).fit(texts, TOPICS[rows]), atol=0)


def test_several_labels_begin_as_a_regression_each(make, model):
    classifier = make(quick(max_steps=0)).fit(TEXTS, TOGETHER)
    vectors = EncoderVectorizer(model, normalize=True, precision="float32").fit(TEXTS)
    each = OneVsRestClassifier(LogisticRegression(C=STRENGTH, tol=1e-8))
    each.fit(vectors.transform(TEXTS), TOGETHER)
    expected = each.predict_proba(vectors.transform(UNSEEN))
    np.testing.assert_allclose(classifier.predict_proba(UNSEEN), expected, atol=2e-3)


@pytest.mark.parametrize("kind", ["three", "two", "several"])
def test_answers_agree_with_each_other(make, kind):
    y = {"three": TOPICS, "two": TOPICS == "sea", "several": TOGETHER}[kind]
    classifier = make().fit(TEXTS, y)
    logits, shares = classifier.decision_function(UNSEEN), classifier.predict_proba(UNSEEN)
    predicted = classifier.predict(UNSEEN)
    assert logits.dtype == shares.dtype == np.float64
    assert shares.shape == (30, len(classifier.classes_))
    if kind == "several":
        np.testing.assert_allclose(shares, 1 / (1 + np.exp(-logits)))
        np.testing.assert_array_equal(predicted, shares > 0.5)
        np.testing.assert_array_equal(classifier.classes_, [0, 1])
        return
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_array_equal(predicted, classifier.classes_[shares.argmax(axis=1)])
    if kind == "two":
        np.testing.assert_allclose(shares[:, 1], 1 / (1 + np.exp(-logits)))
        assert predicted.dtype == bool
    else:
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        np.testing.assert_allclose(shares, shifted / shifted.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("container", [list, pd.Series, csr_array, pd.DataFrame])
def test_kinds_of_y(make, container):
    if container in (csr_array, pd.DataFrame):
        same(make().fit(TEXTS, container(TOGETHER)), make().fit(TEXTS, TOGETHER), atol=0)
    else:
        same(make().fit(TEXTS, container(TOPICS)), make().fit(TEXTS, TOPICS), atol=0)


def test_the_same_seed_gives_the_same_weights(make, fitted):
    again = make().fit(TEXTS, TOPICS)
    assert again.encoder_.model_fingerprint_ == fitted.encoder_.model_fingerprint_
    np.testing.assert_array_equal(again.coef_, fitted.coef_)
    assert differ(make(random_state=1).fit(TEXTS, TOPICS), fitted) > 1e-4


def test_balanced_classes_are_weights_of_texts(make):
    y = np.where(np.arange(24) < 5, "few", "many")
    balanced = make(class_weight="balanced").fit(TEXTS, y)
    by_hand = make().fit(TEXTS, y, sample_weight=compute_sample_weight("balanced", y))
    same(balanced, by_hand)
    assert differ(balanced, make().fit(TEXTS, y)) > 1e-3


def test_balanced_labels_outweigh_the_many_that_lack_them(make):
    y = np.stack([np.arange(24) < 3, TOPICS == "sea"], axis=1).astype(int)
    rare = [
        make(class_weight=weight).fit(TEXTS, y).predict_proba(UNSEEN)[:, 0].mean()
        for weight in ("balanced", None)
    ]
    assert rare[0] > rare[1] + 0.1


def test_weights_count_by_their_proportions(make, fitted):
    same(make().fit(TEXTS, TOPICS, sample_weight=np.full(24, 1e-6)), fitted)
    weights = np.where(TOPICS == "sea", 5.0, 1.0)
    assert differ(make().fit(TEXTS, TOPICS, sample_weight=weights), fitted) > 1e-3


def test_texts_that_weigh_nothing_are_not_there(make):
    weights = np.where(np.arange(24) % 3, 1.0, 0.0)
    kept = np.flatnonzero(weights)
    weighed = make().fit(TEXTS, TOPICS, sample_weight=weights)
    same(weighed, make().fit([TEXTS[row] for row in kept], TOPICS[kept]), atol=0)


def test_label_smoothing_makes_it_less_sure(make):
    training = quick(max_steps=0)
    smooth = make(training, label_smoothing=0.3).fit(TEXTS, TOPICS)
    plain = make(training).fit(TEXTS, TOPICS)
    assert smooth.predict_proba(TEXTS).max(axis=1).mean() < 0.9 * (
        plain.predict_proba(TEXTS).max(axis=1).mean()
    )


def test_warm_start_goes_on(make, fitted):
    classifier = make(warm_start=True).fit(TEXTS, TOPICS)
    same(classifier, fitted, atol=0)
    classifier.set_params(training=quick(max_steps=0)).fit(TEXTS, TOPICS)
    # Nothing was trained, and a new head would be another.
    same(classifier, fitted)
    classifier.set_params(training=quick()).fit(TEXTS, TOPICS)
    assert classifier.history_.step.tolist() == [1, 2, 3, 4, 5, 6]
    assert classifier.history_[["epoch", "seconds"]].diff().iloc[1:].min().min() > 0
    assert differ(classifier, fitted) > 1e-3


def test_a_fit_without_warm_start_forgets(make, fitted):
    classifier = make().fit(UNSEEN, UNSEEN_TOPICS == "sea")
    same(classifier.fit(TEXTS, TOPICS), fitted, atol=0)
    assert len(classifier.history_) == 3


def test_partial_fit_is_one_pass_at_an_even_rate(make):
    once = {"schedule": "constant", "warmup": 0.0, "epochs": 1}
    whole = make(quick(**once)).fit(TEXTS, TOPICS)
    partial = make().partial_fit(TEXTS, TOPICS, classes=["farm", "sea", "city"])
    shown = ["step", "epoch", "learning_rate", "tokens"]
    pd.testing.assert_frame_equal(partial.history_[shown], whole.history_[shown])
    before = partial.predict_proba(UNSEEN)
    partial.partial_fit(UNSEEN[:8], UNSEEN_TOPICS[:8])
    assert partial.history_.step.tolist() == [1, 2, 3, 4]
    assert partial.history_.learning_rate.nunique() == 1
    assert np.abs(partial.predict_proba(UNSEEN) - before).max() > 1e-4


@pytest.mark.parametrize("max_steps", [1, None])
def test_partial_fit_leaves_no_text_out(make, max_steps):
    training = quick(max_steps=max_steps, batch_size=8)
    classifier = make(training).partial_fit(TEXTS, TOPICS, classes=np.unique(TOPICS))
    assert classifier.history_.epoch.tolist() == pytest.approx([1 / 3, 2 / 3, 1])


def test_partial_fit_learns_a_class_that_comes_later(make):
    rows = np.flatnonzero(TOPICS != "sea")
    classifier = make().partial_fit(
        [TEXTS[row] for row in rows], TOPICS[rows], classes=np.unique(TOPICS)
    )
    assert not (classifier.predict(UNSEEN) == "sea").any()
    assert classifier.partial_fit(TEXTS, TOPICS).score(UNSEEN, UNSEEN_TOPICS) > 0.95


def test_partial_fit_takes_one_text_of_one_class(make):
    classifier = make().partial_fit(TEXTS[:1], TOPICS[:1], classes=np.unique(TOPICS))
    assert classifier.predict(TEXTS[:1]) == TOPICS[:1]
    assert classifier.predict_proba(TEXTS).shape == (24, 3)
    # It has not ruled the other classes out.
    assert classifier.partial_fit(TEXTS, TOPICS).score(UNSEEN, UNSEEN_TOPICS) > 0.95


def test_held_out_rows_teach_nothing(make):
    """The head's first weights neither: labels that mean nothing are not known before."""
    labels = np.random.default_rng(0).permutation(np.resize(["heads", "tails"], 200))
    texts, _ = plant(200)
    held = quick(max_steps=1, learning_rate=1e-9, validation_share=0.5)
    loss = make(held, dropout=0.0).fit(texts, labels).history_.validation_loss.iloc[-1]
    assert loss > np.log(2)


@pytest.mark.parametrize(
    "changed", [{"pooling": "cls"}, {"prompt": "topic: "}, {"model": "all-MiniLM-L6-v2"}]
)
def test_going_on_with_another_model_or_reading_is_refused(make, changed):
    classifier = make(warm_start=True).fit(TEXTS, TOPICS).set_params(**changed)
    (name,) = changed
    with pytest.raises(ParameterError, match=f"{name}=.*set it back, or fit a clone"):
        classifier.fit(TEXTS, TOPICS)
    with pytest.raises(ParameterError, match=f"{name}=.*set it back, or fit a clone"):
        classifier.partial_fit(TEXTS, TOPICS)


def test_a_loaded_model_is_gone_on_with_after_a_pickle(make, model):
    loaded = TextEncoder.load(model, precision="float32", device="cpu")
    classifier = make(model=loaded).partial_fit(TEXTS, TOPICS, classes=np.unique(TOPICS))
    again = pickle.loads(pickle.dumps(classifier)).partial_fit(TEXTS, TOPICS)
    assert again.history_.step.max() == 6
    # One folder, written in two ways.
    classifier = make(model=str(model), warm_start=True).fit(TEXTS, TOPICS)
    assert classifier.set_params(model=Path(model)).fit(TEXTS, TOPICS).history_.step.max() == 6


def test_a_new_model_s_first_texts_may_be_few():
    classifier = EncoderClassifier(small_config(vocab_size=60), training=quick(), random_state=0)
    classifier.partial_fit(TEXTS[:1], TOPICS[:1], classes=np.unique(TOPICS))
    assert classifier.predict(TEXTS[:1]) == TOPICS[:1]


@pytest.mark.parametrize("share", ["0.1", float("nan"), 0.9])
def test_a_training_that_cannot_be_is_refused_before_anything_is_loaded(share):
    classifier = EncoderClassifier("/nowhere", training=quick(validation_share=share))
    with pytest.raises(ParameterError, match="validation_share"):
        classifier.fit(TEXTS, TOPICS)


def test_a_state_that_nothing_goes_on_from_is_refused(make, tmp_path):
    with pytest.raises(ParameterError, match="random_state=None draws another seed each time"):
        make(quick(folder=tmp_path), random_state=None).fit(TEXTS, TOPICS)
    assert not list(tmp_path.iterdir())


def test_other_dropout_is_another_training(make, tmp_path):
    kept = quick(folder=tmp_path)
    first = make(kept, dropout=0.1).fit(TEXTS, TOPICS)
    fresh = make(quick(), dropout=0.9).fit(TEXTS, TOPICS)
    assert differ(make(kept, dropout=0.9).fit(TEXTS, TOPICS), fresh) < 1e-6 < differ(first, fresh)


def test_partial_fit_of_several_labels(make):
    classifier = make().partial_fit(TEXTS, TOGETHER, classes=[0, 1])
    assert classifier.partial_fit(UNSEEN[:2], [[1, 0], [0, 1]]).predict(UNSEEN).shape == (30, 2)


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (None, "the target y is None"),
        (["sea"] * 24, "y has one class, 'sea'"),
        (TOPICS[:-1], "y has 23 rows, but X has 24 texts"),
        ([*TOPICS[:-1], None], "Row 23 of y is missing"),
        ([*([0, 1] * 11), 1.0, np.nan], "Row 23 of y is missing"),
        (np.linspace(0, 1, 24), "Unknown label type: continuous"),
        (np.stack([TOPICS, TOPICS], axis=1), "y has 2 columns of labels"),
        ([["sea"], ["sea", "farm"]] * 12, "MultiLabelBinarizer"),
        ("sea", "y is a str"),
    ],
)
def test_what_cannot_be_learned_is_refused(make, y, sentence):
    with pytest.raises((TrainingError, ValueError), match=sentence):
        make().fit(TEXTS, y)


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ([1.0] * 23, r"the shape \(23,\); one number for each of 24"),
        ([1.0] * 23 + [-1.0], "Row 23 of sample_weight is -1.0"),
        ([np.nan] + [1.0] * 23, "Row 0 of sample_weight is nan"),
        ([0.0] * 24, "All of sample_weight is 0"),
        (np.where(TOPICS == "sea", 1.0, 0.0), "y has one class, 'sea', where it counts"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(make, weights, sentence):
    with pytest.raises(TrainingError, match=sentence):
        make().fit(TEXTS, TOPICS, sample_weight=weights)


@pytest.mark.parametrize(
    ("parameters", "error", "sentence"),
    [
        ({"class_weight": "even"}, ParameterError, "class_weight must be None, 'balanced' or"),
        ({"class_weight": {"see": 2}}, ParameterError, r"names \['see'\], which y does not hold"),
        ({"class_weight": {"sea": -1}}, ParameterError, "must hold numbers of 0 or more"),
        ({"dropout": 2}, ParameterError, "dropout must be a number from 0 to 1"),
        ({"label_smoothing": None}, ParameterError, "label_smoothing must be a number from"),
        ({"training": {"epochs": 1}}, ParameterError, "training must be None or a Training"),
        ({"training": quick(batch_size=25)}, ParameterError, "batch_size=25, but there are 24"),
        ({"pooling": "most"}, ParameterError, "pooling must be"),
        ({"model": "./no-such-model"}, CheckpointError, "no-such-model"),
        ({"max_length": 3, "overflow": "error"}, OverlongTextError, "max_length is 3"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(make, parameters, error, sentence):
    with pytest.raises(error, match=sentence):
        make().set_params(**parameters).fit(TEXTS, TOPICS)


def test_texts_that_are_all_the_same_are_refused(make):
    with pytest.raises(TrainingError, match="two different texts among 4: 'a'"):
        make().fit(["a"] * 4, [0, 1, 0, 1])
    with pytest.raises(TextInputError, match="Row 1 of X is missing"):
        make().fit(["a", None], [0, 1])
    make(quick(batch_size=2), missing="empty").fit(["a", None], [0, 1])


def test_going_on_with_something_else_is_refused(make):
    classifier = make(warm_start=True).fit(TEXTS, TOPICS)
    before = classifier.predict_proba(UNSEEN)
    for y, sentence in [
        (np.where(TOPICS == "sea", "air", TOPICS), "not among the 3 known classes: 'air'"),
        (TOGETHER, "several labels per text; before, it had one"),
    ]:
        with pytest.raises(TrainingError, match=sentence):
            classifier.fit(TEXTS, y)
    with pytest.raises(ParameterError, match=r"pooling='mean\+cls', but .* pooling='auto'"):
        classifier.set_params(pooling="mean+cls").fit(TEXTS, TOPICS)
    # After an error it is what it was.
    np.testing.assert_array_equal(classifier.predict_proba(UNSEEN), before)


def test_partial_fit_refuses_what_it_cannot_know(make):
    with pytest.raises(ParameterError, match="classes must be passed on the first call"):
        make().partial_fit(TEXTS, TOPICS)
    with pytest.raises(ParameterError, match="has to see all labels"):
        make(class_weight="balanced").partial_fit(TEXTS, TOPICS, classes=np.unique(TOPICS))
    with pytest.raises(TrainingError, match="not among the 2 known classes: 'sea'"):
        make().partial_fit(TEXTS, TOPICS, classes=["city", "farm"])
    classifier = make().partial_fit(TEXTS, TOPICS, classes=np.unique(TOPICS))
    with pytest.raises(ParameterError, match="not the same as on last call"):
        classifier.partial_fit(TEXTS, TOPICS, classes=["city", "farm"])


def test_every_refusal_is_one_of_ours():
    assert issubclass(TrainingError, SkencoderError)
    assert issubclass(TrainingError, ValueError)


def test_texts_are_encoded_once(make, tmp_path):
    cache = EmbeddingCache(tmp_path)
    classifier = make(cache=cache).fit(TEXTS, TOPICS)
    first = classifier.predict_proba(UNSEEN)
    encoded = cache.stats().texts_encoded
    np.testing.assert_array_equal(classifier.predict_proba(UNSEEN), first)
    assert cache.stats().texts_encoded == encoded
    # Another fit begins with the same vectors of the model as it is.
    make(cache=cache, random_state=1).fit(TEXTS, TOPICS)
    assert cache.stats().texts_encoded == encoded


def test_it_is_whole_after_a_pickle_when_the_first_is_gone(make):
    classifier = make().fit(TEXTS, TOPICS)
    expected, file = classifier.predict_proba(UNSEEN), io.BytesIO()
    joblib.dump(classifier, file)
    del classifier
    gc.collect()
    file.seek(0)
    loaded = joblib.load(file)
    np.testing.assert_allclose(loaded.predict_proba(UNSEEN), expected, atol=1e-6)
    assert loaded.set_params(warm_start=True).fit(TEXTS, TOPICS).history_.step.max() == 6


def test_adapters_are_trained_on(make):
    classifier = make(quick(lora_rank=2), warm_start=True).fit(TEXTS, TOPICS)
    once = len(pickle.dumps(classifier))
    classifier.fit(TEXTS, TOPICS).partial_fit(TEXTS, TOPICS)
    expected, content = classifier.predict_proba(UNSEEN), pickle.dumps(classifier)
    # Of each training what was added, and not the model.
    assert len(content) - once < 10_000
    assert len(content) < len(pickle.dumps(make().fit(TEXTS, TOPICS))) / 2
    del classifier
    gc.collect()
    loaded = pickle.loads(content)
    np.testing.assert_allclose(loaded.predict_proba(UNSEEN), expected, atol=1e-6)
    assert len(pickle.dumps(loaded.partial_fit(TEXTS, TOPICS))) - len(content) < 10_000


def test_scikit_learn_s_way_with_parameters(make):
    classifier = EncoderClassifier()
    assert classifier.set_params(training__learning_rate=1e-4).training.learning_rate == 1e-4
    copy = clone(make(class_weight={"sea": 2}))
    assert copy.get_params()["training__max_steps"] == 3
    assert not hasattr(copy.fit(TEXTS, TOPICS), "n_features_in_")
    assert not hasattr(clone(copy), "classes_")
    assert copy.encoder_.model == copy.model


def test_nothing_that_was_given_is_changed(make, model):
    files = [file for file in model.rglob("*") if file.is_file()]
    before = [file.read_bytes() for file in files]
    y, training = TOPICS.copy(), quick()
    make(training).partial_fit(TEXTS, y, classes=np.unique(y)).fit(TEXTS, y)
    assert [file.read_bytes() for file in files] == before
    np.testing.assert_array_equal(y, TOPICS)
    assert training.get_params() == quick().get_params()


def test_a_training_that_was_kept_is_finished_at_once(make, tmp_path):
    training = quick(folder=tmp_path / "state")
    first, again = (make(training).fit(TEXTS, TOPICS) for _ in range(2))
    same(again, first, atol=0)
    pd.testing.assert_frame_equal(again.history_, first.history_)
    other = make(training).fit(TEXTS, TOPICS[::-1])
    assert not np.allclose(other.coef_, first.coef_)


def test_folds_keep_states_of_their_own(make, tmp_path):
    """As does a second fit that goes on; the same again takes no step."""
    training = quick(folder=tmp_path / "state")
    once, again = (
        cross_val_score(make(training), TEXTS, TOPICS, cv=2, error_score="raise") for _ in range(2)
    )
    np.testing.assert_array_equal(again, once)
    make(training, warm_start=True).fit(TEXTS, TOPICS).fit(TEXTS, TOPICS)
    assert len(list((tmp_path / "state").iterdir())) == 4


def test_from_scratch(make):
    classifier = make(quick(max_steps=20), model=small_config()).fit(TEXTS, TOPICS)
    assert classifier.score(UNSEEN, UNSEEN_TOPICS) > 0.9


def test_nothing_is_printed_unless_asked_for(make, capsys):
    make().fit(TEXTS, TOPICS).predict(UNSEEN)
    assert capsys.readouterr() == ("", "")
    make(verbose=1).fit(TEXTS, TOPICS)
    assert "loss" in capsys.readouterr().err


@pytest.mark.slow
def test_grid_search_in_two_processes(make):
    search = GridSearchCV(
        make(), {"training__learning_rate": [1e-5, 1e-2]}, cv=2, n_jobs=2, error_score="raise"
    )
    alone = clone(search).set_params(n_jobs=None)
    scores = [s.fit(TEXTS, TOPICS).cv_results_["mean_test_score"] for s in (search, alone)]
    np.testing.assert_array_equal(*scores)
    assert search.predict(UNSEEN).shape == (30,)


@pytest.mark.slow
@pytest.mark.data
def test_a_few_labels_of_real_texts(data_root):
    train, test = load_splits(data_root / "mteb", "SIB-200, English")
    order = np.random.default_rng(0).permutation(len(train.texts))
    rows = np.concatenate(
        [order[train.labels[order] == label][:8] for label in np.unique(train.labels)]
    )
    scores = {}
    for steps in (0, None):
        training = Training(max_steps=steps, precision="float32")
        classifier = EncoderClassifier(training=training, random_state=0, overflow="truncate")
        classifier.fit(train.texts[rows], train.labels[rows])
        scores[steps] = classifier.score(test.texts, test.labels)
    assert scores[None] > scores[0] + 0.02


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_what_is_not_finite_names_rows_as_they_came(make, monkeypatch, method):
    """Rows of weight 0 are left out, but count."""
    monkeypatch.setattr("skencoder.training.loop.clip_gradient", lambda *given: math.nan)
    weights = np.array([0.0, 1.0] * 12)
    given = {"classes": [*WORDS]} if method == "partial_fit" else {}
    with pytest.raises(TrainingError, match="gradient has length nan, on rows") as error:
        getattr(make(), method)(TEXTS, TOPICS, sample_weight=weights, **given)
    rows = re.search(r"on rows ([\d, ]+)", str(error.value))[1].strip(", ").split(", ")
    assert len(rows) > 1
    assert all(int(row) % 2 for row in rows)
