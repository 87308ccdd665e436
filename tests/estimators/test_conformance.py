"""EncoderVectorizer passes the suite for text estimators, with its cache and without.

EncoderRetriever passes what is not about vectors as output, EncoderClassifier and EncoderRegressor
what is not about transformers; scikit-learn's own checks of both that need no numbers as input.
"""

from collections.abc import Sized

import numpy as np
import pytest
from sklearn.utils import estimator_checks

from skencoder import EncoderClassifier, EncoderRegressor, EncoderRetriever, EncoderVectorizer
from skencoder.testing import parametrize_with_text_checks
from skencoder.testing.case import Case
from skencoder.testing.parameters import (
    check_set_params_leaves_nothing_behind,
    check_set_params_takes_effect_at_next_fit,
)
from skencoder.testing.runner import CHECKS
from tests.estimators.planted import hash_letters
from tests.estimators.small_models import quick, write_small_model

# With a cache these would compare a vector with itself.
WITHOUT_CACHE = [
    check
    for check in CHECKS.values()
    if check.item == 7
    or check.name
    in ("check_pickle_round_trip", "check_two_threads_share_an_estimator", "check_forked_process")
]

# The suite's long text is cut, with a warning.
pytestmark = pytest.mark.filterwarnings("ignore::skencoder.errors.OverlongTextWarning")


# In bfloat16, which some machines choose, vectors agree less closely.
@parametrize_with_text_checks([EncoderVectorizer(precision="float32")])
def test_conventions(estimator, check):
    check(estimator)


@pytest.mark.parametrize("check", WITHOUT_CACHE, ids=lambda check: check.name)
def test_conventions_without_cache(check):
    check.function(Case(EncoderVectorizer(precision="float32", cache=None)))


@pytest.mark.parametrize(
    "check",
    [check_set_params_takes_effect_at_next_fit, check_set_params_leaves_nothing_behind],
    ids=lambda check: check.name,
)
def test_another_model_takes_effect_at_the_next_fit(check, tiny_bert):
    check.function(Case(EncoderVectorizer(), alternatives={"model": tiny_bert}))


IDS = "the checks' y are labels, several documents' each, and here y is ids"
SPARSE = "a graph is sparse, and scikit-learn puts no sparse output into frames"
CALLBACKS = "what takes time is the encoder, whose callbacks are its own"
REASONS = {
    "check_fit_takes_labels": IDS,
    "check_pipeline_with_classifier": IDS,
    "check_sample_weight_is_routed_past": IDS,
    "check_cross_validation_in_two_processes": IDS,
    "check_grid_search_in_two_processes": IDS,
    "check_set_output_pandas": SPARSE,
    "check_set_output_polars": SPARSE,
    "check_set_output_keeps_index": SPARSE,
    "check_callbacks_see_fit": CALLBACKS,
    "check_callbacks_see_fit_transform": CALLBACKS,
    "check_callbacks_are_torn_down_after_an_error": CALLBACKS,
    "check_callbacks_leave_nothing_behind": CALLBACKS,
    "check_callbacks_reach_inside_a_grid_search": CALLBACKS,
}


@parametrize_with_text_checks(
    [EncoderRetriever(hash_letters(64), n_neighbors=2)],
    expected_failed_checks=lambda _: REASONS,
    alternatives={"n_neighbors": 3},
)
def test_conventions_of_the_retriever(estimator, check):
    check(estimator)


def rows_of(X):
    return X if isinstance(X, Sized) or isinstance(X, str) else list(X)


class Deciding(EncoderClassifier):
    """A classifier with the methods that the suite asks for: its logits are the vectors."""

    def fit(self, X, y=None):
        X = rows_of(X)
        return super().fit(X, np.arange(len(X)) % 3)

    def transform(self, X):
        return self.decision_function(X)

    def fit_transform(self, X, y=None):
        X = rows_of(X)
        return self.fit(X, y).transform(X)


class Estimating(EncoderRegressor):
    """The same of a regressor with two targets."""

    def fit(self, X, y=None):
        X = rows_of(X)
        return super().fit(X, np.stack([np.arange(len(X)), np.arange(len(X)) % 3], axis=1))

    def transform(self, X):
        return self.predict(X)

    def fit_transform(self, X, y=None):
        X = rows_of(X)
        return self.fit(X, y).transform(X)


# Parameters, clones, fits, input, refusals, and that other texts of a batch change nothing.
ABOUT_PREDICTORS = [check for check in CHECKS.values() if check.item in (1, 2, 3, 6, 7)]
BOTH = [EncoderClassifier, EncoderRegressor]


@pytest.fixture(scope="module")
def small_model(tmp_path_factory):
    return write_small_model(tmp_path_factory.mktemp("small") / "model")


def make_case(kind, model):
    training = quick(max_steps=1, batch_size=None)
    estimator = kind(str(model), training=training, precision="float32", random_state=0)
    return Case(estimator, alternatives={"pooling": "max"})


@pytest.mark.parametrize("check", ABOUT_PREDICTORS, ids=lambda check: check.name)
def test_conventions_of_the_classifier(check, small_model):
    check.function(make_case(Deciding, small_model))


@pytest.mark.parametrize(
    "check", [c for c in ABOUT_PREDICTORS if c.item <= 2], ids=lambda check: check.name
)
def test_conventions_of_the_regressor(check, small_model):
    check.function(make_case(Estimating, small_model))


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    "name",
    [
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_get_params_invariance",
        "check_mixin_order",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_set_params",
        "check_valid_tag_types",
    ],
)
def test_scikit_learn_s_own_checks_of_predictors(kind, name):
    getattr(estimator_checks, name)(kind.__name__, kind())
