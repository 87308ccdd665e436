"""The errors a benchmark raises on purpose, each also the builtin that fits.

Errors of the model side, such as a checkpoint that is not there, are in `skencoder.errors`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from skencoder.errors import SkencoderError


class UnknownTaskError(SkencoderError, LookupError):
    """No task or subset has this name; the message shows the nearest names."""


class MissingDataError(SkencoderError, FileNotFoundError):
    """A task's data are not in the data folder; the message names the path."""


class UnreadableDataError(SkencoderError, ValueError):
    """A task's data are there but could not be loaded; the message says why."""


class VectorsError(SkencoderError, ValueError):
    """A model's output is not one finite vector per text; the message says how."""


class MissingPackageError(SkencoderError, ImportError):
    """An optional package is not installed; the message names the extra."""


class EngineUnavailableError(SkencoderError, RuntimeError):
    """An engine cannot run here; the message says what it lacks."""


class ResultFileError(SkencoderError, ValueError):
    """A file of a results folder is not as it should be; the message names it."""


class NoExamplesError(SkencoderError, ValueError):
    """A task's score cannot be taken apart into single examples; the message says why."""


class RunStoppedError(KeyboardInterrupt):
    """A run was stopped from the keyboard; the message says what is finished, and where.

    Parameters
    ----------
    message : str
        What is finished.
    runs : sequence of object, optional
        The results so far.
    """

    def __init__(self, message: str, runs: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.runs = runs


class ScoringStoppedError(KeyboardInterrupt):
    """Scoring was stopped from the keyboard before all texts were done.

    Parameters
    ----------
    scores : mapping of int to object
        Of the texts that were finished, by row.
    """

    def __init__(self, scores: Mapping[int, Any]) -> None:
        super().__init__("stopped")
        self.scores = scores
