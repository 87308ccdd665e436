"""Minimal pairs: which of two sentences that differ in one point a model finds likelier.

Read from BLiMP's files, one JSON object per line. What a pair decides is the whole sentences'
log-likelihood ("simple LM method").
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .errors import MissingDataError, UnreadableDataError
from .language_models import LanguageModel, TextScore
from .perplexity import ModelFacts, for_each_model
from .perplexity_scoring import ScoredTexts, ScoringTask, score_texts
from .perplexity_settings import PerplexitySettings
from .perplexity_statistics import mean_bounds, wilson_bounds
from .perplexity_texts import TextCollection
from .result_records import Figure

KIND = "pairs"
OVERALL = "mean over paradigms"
GOOD, BAD, PARADIGM, PHENOMENON = "sentence_good", "sentence_bad", "UID", "linguistics_term"


@dataclass(frozen=True)
class MinimalPair:
    """Two sentences, of which the first is the acceptable one.

    Parameters
    ----------
    good, bad : str
        The sentences.
    paradigm : str
        What they differ in; BLiMP's UID, else the file's name.
    phenomenon : str
        What that is a case of; BLiMP's linguistics_term, else the paradigm.
    """

    good: str
    bad: str
    paradigm: str
    phenomenon: str


@dataclass(frozen=True)
class PairCollection:
    """Minimal pairs and where they are from.

    Parameters
    ----------
    name : str
        Short, for tables and files.
    pairs : tuple of MinimalPair
        In their order.
    """

    name: str
    pairs: tuple[MinimalPair, ...]

    @property
    def texts(self) -> TextCollection:
        """Good and bad sentences in turn."""
        flat = tuple(text for pair in self.pairs for text in (pair.good, pair.bad))
        return TextCollection(self.name, flat)


@dataclass(frozen=True)
class PairsReport:
    """How often one model prefers the acceptable sentence.

    Parameters
    ----------
    model : ModelFacts
        Which it was.
    data : PairCollection
        The pairs.
    scored : ScoredTexts
        Scores of good and bad sentences in turn.
    accuracies : mapping of str to Figure
        By paradigm, then by phenomenon if it has several, and `OVERALL`.
    """

    model: ModelFacts
    data: PairCollection
    scored: ScoredTexts
    accuracies: Mapping[str, Figure]


def run_pairs(
    models: Sequence[str],
    data: PairCollection,
    settings: PerplexitySettings | None = None,
    *,
    results: Path | None = None,
) -> tuple[list[PairsReport], dict[str, str]]:
    """Let models choose between the sentences of minimal pairs.

    Parameters
    ----------
    models : sequence of str
        Names or folders of checkpoints, masked or autoregressive.
    data : PairCollection
        The pairs.
    settings : PerplexitySettings, optional
        How to score.
    results : path, optional
        Folder of results; sentences that are finished there are not scored again.

    Returns
    -------
    reports : list of PairsReport
        Of the models that could be used.
    failures : dict of str to str
        Model and reason of the others.

    Raises
    ------
    ParameterError
        If no model is named.
    RunStoppedError
        If it was stopped from the keyboard; finished sentences are kept.

    References
    ----------
    .. [1] Warstadt et al. (2020), BLiMP: The benchmark of linguistic minimal pairs for English,
       arXiv:1912.00582.
    """
    task = ScoringTask(KIND, data.texts, settings or PerplexitySettings(), results)

    def measure(model: LanguageModel, task: ScoringTask) -> PairsReport:
        def fields(scores: Sequence[TextScore]) -> dict[str, Any]:
            found = measure_pairs(data.pairs, scores)
            return {"figures": {name: asdict(figure) for name, figure in found.items()}}

        scored = score_texts(model, task, fields)
        accuracies = measure_pairs(data.pairs, scored.scores)
        return PairsReport(ModelFacts.of(model), data, scored, accuracies)

    return for_each_model(models, task, measure)


def measure_pairs(pairs: Sequence[MinimalPair], scores: Sequence[TextScore]) -> dict[str, Figure]:
    """Count how often the good sentence is likelier; equally likely ones count as wrong.

    Parameters
    ----------
    pairs : sequence of MinimalPair
        The pairs.
    scores : sequence of TextScore
        Of good and bad sentences in turn.

    Returns
    -------
    dict of str to Figure
        Of each paradigm with Wilson's interval; of each phenomenon of several paradigms, and
        over all, the mean over paradigms with Price and Bonett's.

    See Also
    --------
    wilson_bounds, mean_bounds : Where the intervals are from.
    """
    sums = np.array([score.log_likelihood for score in scores]).reshape(-1, 2)
    right = sums[:, 0] > sums[:, 1]
    members: dict[str, list[int]] = {}
    for row, pair in enumerate(pairs):
        members.setdefault(pair.paradigm, []).append(row)
    counts = {name: (int(right[rows].sum()), len(rows)) for name, rows in members.items()}
    found = {
        name: Figure(count / total, *wilson_bounds(count, total))
        for name, (count, total) in counts.items()
    }
    groups: dict[str, list[str]] = {}
    for pair in pairs:
        group = groups.setdefault(pair.phenomenon, [])
        if pair.paradigm not in group:
            group.append(pair.paradigm)
    for phenomenon, names in groups.items():
        if len(names) > 1:
            found[f"{phenomenon} (mean)"] = _mean([counts[name] for name in names])
    found[OVERALL] = _mean(list(counts.values()))
    return found


def read_pairs(path: Path) -> PairCollection:
    """Read minimal pairs.

    Parameters
    ----------
    path : path
        A ``.jsonl`` file, or a folder of such.

    Returns
    -------
    PairCollection
        Of all files, in the order of their names.

    Raises
    ------
    MissingDataError
        If there is no such file.
    UnreadableDataError
        If a line is no pair.
    """
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise MissingDataError(f"pairs: there is no file {path}, or no .jsonl file in it.")
    pairs = tuple(pair for file in files for pair in _read_file(file))
    if not pairs:
        raise UnreadableDataError(f"{path} holds no pair.")
    return PairCollection(path.stem, pairs)


def first_pairs(data: PairCollection, number: int | None) -> PairCollection:
    """Take the first pairs of each paradigm.

    Parameters
    ----------
    data : PairCollection
        All pairs.
    number : int or None
        How many of each; None takes all.

    Returns
    -------
    PairCollection
        These, in their order.
    """
    seen: dict[str, int] = {}
    kept = []
    for pair in data.pairs:
        seen[pair.paradigm] = seen.get(pair.paradigm, 0) + 1
        if number is None or seen[pair.paradigm] <= number:
            kept.append(pair)
    return PairCollection(data.name, tuple(kept))


def _read_file(path: Path) -> list[MinimalPair]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise UnreadableDataError(f"{path} cannot be read as UTF-8: {error}.") from error
    return [_read_line(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _read_line(path: Path, number: int, line: str) -> MinimalPair:
    try:
        entry = json.loads(line)
        paradigm = str(entry.get(PARADIGM) or path.stem)
        pair = MinimalPair(
            entry[GOOD], entry[BAD], paradigm, str(entry.get(PHENOMENON) or paradigm)
        )
        if not all(isinstance(text, str) and text.strip() for text in (pair.good, pair.bad)):
            raise TypeError("a sentence is no text, or empty")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableDataError(
            f"line {number} of {path} is no minimal pair with {GOOD} and {BAD}: {error}."
        ) from error
    return pair


def _mean(counts: Sequence[tuple[int, int]]) -> Figure:
    right, pairs = np.array(counts).T
    return Figure(float((right / pairs).mean()), *mean_bounds(right, pairs))
