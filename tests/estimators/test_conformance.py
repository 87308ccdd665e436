"""EncoderVectorizer passes the suite for text estimators, with its cache and without."""

import pytest

from skencoder import EncoderVectorizer
from skencoder.testing import parametrize_with_text_checks
from skencoder.testing.case import Case
from skencoder.testing.parameters import (
    check_set_params_leaves_nothing_behind,
    check_set_params_takes_effect_at_next_fit,
)
from skencoder.testing.runner import CHECKS

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
