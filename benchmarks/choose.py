"""Encoders tried on a user's own labelled texts, by cross-validated logistic regression.

A text is encoded once per model and precision; folds read vectors from the cache. What follows
from the scores stands in `choose_recommendation`.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline

from skencoder import EmbeddingCache, release

from .candidates import Candidate, Size, make_candidates, measure_size
from .choose_settings import ChooseSettings
from .environment import describe_machine, package_versions
from .holm import holm
from .labelled_texts import LabelledTexts, check_folds, read_labelled_texts
from .resampled_t import ResampledT, resampled_t_test

# Inverse strengths of regularisation, of which each training part chooses one by folds of its own.
STRENGTHS = (0.1, 1.0, 10.0, 100.0)
INNER_FOLDS = 3
MAX_ITERATIONS = 1000

Folds = Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]


@dataclass(frozen=True)
class CandidateScore:
    """How good, fast and large a candidate is.

    Parameters
    ----------
    name : str
        The candidate.
    scores : tuple of float of length n_folds
        On each fold.
    strength : float
        The inverse strength of regularisation that was chosen most.
    texts_per_second : float or None
        Of turning new texts into features; None where vectors were in the cache.
    fit_seconds : float
        Of one training, vectors being there: the choice of a strength included.
    size : Size
        How large it is.
    test : ResampledT or None
        Against the best; None for the best itself.
    p_adjusted : float
        Holm's p-value of that test; 1 for the best itself.
    """

    name: str
    scores: tuple[float, ...]
    strength: float
    texts_per_second: float | None
    fit_seconds: float
    size: Size
    test: ResampledT | None = None
    p_adjusted: float = 1.0

    @property
    def mean(self) -> float:
        """Mean over the folds."""
        return float(np.mean(self.scores))


@dataclass(frozen=True)
class Choice:
    """What was tried.

    Parameters
    ----------
    candidates : tuple of CandidateScore
        Best first.
    metric : str
        What was judged.
    n_texts, n_labels, n_folds : int
        Of how many texts, labels and folds.
    tolerance : float
        Loss against the best that would not matter.
    majority : tuple of (str, float)
        The most frequent label and its share.
    notes : tuple of str
        What should be known.
    machine, versions : dict
        What it was measured with.
    """

    candidates: tuple[CandidateScore, ...]
    metric: str
    n_texts: int
    n_labels: int
    n_folds: int
    tolerance: float
    majority: tuple[str, float]
    notes: tuple[str, ...]
    machine: dict[str, Any]
    versions: dict[str, str | None]


@dataclass(frozen=True)
class _Judged:
    scores: tuple[float, ...]
    strength: float
    fit_seconds: float


def run_choose(settings: ChooseSettings) -> Choice:
    """Try encoders on labelled texts.

    Parameters
    ----------
    settings : ChooseSettings
        Texts, models, and how they are judged.

    Returns
    -------
    Choice
        All candidates, best first.

    Raises
    ------
    DataNotFoundError
        If there is no such file.
    TextInputError
        If the file or its labels cannot be used.
    ParameterError
        If a column or a choice is not there.
    CheckpointNotFoundError
        If there is no such model.
    DeviceError
        If this machine does not have a precision that was asked for.
    """
    data = read_labelled_texts(
        settings.texts,
        label=settings.label,
        text=settings.text,
        separator=settings.separator,
        encoding=settings.encoding,
    )
    check_folds(data.labels, settings.folds)
    folds = _make_folds(data, settings)
    notes = list(data.notes)
    with tempfile.TemporaryDirectory(prefix="skencoder-choose-") as scratch:
        cache = EmbeddingCache(settings.cache or Path(scratch) / "vectors")
        candidates = make_candidates(settings, cache, notes)
        costs = _measure_costs(candidates, data.texts, cache, notes)
        judged = _cross_validate(candidates, data, folds, settings.metric)
    scores = [
        CandidateScore(one.name, found.scores, found.strength, speed, found.fit_seconds, size)
        for one, found, (speed, size) in zip(candidates, judged, costs, strict=True)
    ]
    return Choice(
        candidates=tuple(_test_against_best(scores, folds)),
        metric=settings.metric,
        n_texts=len(data.texts),
        n_labels=len(set(data.labels)),
        n_folds=len(folds),
        tolerance=settings.tolerance,
        majority=data.majority,
        notes=tuple(notes),
        machine=describe_machine(),
        versions=package_versions(),
    )


def _make_folds(data: LabelledTexts, settings: ChooseSettings) -> Folds:
    splitter = RepeatedStratifiedKFold(
        n_splits=settings.folds, n_repeats=settings.repeats, random_state=settings.seed
    )
    return list(splitter.split(data.texts, data.labels))


def _measure_costs(
    candidates: Sequence[Candidate],
    texts: NDArray[np.object_],
    cache: EmbeddingCache,
    notes: list[str],
) -> list[tuple[float | None, Size]]:
    """Encode all texts, one pass for each group; tell texts per second and size of each."""
    costs: list[tuple[float | None, Size]] = []
    for _, group in groupby(candidates, key=lambda candidate: candidate.group):
        members = list(group)
        if members[0].is_encoder:
            speed = _time_encoder(members, texts, cache, notes)
        else:
            speed = _time_counts(members[0], texts)
        costs += [(speed, measure_size(member, texts.tolist())) for member in members]
        # One model at a time is in memory.
        release()
    return costs


def _time_encoder(
    members: Sequence[Candidate],
    texts: NDArray[np.object_],
    cache: EmbeddingCache,
    notes: list[str],
) -> float | None:
    vectorizer = members[0].vectorizer
    _ = vectorizer.encoder_  # loading is no part of the speed
    before = cache.stats().texts_encoded
    start = time.perf_counter()
    vectorizer.precompute(texts, poolings=[one.vectorizer.pooling for one in members])
    seconds = time.perf_counter() - start
    encoded = cache.stats().texts_encoded - before
    if encoded < len(set(texts)):
        notes.append(f"{members[0].name}: no speed, its vectors were in the cache.")
        return None
    return len(texts) / seconds


def _time_counts(candidate: Candidate, texts: NDArray[np.object_]) -> float:
    fitted = clone(candidate.vectorizer).fit(texts)
    start = time.perf_counter()
    fitted.transform(texts)
    return len(texts) / (time.perf_counter() - start)


def _cross_validate(
    candidates: Sequence[Candidate], data: LabelledTexts, folds: Folds, metric: str
) -> list[_Judged]:
    from tqdm import tqdm

    n_steps = len(candidates) * len(folds)
    shown = {"desc": "Cross-validation", "unit": " folds", "disable": not sys.stderr.isatty()}
    with tqdm(total=n_steps, file=sys.stderr, **shown) as bar:
        return [_judge(candidate, data, folds, metric, bar) for candidate in candidates]


def _judge(
    candidate: Candidate, data: LabelledTexts, folds: Folds, metric: str, bar: Any
) -> _Judged:
    bar.set_postfix_str(candidate.name)
    scores, strengths, seconds = [], [], []
    for train, test in folds:
        pipeline = make_pipeline(
            clone(candidate.vectorizer), _make_classifier(data, train, metric)
        )
        start = time.perf_counter()
        pipeline.fit(data.texts[train], data.labels[train])
        seconds.append(time.perf_counter() - start)
        scores.append(float(pipeline.score(data.texts[test], data.labels[test])))
        strengths.append(float(np.ravel(pipeline[-1].C_)[0]))
        bar.update()
    values, counts = np.unique(strengths, return_counts=True)
    return _Judged(tuple(scores), float(values[counts.argmax()]), float(np.median(seconds)))


def _make_classifier(
    data: LabelledTexts, train: NDArray[np.intp], metric: str
) -> LogisticRegressionCV:
    rarest = np.unique(data.labels[train], return_counts=True)[1].min()
    return LogisticRegressionCV(
        Cs=list(STRENGTHS),
        l1_ratios=(0.0,),
        cv=StratifiedKFold(min(INNER_FOLDS, int(rarest)), shuffle=True, random_state=0),
        scoring=metric,
        max_iter=MAX_ITERATIONS,
        use_legacy_attributes=False,
    )


def _test_against_best(scores: Sequence[CandidateScore], folds: Folds) -> list[CandidateScore]:
    best, *others = sorted(scores, key=lambda one: -one.mean)
    train, test = folds[0]
    tests = [
        resampled_t_test(one.scores, best.scores, n_train=len(train), n_test=len(test))
        for one in others
    ]
    adjusted = holm([test.p_value for test in tests])
    told = [
        CandidateScore(**{**vars(one), "test": test, "p_adjusted": p_adjusted})
        for one, test, p_adjusted in zip(others, tests, adjusted, strict=True)
    ]
    return [best, *told]
