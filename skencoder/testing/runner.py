"""The suite's entrances: run every check, or make a pytest test of each."""

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, TypedDict
from unittest import SkipTest

from sklearn import config_context
from sklearn.exceptions import EstimatorCheckFailedWarning

from skencoder.testing import (
    callbacks,
    display,
    features,
    fitting,
    inputs,
    invariance,
    parameters,
    persistence,
    processes,
    refusals,
    routing,
    tags,
)
from skencoder.testing.case import Case
from skencoder.testing.checklist import TextCheck

if TYPE_CHECKING:
    import pytest

TOPICS: tuple[ModuleType, ...] = (
    *(parameters, fitting, tags, features, inputs, refusals, invariance, persistence),
    *(routing, callbacks, display, processes),
)
CHECKS: dict[str, TextCheck] = {
    check.name: check
    for topic in TOPICS
    for check in vars(topic).values()
    if isinstance(check, TextCheck)
}


class CheckResult(TypedDict):
    """What became of one check; the keys are those of scikit-learn's ``check_estimator``."""

    estimator: Any
    check_name: str
    exception: Exception | None
    status: Literal["passed", "failed", "skipped", "xfail"]
    expected_to_fail: bool
    expected_to_fail_reason: str


def text_checks() -> list[tuple[str, int, str]]:
    """List the checks.

    Returns
    -------
    list of (str, int, str)
        Name, number of the item in the checklist, and what holds if the check passes.

    Examples
    --------
    >>> from skencoder.testing import text_checks
    >>> name, item, description = text_checks()[0]
    >>> name, item
    ('check_mixins_come_before_base_estimator', 1)
    """
    return [(check.name, check.item, check.description) for check in CHECKS.values()]


def check_text_estimator(
    estimator: Any,
    *,
    on_fail: Literal["raise", "warn"] | None = "raise",
    expected_failed_checks: Mapping[str, str] | None = None,
    alternatives: Mapping[str, Any] | None = None,
    atol: float = 1e-5,
    container: Callable[[list[str]], Any] = list,
) -> list[CheckResult]:
    """Check whether an estimator that turns texts into vectors keeps scikit-learn's conventions.

    Scikit-learn's own ``check_estimator`` does this for estimators of numbers; of text
    estimators it tests next to nothing.

    Parameters
    ----------
    estimator : estimator
        With ``fit``, ``transform`` and ``fit_transform``. It is cloned, not changed.
    on_fail : {"raise", "warn"}, default="raise"
        Raise the first failing check's error, warn of each, or, with None, only report.
    expected_failed_checks : mapping of str to str, default=None
        Names of checks that may fail, and why.
    alternatives : mapping of str to object, default=None
        For some parameters another valid value, one that changes the vectors; those of
        well-known parameters such as ``ngram_range`` or ``n_components`` are known.
    atol : float, default=1e-5
        Largest difference between vectors that ought to be equal, as a share of the largest
        value.
    container : callable, default=list
        From a list of str to what the estimator takes, such as ``pandas.Series``. Whether it
        takes other kinds too has its own checks.

    Returns
    -------
    list of dict
        One per check, with the keys ``estimator, check_name, exception, status,
        expected_to_fail, expected_to_fail_reason``; the status is "passed", "failed",
        "skipped" or "xfail".

    Raises
    ------
    TypeError
        If a class is given in place of an instance.
    ValueError
        If there is no such check or parameter.
    Exception
        That of the first failing check, if ``on_fail="raise"``.

    See Also
    --------
    parametrize_with_text_checks : One pytest test per check.

    Notes
    -----
    Some checks start processes. In a script, call this below ``if __name__ == "__main__":``.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import HashingVectorizer
    >>> from skencoder.testing import check_text_estimator
    >>> results = check_text_estimator(HashingVectorizer(n_features=256), on_fail=None)
    >>> [r["status"] for r in results if r["check_name"] == "check_pandas_frame"]
    ['failed']
    """
    if on_fail not in ("raise", "warn", None):
        raise ValueError(f"on_fail must be 'raise', 'warn' or None; got {on_fail!r}.")
    expected = expected_failed_checks or {}
    settings = {"alternatives": alternatives or {}, "atol": atol, "container": container}
    case = _validate(estimator, settings, expected)
    results = []
    for check in CHECKS.values():
        results.append(_result(check, case, expected.get(check.name)))
        _report(results[-1], on_fail)
    return results


