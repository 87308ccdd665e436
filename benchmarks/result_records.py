"""What a results folder holds, as records; they are read in `results_folder`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

REVISION_SHOWN = 7


@dataclass(frozen=True)
class SubsetScore:
    """The scores of one split and subset of a task.

    Parameters
    ----------
    split, subset : str
        Which; ``"default"`` is the subset of a task that has only one.
    score : float
        The task's main score.
    scores : mapping of str to float
        Every number that mteb gives, by its name.
    """

    split: str
    subset: str
    score: float
    scores: Mapping[str, float]


@dataclass(frozen=True)
class TaskScores:
    """The scores of one model on one task.

    Parameters
    ----------
    task : str
        Name of the task.
    rows : tuple of SubsetScore
        One per split and subset.
    data_revision : str
        Of the data set, or a checksum of its files.
    mteb_version : str or None
        Of the evaluation.
    seconds : float or None
        Of the evaluation.
    """

    task: str
    rows: tuple[SubsetScore, ...]
    data_revision: str
    mteb_version: str | None
    seconds: float | None


@dataclass(frozen=True, eq=False)
class ExampleSet:
    """What a model did with each example of one split and subset.

    Parameters
    ----------
    split, subset : str
        As in `SubsetScore`.
    statistic : str
        How the score follows from the examples: ``"mean"`` of their values, or the name of a
        statistic of predictions and targets.
    score : float
        The score that follows.
    ids : tuple of str
        Of the examples; equal for all models on the same data.
    values : float64 of shape (n_examples,) or None
        For ``"mean"``.
    predictions, targets : ndarray of shape (n_examples,) or None
        For every other statistic.
    """

    split: str
    subset: str
    statistic: str
    score: float
    ids: tuple[str, ...]
    values: NDArray[np.float64] | None = None
    predictions: NDArray[Any] | None = None
    targets: NDArray[Any] | None = None


@dataclass(frozen=True)
class Encoding:
    """What encoding the texts of one split and subset took.

    Parameters
    ----------
    split, subset : str
        As in `SubsetScore`.
    n_texts, n_encoded, n_truncated : int
        Texts that were asked for, those of them that were encoded and not found in a cache, and
        those that were cut.
    seconds : float
        Time spent in the model.
    """

    split: str
    subset: str
    n_texts: int
    n_encoded: int
    n_truncated: int
    seconds: float


@dataclass(frozen=True)
class RunLine:
    """How one run of a task was made.

    Parameters
    ----------
    task : str
        Name of the task.
    settings : mapping
        Parameters of the encoder.
    seconds : float or None
        Of the evaluation.
    encoding : tuple of Encoding
        Per split and subset.
    versions, machine : mapping
        Packages, hardware.
    content : mapping
        The whole line.
    """

    task: str
    settings: Mapping[str, Any]
    seconds: float | None
    encoding: tuple[Encoding, ...]
    versions: Mapping[str, Any]
    machine: Mapping[str, Any]
    content: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Figure:
    """A number and how far it can be trusted.

    Parameters
    ----------
    value : float
        The number.
    low, high : float or None
        Its interval, if there is one.
    """

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Measurement:
    """A file of perplexity or bias.

    Parameters
    ----------
    name : str
        Of the file.
    kind : str
        Such as perplexity, pairs, weat, crows-pairs.
    figures : mapping of str to Figure
        What was measured.
    content : mapping
        The whole file.
    """

    name: str
    kind: str
    figures: Mapping[str, Figure]
    content: Mapping[str, Any] = field(repr=False)

    @property
    def data_name(self) -> str:
        """What was measured on; empty where the file does not say."""
        data = self.content.get("data")
        return str(data.get("name", "")) if isinstance(data, dict) else str(data or "")

    @property
    def n_texts(self) -> int | None:
        """How many texts; None where the file does not say."""
        data = self.content.get("data")
        count = data.get("texts") if isinstance(data, dict) else None
        return count if isinstance(count, int) else None

    @property
    def settings(self) -> Mapping[str, Any]:
        """How it was measured; empty where the file does not say."""
        found = self.content.get("settings")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, eq=False)
class ModelResults:
    """All results of one model in one revision with one choice of settings.

    Parameters
    ----------
    name : str
        ``"owner/model"``.
    revision : str
        The fingerprint of its files, or what its authors call it.
    settings : mapping
        What sets it apart from the same checkpoint as it is published; mostly empty.
    folder : Path
        Where the results lie.
    meta : mapping
        Record of the model in mteb's form; empty where there is none.
    tasks : mapping of str to TaskScores
        By task.
    examples : mapping of str to tuple of ExampleSet
        By task.
    runs : tuple of RunLine
        In the order they were made.
    perplexity, bias : tuple of Measurement
        By name.
    """

    name: str
    revision: str
    settings: Mapping[str, Any]
    folder: Path
    meta: Mapping[str, Any] = field(default_factory=dict)
    tasks: Mapping[str, TaskScores] = field(default_factory=dict)
    examples: Mapping[str, tuple[ExampleSet, ...]] = field(default_factory=dict)
    runs: tuple[RunLine, ...] = ()
    perplexity: tuple[Measurement, ...] = ()
    bias: tuple[Measurement, ...] = ()

    @property
    def parameters(self) -> int | None:
        """Number of the model's parameters; None where it is not known."""
        count = self.meta.get("n_parameters")
        return count if isinstance(count, int) and count > 0 else None


@dataclass(frozen=True)
class Results:
    """Everything in a results folder.

    Parameters
    ----------
    folder : Path
        Which.
    models : tuple of ModelResults
        Sorted by name, revision and settings.
    damaged : tuple of str
        Sentences about files that could not be read; each names its file.
    foreign : tuple of str
        Sentences about files that are none of the results.
    """

    folder: Path
    models: tuple[ModelResults, ...]
    damaged: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """A short name of each model that no other model has."""
        plain = [model.name.rpartition("/")[2] for model in self.models]
        owners = {
            short: {m.name for m in self.models if m.name.endswith(short)} for short in plain
        }
        names = [
            model.name if len(owners[short]) > 1 else short
            for model, short in zip(self.models, plain, strict=True)
        ]
        shown = [
            name + _show_settings(model.settings)
            for name, model in zip(names, self.models, strict=True)
        ]
        return tuple(
            f"{label} @{model.revision[:REVISION_SHOWN]}" if shown.count(label) > 1 else label
            for label, model in zip(shown, self.models, strict=True)
        )


def _show_settings(settings: Mapping[str, Any]) -> str:
    if not settings:
        return ""
    return f" [{', '.join(f'{name}={value}' for name, value in sorted(settings.items()))}]"
