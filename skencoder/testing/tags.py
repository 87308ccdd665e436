"""Item 4: what an estimator says about itself is true."""

import warnings

from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skencoder.testing.case import Case, matrix, require
from skencoder.testing.checklist import text_check
from skencoder.testing.corpus import LABELS, TEXTS

FEW_ERRORS = 0.8


@text_check(4)
def check_tags_say_text(case: Case) -> None:
    """Say in the tags that input is text: ``string`` and not ``two_d_array``."""
    tags = get_tags(case.new()).input_tags
    require(tags.string, "input_tags.string is not True.")
    require(not tags.two_d_array, "input_tags.two_d_array is not False.")


@text_check(4)
def check_tags_preserve_no_dtype(case: Case) -> None:
    """Promise no kept dtype in the tags: text has none that vectors could have."""
    tags = get_tags(case.new()).transformer_tags
    require(tags is not None, "there are no transformer_tags.")
    found = tags.preserves_dtype
    require(not found, f"transformer_tags.preserves_dtype is {found}; expected [].")


@text_check(4)
def check_requires_fit_is_true(case: Case) -> None:
    """Raise NotFittedError from an unfitted ``transform`` if ``requires_fit`` says so."""
    estimator = case.new()
    required = get_tags(estimator).requires_fit
    try:
        found = case.vectors(estimator)
    except NotFittedError:
        require(required, "requires_fit is False, but transform asks for fit.")
    except Exception as error:
        raise AssertionError(f"transform without fit raises {error!r}.") from error
    else:
        require(not required, "requires_fit is True, but transform works without fit.")
        case.same(found, case.vectors(case.fitted()), "not fitted")


@text_check(4)
def check_is_fitted_agrees_with_tags(case: Case) -> None:
    """Fail ``check_is_fitted`` before ``fit`` if the tags say so, and never after it."""
    estimator = case.new()
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        complains = True
    else:
        complains = False
    required = get_tags(estimator).requires_fit
    require(complains == required, f"requires_fit is {required}; unfitted: {complains}.")
    check_is_fitted(case.fitted())


@text_check(4)
def check_pipeline_is_fitted_after_fit(case: Case) -> None:
    """Count as fitted in a pipeline of nothing else, and transform there."""
    pipeline = Pipeline([("texts", case.new())])
    pipeline.fit(case.put())
    with warnings.catch_warnings():
        # An unfitted pipeline still only warns.
        warnings.simplefilter("error", FutureWarning)
        check_is_fitted(pipeline)
        found = matrix(pipeline.transform(case.put()))
    case.same(found, case.vectors(case.fitted()), "in a pipeline")


@text_check(4)
def check_pipeline_with_classifier(case: Case) -> None:
    """Let a classifier behind it learn the topics of the training texts."""
    pipeline = Pipeline([("texts", case.new()), ("classifier", LogisticRegression(C=100.0))])
    score = pipeline.fit(case.put(), list(LABELS)).score(case.put(), list(LABELS))
    require(
        score >= FEW_ERRORS,
        f"of its {len(TEXTS)} training texts a classifier gets {score:.0%} right.",
    )
