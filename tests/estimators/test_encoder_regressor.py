"""EncoderRegressor: what it learns, begins with, goes on with and refuses; units are kept."""

import gc
import io
import math
import re

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge

from skencoder import EncoderRegressor, EncoderVectorizer
from skencoder.errors import ParameterError, TrainingError
from skencoder.estimators.units import Units
from skencoder.training.heads import STRENGTH
from tests.estimators.small_models import plant, quick, small_config, write_small_model

TEXTS, TOPICS = plant(24)
UNSEEN, UNSEEN_TOPICS = plant(30, seed=1)


def price(topics, seed=0):
    """An amount that the topic decides, in a unit of its own."""
    noise = np.random.default_rng(seed).normal(size=len(topics))
    return 1000 + 50 * (topics == "sea") - 80 * (topics == "farm") + noise


PRICES, UNSEEN_PRICES = price(TOPICS), price(UNSEEN_TOPICS, seed=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_small_model(tmp_path_factory.mktemp("small") / "model")


@pytest.fixture
def make(model):
    """An unfitted regressor around the small model."""

    def make(training=None, **parameters):
        settings = {"model": model, "precision": "float32", "random_state": 0} | parameters
        return EncoderRegressor(training=training or quick(), **settings)

    return make


@pytest.fixture(scope="module")
def fitted(model):
    regressor = EncoderRegressor(model, training=quick(), random_state=0, precision="float32")
    return regressor.fit(TEXTS, PRICES)


def same(one, other, rtol=1e-6):
    np.testing.assert_allclose(one.predict(UNSEEN), other.predict(UNSEEN), rtol=rtol, atol=0)


def test_what_was_learned_holds_for_other_texts(make):
    regressor = make(quick(max_steps=60, epochs=20)).fit(TEXTS, PRICES)
    untrained = make(quick(max_steps=0)).fit(TEXTS, PRICES)
    assert regressor.score(UNSEEN, UNSEEN_PRICES) > 0.95
    assert regressor.score(UNSEEN, UNSEEN_PRICES) > untrained.score(UNSEEN, UNSEEN_PRICES)
    assert regressor.encoder_.model_fingerprint_ != untrained.encoder_.model_fingerprint_


def test_without_a_step_it_is_ridge_regression_on_vectors(make, model):
    y = np.stack([PRICES, np.arange(24) / 1e6], axis=1)
    weights = np.where(TOPICS == "sea", 3.0, 1.0)
    regressor = make(quick(max_steps=0)).fit(TEXTS, y, sample_weight=weights)
    vectors = EncoderVectorizer(model, normalize=True, precision="float32").fit(TEXTS)
    units = Units.of(y, weights)
    ridge = Ridge(alpha=1 / STRENGTH, solver="cholesky")
    ridge.fit(vectors.transform(TEXTS), units.standardise(y), weights / weights.mean())
    expected = units.mean + units.scale * ridge.predict(vectors.transform(UNSEEN))
    error = np.abs(regressor.predict(UNSEEN) - expected) / units.scale
    assert error.max() < 5e-3


def test_units_do_not_matter(make, fitted):
    other = make().fit(TEXTS, PRICES * 1e-9 - 5)
    np.testing.assert_allclose(
        (other.predict(UNSEEN) + 5) * 1e9, fitted.predict(UNSEEN), rtol=1e-4
    )


def test_weighted_mean_and_deviation():
    y, weights = np.array([[1.0, 7.0], [3.0, 7.0], [9.0, 7.0]]), np.array([1.0, 1.0, 2.0])
    units = Units.of(y, weights)
    np.testing.assert_allclose(units.mean, [5.5, 7])
    # sqrt((4.5^2 + 2.5^2 + 2 * 3.5^2) / 4), and a target that never changes has no deviation.
    np.testing.assert_allclose(units.scale, [np.sqrt(12.75), 1])
    coef, intercept = units.give(*units.strip(np.array([[2.0], [3.0]]), np.array([4.0, 5.0])))
    np.testing.assert_allclose(coef, [[2], [3]])
    np.testing.assert_allclose(intercept, [4, 5])


@pytest.mark.parametrize("container", [list, pd.Series])
def test_one_target_or_several(make, fitted, container):
    one = make().fit(TEXTS, container(PRICES))
    same(one, fitted, rtol=0)
    assert one.predict(UNSEEN).shape == (30,)
    several = make().fit(TEXTS, np.stack([PRICES, -PRICES], axis=1)).predict(UNSEEN)
    assert several.shape == (30, 2)
    np.testing.assert_allclose(several[:, 0], -several[:, 1], rtol=0.05)
    assert make().fit(TEXTS, PRICES[:, None]).predict(UNSEEN).shape == (30, 1)


def test_a_target_that_never_changes_is_given_back(make):
    np.testing.assert_allclose(make().fit(TEXTS, [7] * 24).predict(UNSEEN), 7, rtol=1e-4)


def test_huber_s_loss_is_not_carried_away(make):
    y = PRICES.copy()
    y[0] += 1e6
    errors = {}
    for loss in ("squared", "huber"):
        regressor = make(quick(max_steps=0), loss=loss).fit(TEXTS, y)
        errors[loss] = np.median(np.abs(regressor.predict(UNSEEN) - UNSEEN_PRICES))
    assert errors["huber"] < errors["squared"] / 2


def test_texts_that_weigh_nothing_are_not_there(make):
    weights = np.where(np.arange(24) % 3, 1.0, 0.0)
    kept = np.flatnonzero(weights)
    weighed = make().fit(TEXTS, PRICES, sample_weight=weights)
    same(weighed, make().fit([TEXTS[row] for row in kept], PRICES[kept]), rtol=0)


def test_warm_start_goes_on(make, fitted):
    regressor = make(warm_start=True).fit(TEXTS, PRICES)
    same(regressor, fitted, rtol=0)
    regressor.set_params(training=quick(max_steps=0)).fit(TEXTS, PRICES)
    same(regressor, fitted)
    regressor.set_params(training=quick()).fit(TEXTS, PRICES)
    assert regressor.history_.step.tolist() == [1, 2, 3, 4, 5, 6]


def test_partial_fit_is_one_pass_at_an_even_rate(make):
    once = {"schedule": "constant", "warmup": 0.0, "epochs": 1}
    whole = make(quick(**once)).fit(TEXTS, PRICES)
    partial = make().partial_fit(TEXTS, PRICES)
    shown = ["step", "epoch", "learning_rate", "tokens"]
    pd.testing.assert_frame_equal(partial.history_[shown], whole.history_[shown])
    before = partial.predict(UNSEEN)
    partial.partial_fit(UNSEEN[:1], UNSEEN_PRICES[:1])
    assert partial.history_.step.tolist() == [1, 2, 3, 4]
    assert np.abs(partial.predict(UNSEEN) - before).max() > 1e-3


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (None, "the target y is None"),
        (PRICES[:-1], "y has 23 rows, but X has 24 texts"),
        ([*PRICES[:-1], np.nan], "Row 23 of y is missing"),
        ([np.inf, *PRICES[1:]], "Row 0 of y is inf; a number was expected"),
        (TOPICS, "y holds what is no number"),
    ],
)
def test_what_cannot_be_learned_is_refused(make, y, sentence):
    with pytest.raises(TrainingError, match=sentence):
        make().fit(TEXTS, y)


