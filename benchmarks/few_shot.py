"""Few labelled texts: an encoder tuned on them beside the frozen one, TF-IDF and setfit.

Every way learns from the same draws and is judged on the same rows. The frozen encoder's logistic
regression chooses its strength by folds; the tuned one's cannot (its training texts are apart
by then in any fold), so that it takes a fixed one.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from skencoder import EncoderVectorizer, release
from skencoder.errors import ParameterError
from skencoder.objectives import SupervisedContrastive

from .classification import SOURCES, Split, draw_rows, load_splits
from .errors import EngineUnavailableError
from .few_shot_setfit import load_setfit
from .few_shot_settings import FewShotSettings

STRENGTH = 10.0
STRENGTHS = (0.1, 1.0, 10.0, 100.0)
FOLDS = 3
MAX_ITERATIONS = 2000
# Rows judged where choices are made, and what keeps their draws apart from all others.
CHOICE_ROWS, CHOICE_SEED = 2000, 1000

TFIDF = "TF-IDF, C by folds"
FROZEN_PLAIN = "frozen encoder, C = 1"
FROZEN_STRONG = "frozen encoder, C = 10"
FROZEN = "frozen encoder, C by folds"
TUNED_PLAIN = "SupervisedContrastive, C = 1"
TUNED = "SupervisedContrastive, C = 10"
SETFIT = "setfit"


@dataclass(frozen=True)
class Outcome:
    """How one way did on one draw.

    Parameters
    ----------
    accuracy : float
        On the rows that are judged.
    seconds : float
        Of learning, up to a fitted classifier.
    """

    accuracy: float
    seconds: float


@dataclass(frozen=True)
class FewShotReport:
    """What was measured.

    Parameters
    ----------
    settings : FewShotSettings
        As asked for.
    n_labels, n_train, n_test : int
        Labels, texts of a draw, texts that are judged.
    outcomes : dict of str to list of Outcome
        By way, one per draw; fewer for setfit.
    left_out : dict of str to str
        What could not be compared, and why.
    """

    settings: FewShotSettings
    n_labels: int
    n_train: int
    n_test: int
    outcomes: dict[str, list[Outcome]]
    left_out: dict[str, str]


# From a draw, the rows to be judged and a seed to outcomes by the name of their way.
Way = Callable[[Split, Split, int], dict[str, Outcome]]


def run_few_shot(settings: FewShotSettings) -> FewShotReport:
    """Learn from a few texts of each label in several ways.

    Parameters
    ----------
    settings : FewShotSettings
        Data, model, draws.

    Returns
    -------
    FewShotReport
        Every way on every draw.

    Raises
    ------
    ParameterError
        If there are no such data, or a label has too few texts.
    MissingDataError
        If they are not in the folder.
    """
    if settings.data not in SOURCES:
        raise ParameterError(f"data={settings.data!r}: expected one of {', '.join(SOURCES)}.")
    train, test = load_splits(settings.data_root, settings.data)
    ways: list[Way] = [
        _count_words,
        partial(_freeze, settings.model),
        partial(_tune, settings.model),
    ]
    setfit, left_out = _find_setfit(settings)
    outcomes: dict[str, list[Outcome]] = {}
    for seed in range(settings.draws):
        drawn, judged = _draw(train, test, settings, seed)
        for way in [*ways, *(setfit if seed < settings.setfit_draws else [])]:
            for name, outcome in way(drawn, judged, seed).items():
                outcomes.setdefault(name, []).append(outcome)
            # One model at a time is in memory.
            release()
    n_labels = len(np.unique(drawn.labels))
    return FewShotReport(
        settings, n_labels, len(drawn.labels), len(judged.labels), outcomes, left_out
    )


def _find_setfit(settings: FewShotSettings) -> tuple[list[Way], dict[str, str]]:
    if not settings.setfit_draws:
        return [], {}
    try:
        learn = load_setfit(settings.model, settings.setfit_iterations)
    except EngineUnavailableError as error:
        return [], {SETFIT: str(error)}

    def way(drawn: Split, judged: Split, seed: int) -> dict[str, Outcome]:
        start = time.perf_counter()
        predict = learn(drawn.texts.tolist(), drawn.labels, seed)
        seconds = time.perf_counter() - start
        right = predict(judged.texts.tolist()) == judged.labels
        return {SETFIT: Outcome(float(np.mean(right)), seconds)}

    return [way], {}


def _draw(train: Split, test: Split, settings: FewShotSettings, seed: int) -> tuple[Split, Split]:
    """Take a few texts of each label, and the rows that are judged."""
    names, counts = np.unique(train.labels, return_counts=True)
    if counts.min() < settings.shots:
        raise ParameterError(
            f"shots={settings.shots}, but the label {names[counts.argmin()].item()!r} has "
            f"{counts.min()} texts."
        )
    if not settings.choose:
        return train.take(draw_rows(train.labels, settings.shots, seed)), test
    seed += CHOICE_SEED
    chosen = draw_rows(train.labels, settings.shots, seed)
    others = np.setdiff1d(np.arange(len(train.labels)), chosen)
    judged = np.random.default_rng(seed).permutation(others)[:CHOICE_ROWS]
    return train.take(chosen), train.take(judged)


def _count_words(drawn: Split, judged: Split, seed: int) -> dict[str, Outcome]:
    return _classify(TfidfVectorizer(sublinear_tf=True), {TFIDF: _by_folds}, drawn, judged)


def _freeze(model: str, drawn: Split, judged: Split, seed: int) -> dict[str, Outcome]:
    vectorizer = EncoderVectorizer(model, precision="float32", overflow="truncate")
    ways: dict[str, Callable[[], Any]] = {
        FROZEN_PLAIN: partial(_with_strength, 1.0),
        FROZEN_STRONG: partial(_with_strength, STRENGTH),
        FROZEN: _by_folds,
    }
    return _classify(vectorizer, ways, drawn, judged)


def _tune(model: str, drawn: Split, judged: Split, seed: int) -> dict[str, Outcome]:
    vectorizer = EncoderVectorizer(
        model,
        precision="float32",
        overflow="truncate",
        fine_tune=SupervisedContrastive(),
        random_state=seed,
    )
    ways = {
        TUNED_PLAIN: partial(_with_strength, 1.0),
        TUNED: partial(_with_strength, STRENGTH),
    }
    return _classify(vectorizer, ways, drawn, judged)


def _classify(
    vectorizer: Any, ways: Mapping[str, Callable[[], Any]], drawn: Split, judged: Split
) -> dict[str, Outcome]:
    start = time.perf_counter()
    learned = vectorizer.fit(drawn.texts, drawn.labels).transform(drawn.texts)
    tuning = time.perf_counter() - start
    vectors = vectorizer.transform(judged.texts)
    outcomes = {}
    for name, make in ways.items():
        start = time.perf_counter()
        classifier = make().fit(learned, drawn.labels)
        seconds = tuning + time.perf_counter() - start
        outcomes[name] = Outcome(float(classifier.score(vectors, judged.labels)), seconds)
    return outcomes


def _with_strength(strength: float) -> Any:
    return LogisticRegression(C=strength, max_iter=MAX_ITERATIONS)


def _by_folds() -> Any:
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    return GridSearchCV(_with_strength(1.0), {"C": list(STRENGTHS)}, cv=folds)
