"""Texts scored in lots, kept as they are done, and the result written when all are there."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from skencoder.errors import ParameterError

from .environment import describe_machine, package_versions
from .errors import ScoringStoppedError
from .language_models import Advance, LanguageModel, TextScore
from .perplexity_progress import ScoringBar
from .perplexity_settings import PerplexitySettings
from .perplexity_store import PerplexityStore, result_folder
from .perplexity_texts import TextCollection
from .scoring_lots import cut_lots

PART = "perplexity"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScoredTexts:
    """Scores of a collection.

    Parameters
    ----------
    scores : tuple of TextScore
        Of each text.
    seconds : float
        Of scoring in this run; 0 where everything was there already.
    path : path or None
        File of the result.
    """

    scores: tuple[TextScore, ...]
    seconds: float
    path: Path | None


@dataclass(frozen=True)
class ScoringTask:
    """What is to be scored, and where the result goes.

    Parameters
    ----------
    kind : {"perplexity", "pairs"}
        What the scores are for.
    data : TextCollection
        The texts.
    settings : PerplexitySettings
        As the model was loaded with.
    results : path or None
        Folder of results; texts that are finished there are not scored again.
    """

    kind: str
    data: TextCollection
    settings: PerplexitySettings
    results: Path | None

    def open_store(self, model: LanguageModel) -> PerplexityStore | None:
        """Find the place of a model's result.

        Parameters
        ----------
        model : LanguageModel
            Loaded.

        Returns
        -------
        PerplexityStore or None
            None where nothing is to be kept.
        """
        if self.results is None:
            return None
        folder = result_folder(self.results, model.name, model.fingerprint, PART)
        unusual = [f"{name}={value}" for name, value in self.settings.unusual().items()]
        first = f"{self.data.name}-{self.data.checksum}"
        name = ".".join(
            [first, *([] if self.kind == PART else [self.kind]), model.method, *unusual]
        )
        return PerplexityStore(folder, name, self._run(model), len(self.data.texts))

    def describe(self, model: LanguageModel, scored: ScoredTexts) -> dict[str, Any]:
        """Write down what a result's file has beside its figures.

        Parameters
        ----------
        model : LanguageModel
            That scored.
        scored : ScoredTexts
            What it found.

        Returns
        -------
        dict
            For JSON.
        """
        return {
            "kind": self.kind,
            "model": model.name,
            "model_kind": model.kind,
            "fingerprint": model.fingerprint,
            "method": model.method,
            "data": {
                "name": self.data.name,
                "checksum": self.data.checksum,
                "texts": len(self.data.texts),
            },
            "texts": [asdict(score) for score in scored.scores],
            "settings": {**asdict(self.settings), **model.used},
            "seconds": scored.seconds,
            "versions": package_versions(),
            "machine": describe_machine(),
        }

    def _run(self, model: LanguageModel) -> dict[str, Any]:
        used = {key: value for key, value in model.used.items() if key != "device"}
        return {
            "fingerprint": model.fingerprint,
            "method": model.method,
            "data": self.data.checksum,
            "used": used,
        }


def score_texts(
    model: LanguageModel,
    task: ScoringTask,
    figures: Callable[[Sequence[TextScore]], Mapping[str, Any]],
) -> ScoredTexts:
    """Score all texts that are not scored yet, and write the result.

    Parameters
    ----------
    model : LanguageModel
        Loaded.
    task : ScoringTask
        What is to be scored.
    figures : callable
        From the scores of all texts to the fields of the result's file that sum them up.

    Returns
    -------
    ScoredTexts
        Of all texts.

    Raises
    ------
    ParameterError
        If no text has a token.
    ResultFileError
        If the result's file is damaged, of another run, or being written.
    """
    store = task.open_store(model)
    if store is None:
        return _score_all(model, task.data, {}, None)
    with store.held():
        scored = _score_all(model, task.data, store.load(), store)
        if not store.path.is_file():
            store.finish({**task.describe(model, scored), **figures(scored.scores)})
    return scored


def _score_all(
    model: LanguageModel,
    data: TextCollection,
    known: Mapping[int, TextScore],
    store: PerplexityStore | None,
) -> ScoredTexts:
    texts, scores, started = data.texts, dict(known), time.perf_counter()
    missing = [row for row in range(len(texts)) if row not in scores]
    if known:
        log.info("%d of %d texts were scored before.", len(texts) - len(missing), len(texts))
    costs = model.costs([texts[row] for row in missing]) if missing else []
    with ScoringBar(costs) as bar:
        for lot in cut_lots(costs):
            bar.begin([costs[place] for place in lot])
            chosen = {missing[place]: texts[missing[place]] for place in lot}
            scores |= _score_lot(model, chosen, store, bar.advance)
    if not any(score.tokens for score in scores.values()):
        raise ParameterError(f"none of the texts of {data.name} has a token that can be scored.")
    seconds = time.perf_counter() - started if missing else 0.0
    whole = tuple(scores[row] for row in range(len(texts)))
    return ScoredTexts(whole, seconds, store.path if store else None)


def _score_lot(
    model: LanguageModel,
    texts: Mapping[int, str],
    store: PerplexityStore | None,
    advance: Advance,
) -> dict[int, TextScore]:
    """Score texts and keep them, or what is finished of them where it is stopped."""
    rows = list(texts)
    try:
        found = dict(enumerate(model.score(list(texts.values()), advance)))
    except ScoringStoppedError as stop:
        _keep({rows[place]: score for place, score in stop.scores.items()}, store)
        raise
    return _keep({rows[place]: score for place, score in found.items()}, store)


def _keep(scores: dict[int, TextScore], store: PerplexityStore | None) -> dict[int, TextScore]:
    if store is not None and scores:
        store.append(scores)
    return scores
