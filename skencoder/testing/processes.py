"""Item 12: several threads, several processes, and a process that was forked."""

import multiprocessing
import warnings
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any
from unittest import SkipTest

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline

from skencoder.testing.case import Case, matrix, require
from skencoder.testing.checklist import text_check
from skencoder.testing.corpus import LABELS, TEXTS
from skencoder.testing.persistence import need_importable_class

SECONDS = 60
CALLS = 8


@text_check(12)
def check_cross_validation_in_two_processes(case: Case) -> None:
    """Give the same scores of ``cross_val_score`` in two processes as in one."""
    need_importable_class(case)
    scores = [
        cross_val_score(
            _pipeline(case), case.put(), list(LABELS), cv=3, n_jobs=jobs, error_score="raise"
        )
        for jobs in (1, 2)
    ]
    require(np.allclose(*scores), f"scores are {scores[0]}, and with two processes {scores[1]}.")


@text_check(12)
def check_grid_search_in_two_processes(case: Case) -> None:
    """Give the same scores of ``GridSearchCV`` in two processes as in one."""
    need_importable_class(case)
    one, two = (_search(case, jobs) for jobs in (1, 2))
    require(np.allclose(one, two), f"scores are {one}, and with two processes {two}.")


@text_check(12)
def check_two_threads_share_an_estimator(case: Case) -> None:
    """Give two threads that share a fitted estimator the right vectors."""
    estimator = case.fitted()
    pieces = [TEXTS[row : row + 4] for row in range(CALLS)]
    expected = [case.vectors(estimator, piece) for piece in pieces]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda piece: case.vectors(estimator, piece), pieces))
    for one, other in zip(found, expected, strict=True):
        case.same(one, other, "in one of two threads")


@text_check(12)
def check_forked_process(case: Case) -> None:
    """Give the same vectors in time in a process forked after ``transform``."""
    if "fork" not in multiprocessing.get_all_start_methods():
        raise SkipTest("this system does not fork.")
    _check_process(case, "fork")


@text_check(12)
def check_spawned_process(case: Case) -> None:
    """Give the same vectors in time in a spawned process."""
    need_importable_class(case)
    _check_process(case, "spawn")


def _pipeline(case: Case) -> Pipeline:
    return Pipeline([("texts", case.new()), ("classifier", LogisticRegression())])


def _search(case: Case, jobs: int) -> NDArray[np.float64]:
    grid = {"classifier__C": [0.1, 10.0]}
    search = GridSearchCV(_pipeline(case), grid, cv=2, n_jobs=jobs, error_score="raise")
    search.fit(case.put(), list(LABELS))
    scores: NDArray[np.float64] = search.cv_results_["mean_test_score"]
    return scores


def _check_process(case: Case, start: str) -> None:
    estimator = case.fitted()
    expected = case.vectors(estimator)
    context: Any = multiprocessing.get_context(start)
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_send_vectors, args=(sender, estimator, case.put()))
    with warnings.catch_warnings():
        # Python 3.12 warns of a fork beside threads; whether that harms is what is asked here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    sender.close()
    try:
        found = _receive(receiver)
    finally:
        # A child that hangs must not hang the suite.
        child.join(1)
        child.kill()
        child.join()
        receiver.close()
    require(not isinstance(found, str), f"a process started by {start} {found}.")
    case.same(found, expected, f"in a process started by {start}")


def _receive(receiver: Connection) -> Any:
    if not receiver.poll(SECONDS):
        return f"does not answer within {SECONDS} s"
    try:
        return receiver.recv()
    except EOFError:
        return "ends without an answer"


def _send_vectors(sender: Connection, estimator: Any, texts: Any) -> None:
    """Run in the child; an error is sent as a str."""
    try:
        sender.send(matrix(estimator.transform(texts)))
    except Exception as error:
        sender.send(f"raises {error!r}")