def parametrize_with_text_checks(
    estimators: Sequence[Any],
    *,
    expected_failed_checks: Callable[[Any], Mapping[str, str]] | None = None,
    alternatives: Mapping[str, Any] | None = None,
    atol: float = 1e-5,
    container: Callable[[list[str]], Any] = list,
) -> "pytest.MarkDecorator":
    """Make a pytest test of every check for every estimator.

    Parameters
    ----------
    estimators : sequence of estimators
        Instances.
    expected_failed_checks : callable, default=None
        From an estimator to the names of checks that must fail, and why: those become
        strict ``xfail``.
    alternatives : mapping of str to object, default=None
        As for `check_text_estimator`; every estimator must have these parameters.
    atol : float, default=1e-5
        Largest difference between vectors that ought to be equal, as a share of the largest
        value.
    container : callable, default=list
        From a list of str to what the estimators take.

    Returns
    -------
    pytest.MarkDecorator
        For a test function with the arguments ``estimator`` and ``check``.

    Raises
    ------
    TypeError
        If a class is given in place of an instance.
    ValueError
        If there is no such check or parameter.

    See Also
    --------
    check_text_estimator : All checks at once, without pytest.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from skencoder.testing import parametrize_with_text_checks
    >>> @parametrize_with_text_checks([TfidfVectorizer()])
    ... def test_conventions(estimator, check):
    ...     check(estimator)
    """
    import pytest

    settings = {"alternatives": alternatives or {}, "atol": atol, "container": container}
    tests = []
    for estimator in estimators:
        expected = expected_failed_checks(estimator) if expected_failed_checks else {}
        _validate(estimator, settings, expected)
        for name in CHECKS:
            reason = expected.get(name)
            marks = () if reason is None else pytest.mark.xfail(reason=reason, strict=True)
            run = partial(_run_on, settings, name)
            tests.append(
                pytest.param(estimator, run, id=f"{_shown(estimator)}-{name}", marks=marks)
            )
    return pytest.mark.parametrize(("estimator", "check"), tests)


def _run_on(settings: Mapping[str, Any], name: str, estimator: Any) -> None:
    CHECKS[name].function(Case(estimator, **settings))


def _validate(estimator: Any, settings: Mapping[str, Any], expected: Mapping[str, str]) -> Case:
    if isinstance(estimator, type):
        raise TypeError(f"pass an instance, {estimator.__name__}(), not the class.")
    unknown = sorted(expected.keys() - CHECKS.keys())
    if unknown:
        near = get_close_matches(unknown[0], CHECKS)
        raise ValueError(
            f"expected_failed_checks names {', '.join(unknown)}, which is no check"
            + (f"; {' and '.join(near)} sounds like it." if near else ".")
        )
    return Case(estimator, **settings)


def _result(check: TextCheck, case: Case, reason: str | None) -> CheckResult:
    result = CheckResult(
        estimator=case.estimator,
        check_name=check.name,
        exception=None,
        status="passed",
        expected_to_fail=reason is not None,
        expected_to_fail_reason=reason or "Check is not expected to fail",
    )
    try:
        check.function(case)
    except SkipTest as error:
        result["status"], result["exception"] = "skipped", error
    except Exception as error:  # whatever an estimator raises, the check has failed
        result["status"] = "failed" if reason is None else "xfail"
        result["exception"] = error
    return result


def _report(result: CheckResult, on_fail: str | None) -> None:
    if result["status"] != "failed" or result["exception"] is None:
        return
    if on_fail == "raise":
        raise result["exception"]
    if on_fail == "warn":
        warnings.warn(EstimatorCheckFailedWarning(**result), stacklevel=3)


def _shown(estimator: Any) -> str:
    """Show the parameters that are not defaults, and no address: ids must be the same each run."""
    with config_context(print_changed_only=True):
        return re.sub(r" at 0x[0-9a-fA-F]+|\s+", "", repr(estimator))