def test_going_on_with_something_else_is_refused(make):
    regressor = make(warm_start=True).fit(TEXTS, PRICES)
    with pytest.raises(TrainingError, match=r"y has the shape \(24, 2\); before"):
        regressor.fit(TEXTS, np.stack([PRICES, PRICES], axis=1))
    with pytest.raises(ParameterError, match="loss must be one of squared, huber"):
        regressor.set_params(loss="absolute").fit(TEXTS, PRICES)
    assert regressor.predict(UNSEEN).shape == (30,)


def test_it_is_whole_after_a_pickle_when_the_first_is_gone(make):
    regressor = make().fit(TEXTS, PRICES)
    expected, file = regressor.predict(UNSEEN), io.BytesIO()
    joblib.dump(regressor, file)
    del regressor
    gc.collect()
    file.seek(0)
    loaded = joblib.load(file)
    np.testing.assert_allclose(loaded.predict(UNSEEN), expected, rtol=1e-6)
    assert loaded.partial_fit(TEXTS, PRICES).history_.step.max() == 6


def test_scikit_learn_s_way_with_parameters(make):
    regressor = EncoderRegressor().set_params(training__epochs=2)
    assert regressor.training.epochs == 2
    copy = clone(make(loss="huber"))
    assert copy.get_params()["loss"] == "huber"
    assert not hasattr(clone(copy.fit(TEXTS, PRICES)), "coef_")


def test_from_scratch(make):
    regressor = make(quick(max_steps=20), model=small_config()).fit(TEXTS, PRICES)
    assert regressor.score(UNSEEN, UNSEEN_PRICES) > 0.8


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_what_is_not_finite_names_rows_as_they_came(make, monkeypatch, method):
    """Rows of weight 0 are left out, but count."""
    monkeypatch.setattr("skencoder.training.loop.clip_gradient", lambda *given: math.nan)
    weights = np.array([0.0, 1.0] * 12)
    with pytest.raises(TrainingError, match="gradient has length nan, on rows") as error:
        getattr(make(), method)(TEXTS, PRICES, sample_weight=weights)
    rows = re.search(r"on rows ([\d, ]+)", str(error.value))[1].strip(", ").split(", ")
    assert len(rows) > 1
    assert all(int(row) % 2 for row in rows)
