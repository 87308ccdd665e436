"""Item 8: an estimator survives being written and read."""

import io
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import SkipTest

from skencoder.testing.case import Case, matrix, optional, require
from skencoder.testing.checklist import text_check

LARGEST_PICKLE = 100_000
SECONDS = 120
# The same places to import from, so that the estimator's class is found.
FRESH_PROCESS = """
import pathlib, pickle, sys
folder, sys.path[:] = pathlib.Path(sys.argv[1]), sys.argv[2:]
estimator, texts = pickle.loads((folder / "in").read_bytes())
(folder / "out").write_bytes(pickle.dumps(estimator.transform(texts)))
"""


@text_check(8)
def check_pickle_is_small(case: Case) -> None:
    """Fit a pickle into 100 kB: weights are not copied into it."""
    size = len(pickle.dumps(case.fitted()))
    require(size <= LARGEST_PICKLE, f"the pickle has {size:,} bytes.")


@text_check(8)
def check_pickle_round_trip(case: Case) -> None:
    """Give the same vectors after pickle wrote and read it."""
    _check_round_trip(case, lambda fitted: pickle.loads(pickle.dumps(fitted)))


@text_check(8)
def check_unfitted_pickle_round_trip(case: Case) -> None:
    """Give the same vectors if pickle wrote and read it before ``fit``."""
    restored = pickle.loads(pickle.dumps(case.new()))
    restored.fit(case.put())
    case.same(case.vectors(restored), case.vectors(case.fitted()), "pickled unfitted")


@text_check(8)
def check_joblib_round_trip(case: Case) -> None:
    """Give the same vectors after joblib wrote and read it."""
    joblib = optional("joblib")

    def round_trip(fitted: Any) -> Any:
        file = io.BytesIO()
        joblib.dump(fitted, file)
        file.seek(0)
        return joblib.load(file)

    _check_round_trip(case, round_trip)


@text_check(8)
def check_cloudpickle_round_trip(case: Case) -> None:
    """Give the same vectors after cloudpickle wrote and read it."""
    cloudpickle = optional("cloudpickle")
    _check_round_trip(case, lambda fitted: cloudpickle.loads(cloudpickle.dumps(fitted)))


@text_check(8)
def check_skops_round_trip(case: Case) -> None:
    """Give the same vectors after skops wrote and read it."""
    skops = optional("skops.io")

    def round_trip(fitted: Any) -> Any:
        data = skops.dumps(fitted)
        return skops.loads(data, trusted=skops.get_untrusted_types(data=data))

    _check_round_trip(case, round_trip)


@text_check(8)
def check_pickle_in_fresh_process(case: Case) -> None:
    """Give the same vectors in a process that has imported nothing but its pickle."""
    need_importable_class(case)
    estimator = case.fitted()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "in").write_bytes(pickle.dumps((estimator, case.put())))
        done = subprocess.run(
            [sys.executable, "-c", FRESH_PROCESS, folder, *sys.path],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        require(done.returncode == 0, f"a fresh process fails: {done.stderr[-1000:]}")
        found = matrix(pickle.loads(Path(folder, "out").read_bytes()))
    case.same(found, case.vectors(estimator), "read by a fresh process")


@text_check(8)
def check_getstate_builds_on_super(case: Case) -> None:
    """Keep what scikit-learn's own ``__getstate__`` puts into the state."""
    estimator = case.fitted()
    kind = type(estimator)
    if not any(
        (k.__module__, k.__name__) == ("sklearn.base", "BaseEstimator") for k in kind.__mro__
    ):
        raise SkipTest(f"{case.name} is not derived from BaseEstimator.")
    # scikit-learn notes its version in the state of its own classes, so this becomes one.
    probe: Any = object.__new__(type("Probe", (kind,), {"__module__": "sklearn.probe"}))
    vars(probe).update(vars(estimator))
    require("_sklearn_version" in probe.__getstate__(), "__getstate__ does not call super().")


def need_importable_class(case: Case) -> None:
    """Skip a check in which another process must import the estimator's class.

    Parameters
    ----------
    case : Case
        The estimator under test.

    Raises
    ------
    SkipTest
        If the class lives in a script or in an interactive session.
    """
    module = type(case.estimator).__module__
    if module == "__main__" or getattr(sys.modules.get(module), "__spec__", None) is None:
        raise SkipTest(f"another process cannot import {case.name} from {module}.")


def _check_round_trip(case: Case, round_trip: Callable[[Any], Any]) -> None:
    estimator = case.fitted()
    restored = round_trip(estimator)
    case.same(case.vectors(restored), case.vectors(estimator), "written and read")
    for name, value in restored.get_params(deep=False).items():
        require(type(value) is type(getattr(estimator, name)), f"{name} is not restored.")
