"""Item 3: what ``fit`` does, and what it leaves alone."""

from collections.abc import Callable
from typing import Any
from unittest import SkipTest

import numpy as np

from skencoder.testing.case import Case, matrix, optional, require
from skencoder.testing.checklist import text_check
from skencoder.testing.corpus import LABELS, TEXTS

FIRST, SECOND = TEXTS[:12], TEXTS[8:]


@text_check(3)
def check_fit_returns_self(case: Case) -> None:
    """Return itself from ``fit``."""
    estimator = case.new()
    require(estimator.fit(case.put()) is estimator, "fit must return self.")


@text_check(3)
def check_fit_takes_labels(case: Case) -> None:
    """Take labels in ``fit`` and ``fit_transform``, as pipelines give them."""
    case.new().fit(case.put(), list(LABELS))
    case.new().fit_transform(case.put(), list(LABELS))


@text_check(3)
def check_fit_transform_equals_fit_then_transform(case: Case) -> None:
    """Give the same from ``fit_transform(X)`` as from ``fit(X).transform(X)``."""
    together = matrix(case.new().fit_transform(case.put()))
    case.same(together, case.vectors(case.fitted()), "fit_transform")


@text_check(3)
def check_fit_is_idempotent(case: Case) -> None:
    """Give the same after a second ``fit`` on the same texts."""
    estimator = case.fitted()
    expected = case.vectors(estimator)
    estimator.fit(case.put())
    case.same(case.vectors(estimator), expected, "fitted a second time")


@text_check(3)
def check_second_fit_forgets_the_first(case: Case) -> None:
    """Equal a fresh estimator after a ``fit`` on other texts."""
    estimator, fresh = case.fitted(FIRST), case.fitted(SECOND)
    estimator.fit(case.put(SECOND))
    case.same(case.vectors(estimator), case.vectors(fresh), "fitted on other texts before")
    left = sorted(vars(estimator).keys() ^ vars(fresh).keys())
    require(not left, f"fitted on other texts before: {', '.join(left)} differs.")


@text_check(3)
def check_fitting_leaves_parameters_alone(case: Case) -> None:
    """Change no parameter in ``fit``, ``transform`` or ``fit_transform``."""
    estimator = case.new()
    before = estimator.get_params(deep=False)
    for method in ("fit", "transform", "fit_transform"):
        shown = {name: repr(value) for name, value in before.items()}
        getattr(estimator, method)(case.put())
        after = estimator.get_params(deep=False)
        wrong = [n for n in before if after[n] is not before[n] or repr(after[n]) != shown[n]]
        require(not wrong, f"{method} changes {', '.join(wrong)}.")


@text_check(3)
def check_fitting_leaves_input_alone(case: Case) -> None:
    """Change nothing in a list, array or Series that is given."""
    tried = [_leaves_alone(case, make) for make in (list, _object_array, _series)]
    if not any(tried):
        raise SkipTest(f"{case.name} takes no list, object array or Series.")


def _object_array(texts: list[str]) -> Any:
    return np.array(texts, dtype=object)


def _series(texts: list[str]) -> Any:
    return optional("pandas").Series(texts, name="texts", dtype=object)


def _leaves_alone(case: Case, make: Callable[[list[str]], Any]) -> bool:
    """Tell whether this kind of input is taken at all; that it is has its own checks."""
    estimator = case.new()
    try:
        given = make(list(TEXTS))
        estimator.fit_transform(given)
    except Exception:  # refused, or pandas is not installed
        return False
    estimator.transform(given)
    require(list(given) == list(TEXTS), f"the {type(given).__name__} given is changed.")
    return True
