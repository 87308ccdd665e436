"""Callbacks that write down what they are told, or fail; `callbacks` asks them afterwards."""

from typing import Any


class Recorder:
    """A callback that writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def setup(self, estimator: Any, context: Any) -> None:
        """Note that a fit begins.

        Parameters
        ----------
        estimator : estimator
            What is fitted.
        context : CallbackContext
            Of the whole fit.
        """
        self.events.append(("setup", context))

    def teardown(self, estimator: Any, context: Any) -> None:
        """Note that a fit is over.

        Parameters
        ----------
        estimator : estimator
            What was fitted.
        context : CallbackContext
            Of the whole fit.
        """
        self.events.append(("teardown", context))

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Note that a task begins.

        Parameters
        ----------
        estimator : estimator
            What is fitted.
        context : CallbackContext
            Of the task.
        """
        self.events.append(("begin", context))

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Note that a task is over.

        Parameters
        ----------
        estimator : estimator
            What is fitted.
        context : CallbackContext
            Of the task.
        """
        self.events.append(("end", context))

    def contexts(self, event: str) -> list[Any]:
        """List where something was seen.

        Parameters
        ----------
        event : {"setup", "begin", "end", "teardown"}
            What.

        Returns
        -------
        list of CallbackContext
            In order.
        """
        return [context for seen, context in self.events if seen == event]


class PropagatedRecorder(Recorder):
    """The same, handed on to every estimator inside."""

    max_propagation_depth = None


class Failing(Recorder):
    """A callback that fails when the fit begins."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Fail.

        Parameters
        ----------
        estimator : estimator
            What is fitted.
        context : CallbackContext
            Of the task.

        Raises
        ------
        CallbackFailed
            Always.
        """
        raise CallbackFailed


class CallbackFailed(Exception):  # noqa: N818 - it is raised on purpose
    """Raised by a callback, to see what a fit that fails leaves behind."""
