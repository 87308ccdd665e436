"""The entrances: results, what is raised, warned or expected, and the tests made for pytest."""

import re
import subprocess
import sys
from unittest import SkipTest

import pytest
from sklearn.exceptions import EstimatorCheckFailedWarning

from skencoder.testing import (
    check_text_estimator,
    parametrize_with_text_checks,
    runner,
    text_checks,
)
from skencoder.testing.checklist import ITEMS
from tests.testing.hashed_texts import HashedTexts

CHOSEN = ("check_fit_returns_self", "check_fitting_leaves_parameters_alone", "check_torch_output")
CHANGES = "check_fitting_leaves_parameters_alone"


class WithoutOutput(HashedTexts):
    def __init__(self, n_features=32):
        super().__init__(n_features)

    def _learn(self, X):
        texts = super()._learn(X)
        self.n_features += 1
        return texts


@pytest.fixture(autouse=True)
def three_checks(monkeypatch):
    """One that passes, one that fails, one that is skipped: all others have their own tests."""
    monkeypatch.setattr(runner, "CHECKS", {name: runner.CHECKS[name] for name in CHOSEN})


def test_results_have_scikit_learn_s_keys():
    estimator = WithoutOutput()
    results = check_text_estimator(estimator, on_fail=None)
    assert [result["check_name"] for result in results] == list(CHOSEN)
    assert [result["status"] for result in results] == ["passed", "failed", "skipped"]
    assert [type(result["exception"]) for result in results] == [
        type(None),
        AssertionError,
        SkipTest,
    ]
    assert all(result["estimator"] is estimator for result in results)
    assert not any(result["expected_to_fail"] for result in results)


def test_the_first_failure_is_raised():
    with pytest.raises(AssertionError, match="fit changes n_features"):
        check_text_estimator(WithoutOutput())


def test_failures_can_be_warnings():
    with pytest.warns(EstimatorCheckFailedWarning, match="fit changes n_features") as caught:
        check_text_estimator(WithoutOutput(), on_fail="warn")
    assert caught[0].filename == __file__


def test_an_expected_failure_is_neither():
    results = check_text_estimator(WithoutOutput(), expected_failed_checks={CHANGES: "it counts"})
    assert results[1]["status"] == "xfail"
    assert results[1]["expected_to_fail_reason"] == "it counts"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"on_fail": "print"}, "on_fail must be"),
        (
            {"expected_failed_checks": {"check_fit_return_self": ""}},
            "check_fit_returns_self sounds",
        ),
        ({"alternatives": {"size": 3}}, "alternatives name size, but WithoutOutput has only"),
    ],
)
def test_what_does_not_exist_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        check_text_estimator(WithoutOutput(), **parameters)


def test_a_class_is_refused():
    with pytest.raises(TypeError, match=re.escape("pass an instance, HashedTexts()")):
        check_text_estimator(HashedTexts)
    with pytest.raises(TypeError, match="pass an instance"):
        parametrize_with_text_checks([HashedTexts])


def test_one_pytest_test_per_check_named_by_estimator_and_check():
    mark = parametrize_with_text_checks(
        [HashedTexts(), WithoutOutput(16)],
        expected_failed_checks=lambda e: (
            {CHANGES: "it counts"} if type(e) is WithoutOutput else {}
        ),
    )
    names, tests = mark.args
    assert names == ("estimator", "check")
    assert [test.id for test in tests] == [
        f"{shown}-{name}"
        for shown in ("HashedTexts()", "WithoutOutput(n_features=16)")
        for name in CHOSEN
    ]
    (expected,) = [test for test in tests if test.marks]
    assert expected.id == f"WithoutOutput(n_features=16)-{CHANGES}"
    assert expected.marks[0].kwargs == {"reason": "it counts", "strict": True}
    with pytest.raises(AssertionError, match="fit changes n_features"):
        expected.values[1](expected.values[0])


def test_ids_hold_no_address():
    (test, *_) = parametrize_with_text_checks([HashedTexts(object())]).args[1]
    assert test.id == "HashedTexts(n_features=<objectobject>)-check_fit_returns_self"


def test_checks_are_listed(monkeypatch):
    monkeypatch.undo()
    listed = text_checks()
    assert len({name for name, _, _ in listed}) == len(listed) > 80
    assert {item for _, item, _ in listed} == set(ITEMS) == set(range(1, 13))
    assert all(text.endswith(".") and len(text) < 100 for _, _, text in listed)


def test_the_suite_loads_no_torch_and_nothing_else_of_ours():
    code = (
        "import sys, skencoder.testing; "
        "print([m for m in sys.modules if m == 'torch' or m.startswith('skencoder.') "
        "and not m.startswith('skencoder.testing')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
