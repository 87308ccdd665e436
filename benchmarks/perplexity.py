"""Perplexity of language models on texts: per token, word and byte, with intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from skencoder.errors import ParameterError, SkencoderError

from .errors import RunStoppedError
from .first_text import FirstTextKept
from .language_models import LanguageModel, ScoredToken, TextScore, open_language_model
from .output_files import make_results_folder
from .perplexity_scoring import PART, ScoredTexts, ScoringTask, score_texts
from .perplexity_settings import PerplexitySettings
from .perplexity_statistics import choose_measures, find_too_large, measure_texts
from .perplexity_texts import TextCollection
from .result_records import Figure

Report = TypeVar("Report")


@dataclass(frozen=True)
class ModelFacts:
    """Which model it was, and how it was run.

    Parameters
    ----------
    name : str
        Name or folder.
    kind : {"masked", "autoregressive"}
        What it is.
    method : str
        How it scored.
    fingerprint : str
        Of its files.
    used : mapping of str to object
        Lengths, stride, precision, device.
    """

    name: str
    kind: str
    method: str
    fingerprint: str
    used: Mapping[str, Any]

    @classmethod
    def of(cls, model: LanguageModel) -> "ModelFacts":
        """Note what a loaded model is.

        Parameters
        ----------
        model : LanguageModel
            Loaded.

        Returns
        -------
        ModelFacts
            Without its weights.
        """
        return cls(model.name, model.kind, model.method, model.fingerprint, model.used)


@dataclass(frozen=True)
class PerplexityReport:
    """What one model makes of a collection of texts.

    Parameters
    ----------
    model : ModelFacts
        Which it was.
    data : TextCollection
        The texts.
    scored : ScoredTexts
        Their scores.
    figures : mapping of str to Figure
        Over all texts.
    first : tuple of ScoredToken or None
        Tokens of the first text, where they were asked for.
    """

    model: ModelFacts
    data: TextCollection
    scored: ScoredTexts
    figures: Mapping[str, Figure]
    first: tuple[ScoredToken, ...] | None = None


def run_perplexity(
    models: Sequence[str],
    data: TextCollection,
    settings: PerplexitySettings | None = None,
    *,
    results: Path | None = None,
    read_first: bool = False,
) -> tuple[list[PerplexityReport], dict[str, str]]:
    """Score texts with models; one that cannot be used does not stop the others.

    Parameters
    ----------
    models : sequence of str
        Names or folders of checkpoints, masked or autoregressive.
    data : TextCollection
        The texts.
    settings : PerplexitySettings, optional
        How to score.
    results : path, optional
        Folder of results; texts that are finished there are not scored again.
    read_first : bool, default=False
        Whether the reports hold the tokens of the first text.

    Returns
    -------
    reports : list of PerplexityReport
        Of the models that could be used.
    failures : dict of str to str
        Model and reason of the others.

    Raises
    ------
    ParameterError
        If no model is named, or nothing can be written to the folder.
    RunStoppedError
        If it was stopped from the keyboard; finished texts are kept.
    """
    task = ScoringTask(PART, data, settings or PerplexitySettings(), results)
    return for_each_model(models, task, _measure_and_read if read_first else _measure)


def for_each_model(
    models: Sequence[str],
    task: ScoringTask,
    measure: Callable[[LanguageModel, ScoringTask], Report],
) -> tuple[list[Report], dict[str, str]]:
    """Load models one after the other and measure each; keep the reasons of those that fail.

    Parameters
    ----------
    models : sequence of str
        Names or folders of checkpoints.
    task : ScoringTask
        What is to be scored.
    measure : callable
        From a loaded model and the task to its report.

    Returns
    -------
    reports : list of object
        Of the models that could be used.
    failures : dict of str to str
        Model and reason of the others.

    Raises
    ------
    ParameterError
        If no model is named.
    RunStoppedError
        If it was stopped from the keyboard; finished texts are kept.
    """
    if not models:
        raise ParameterError("model: name at least one checkpoint.")
    if task.results:
        make_results_folder(task.results)
    reports: list[Report] = []
    failures: dict[str, str] = {}
    for name in dict.fromkeys(models):
        try:
            reports.append(measure(open_language_model(name, task.settings), task))
        except KeyboardInterrupt as error:
            raise RunStoppedError(_kept(task.results), reports) from error
        except SkencoderError as error:
            failures[name] = str(error)
    return reports, failures


def _measure(model: LanguageModel, task: ScoringTask) -> PerplexityReport:
    measures = choose_measures(model.kind, model.method)

    def figures(scores: Sequence[TextScore]) -> dict[str, Figure]:
        return measure_texts(scores, measures)

    def fields(scores: Sequence[TextScore]) -> dict[str, Any]:
        found = {name: asdict(figure) for name, figure in figures(scores).items()}
        return {"figures": found, "too_large": find_too_large(scores, measures)}

    scored = score_texts(model, task, fields)
    return PerplexityReport(ModelFacts.of(model), task.data, scored, figures(scored.scores))


def _measure_and_read(model: LanguageModel, task: ScoringTask) -> PerplexityReport:
    keeping = FirstTextKept(model, task.data.texts[0])
    return replace(_measure(keeping, task), first=keeping.tokens)


def _kept(results: Path | None) -> str:
    if results is None:
        return "stopped; without --results nothing is kept."
    return (
        f"stopped; what is scored is kept in {results}, and the same command goes on from there."
    )
