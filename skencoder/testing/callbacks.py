"""Item 10: scikit-learn's callbacks see the fit of an estimator; nothing is printed unasked."""

import contextlib
import io
import warnings

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from skencoder.testing.case import Case, require
from skencoder.testing.checklist import text_check
from skencoder.testing.corpus import LABELS
from skencoder.testing.recorders import CallbackFailed, Failing, PropagatedRecorder, Recorder

BEHIND = "_callback_fit_ctx"


@text_check(10)
def check_callbacks_see_fit(case: Case) -> None:
    """Tell callbacks when ``fit`` begins and ends, and set up and tear down each once."""
    _check_seen(case, "fit")


@text_check(10)
def check_callbacks_see_fit_transform(case: Case) -> None:
    """Tell callbacks of ``fit_transform`` too, which is what a pipeline calls."""
    _check_seen(case, "fit_transform")


@text_check(10)
def check_callbacks_are_torn_down_after_an_error(case: Case) -> None:
    """Tear callbacks down after a fit that failed, and keep no context."""
    for method in ("fit", "fit_transform"):
        failing = Failing()
        estimator = case.new().set_callbacks(failing)
        try:
            getattr(estimator, method)(case.put())
        except CallbackFailed:
            require(
                len(failing.contexts("teardown")) == 1, f"{method} failed and tore nothing down."
            )
            require(not hasattr(estimator, BEHIND), f"{method} failed and left {BEHIND}.")
        else:
            raise AssertionError(f"{method} does not call on_fit_task_begin, or hides its error.")


@text_check(10)
def check_callbacks_leave_nothing_behind(case: Case) -> None:
    """Keep no context of callbacks after a fit."""
    for method in ("fit", "fit_transform"):
        for estimator in (case.new(), case.new().set_callbacks(Recorder())):
            getattr(estimator, method)(case.put())
            require(not hasattr(estimator, BEHIND), f"{method} left {BEHIND}.")


@text_check(10)
def check_callbacks_reach_inside_a_grid_search(case: Case) -> None:
    """Tell the callbacks of a grid search of every fit inside it."""
    recorder = PropagatedRecorder()
    pipeline = Pipeline([("texts", case.new()), ("classifier", LogisticRegression())])
    search = GridSearchCV(pipeline, {"classifier__C": [1.0, 10.0]}, cv=2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.set_callbacks(recorder).fit(case.put(), list(LABELS))
    refused = [str(w.message) for w in caught if "not support callbacks" in str(w.message)]
    require(not refused, "".join(refused[:1]))
    # The estimator's own fit is a step of the pipeline's; tasks inside it are its affair.
    seen = sum(
        (context.estimator_name, context.source_estimator_name) == (case.name, "Pipeline")
        for context in recorder.contexts("begin")
    )
    # Two values in two folds, and the best one again on all texts.
    require(seen == 5, f"of 5 fits in a grid search the callback sees {seen}.")  # noqa: PLR2004
    _require_balanced(recorder)


@text_check(10)
def check_nothing_is_printed_unless_verbose(case: Case) -> None:
    """Print nothing if ``verbose=0``, or without such a parameter."""
    quiet = {"verbose": 0} if "verbose" in case.parameters else {}
    printed = io.StringIO()
    with (
        warnings.catch_warnings(record=True),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        estimator = case.new(**quiet)
        estimator.fit_transform(case.put())
        estimator.transform(case.put())
    require(not printed.getvalue(), f"this is printed: {printed.getvalue()[:200]!r}")


def _check_seen(case: Case, method: str) -> None:
    recorder = Recorder()
    estimator = case.new().set_callbacks(recorder)
    getattr(estimator, method)(case.put())
    seen = [event for event, _ in recorder.events]
    require("begin" in seen, f"{method} calls no on_fit_task_begin.")
    require(
        (seen[0], seen[-1]) == ("setup", "teardown"),
        f"{method} begins with {seen[0]} and ends with {seen[-1]}.",
    )
    for event in ("setup", "teardown"):
        require(seen.count(event) == 1, f"{method} calls {event} {seen.count(event)} times.")
    _require_balanced(recorder)


def _require_balanced(recorder: Recorder) -> None:
    begun, ended = ([id(c) for c in recorder.contexts(event)] for event in ("begin", "end"))
    require(sorted(begun) == sorted(ended), f"{len(begun)} tasks begin and {len(ended)} end.")
    require(len(set(begun)) == len(begun), "a task begins twice.")
