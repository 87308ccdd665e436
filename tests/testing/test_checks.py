"""Each check passes what is right and fails what is wrong, and only that."""

import multiprocessing
import sys
import time
from functools import partial
from unittest import SkipTest

import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from skencoder.testing import parametrize_with_text_checks, processes
from skencoder.testing.case import Case
from skencoder.testing.inputs import check_polars_series
from skencoder.testing.runner import CHECKS
from tests.testing import wrong_fitting, wrong_processes  # noqa: F401 - they list their faults
from tests.testing.faults import FAULTS
from tests.testing.hashed_texts import HashedTexts
from tests.testing.wrong_inputs import RefusesList

# These start an interpreter, so a fault is tried on them only if they have to see it.
SLOW = {
    "check_cross_validation_in_two_processes",
    "check_grid_search_in_two_processes",
    "check_pickle_in_fresh_process",
    "check_spawned_process",
}


@pytest.fixture(autouse=True)
def one_thread():
    """Classifiers of 21 rows: a pool of threads takes fifty times longer to wake than to work."""
    with threadpool_limits(1):
        yield


@parametrize_with_text_checks([HashedTexts(48, lowercase=True, verbose=1)])
def test_a_correct_estimator_passes_every_check(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore:Estimator fit failed", "ignore:\nAll the", "ignore:\n4 fits")
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_fails_its_checks_and_no_others(name):
    estimator, expected, spreads = FAULTS[name]
    # Where lists are refused, only the check of lists should see it.
    takes = partial(pd.Series, dtype=object) if isinstance(estimator, RefusesList) else list
    case = Case(estimator, container=takes)
    failed = set()
    for check in CHECKS.values():
        if check.name in SLOW - expected:
            continue
        try:
            check.function(case)
        except SkipTest:
            expected = expected - {check.name}
        except Exception:
            failed.add(check.name)
    assert failed >= expected if spreads else failed == expected


def test_the_given_estimator_is_not_changed():
    estimator = HashedTexts()
    before = dict(vars(estimator))
    for name in CHECKS.keys() - SLOW:
        CHECKS[name].function(Case(estimator))
    assert vars(estimator) == before


def test_every_check_sees_some_fault():
    assert set().union(*(checks for _, checks, _ in FAULTS.values())) == set(CHECKS)


class HangsAfterFork(HashedTexts):
    def _vectors(self, texts):
        if multiprocessing.current_process().name.startswith("Fork"):
            time.sleep(60)
        return super()._vectors(texts)


def test_a_process_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(processes, "SECONDS", 0.5)
    with pytest.raises(AssertionError, match="does not answer within 0.5 s"):
        processes.check_forked_process.function(Case(HangsAfterFork()))
    assert not [c for c in multiprocessing.active_children() if c.name.startswith("Fork")]


def test_what_is_not_installed_is_skipped_with_the_reason(monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(SkipTest, match="polars is not installed"):
        check_polars_series.function(Case(HashedTexts()))


def test_a_class_of_a_script_is_not_sent_to_another_process(monkeypatch):
    monkeypatch.setattr(HangsAfterFork, "__module__", "__main__")
    with pytest.raises(SkipTest, match="cannot import HangsAfterFork from __main__"):
        processes.check_spawned_process.function(Case(HangsAfterFork()))


@pytest.mark.parametrize("atol", [1e-5, 1e-2])
def test_the_tolerance_is_the_caller_s(atol):
    class Noisy(HashedTexts):
        def _vectors(self, texts):
            return super()._vectors(texts) * (1 + 1e-3 * (len(texts) == 1))

    check = CHECKS["check_text_alone_equals_text_in_batch"]
    if atol > 1e-3:
        check.function(Case(Noisy(), atol=atol))
    else:
        with pytest.raises(AssertionError, match="in pieces of 1: vectors differ by up to"):
            check.function(Case(Noisy(), atol=atol))
