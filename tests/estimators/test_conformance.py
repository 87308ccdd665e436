"""EncoderVectorizer passes the suite for text estimators, with its cache and without.

EncoderRetriever passes what is not about vectors as output.
"""

import pytest

from skencoder import EncoderRetriever, EncoderVectorizer
from skencoder.testing import parametrize_with_text_checks
from skencoder.testing.case import Case
from skencoder.testing.parameters import (
    check_set_params_leaves_nothing_behind,
    check_set_params_takes_effect_at_next_fit,
)
from skencoder.testing.runner import CHECKS
from tests.estimators.planted import hash_letters

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
