"""A smaller student of a sentence encoder: how fast, and how much of the teacher's scores.

It learns the teacher's vectors of texts without labels, none of which it is judged on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.linear_model import LogisticRegression

from skencoder import EncoderVectorizer, EncodingOptions, release
from skencoder.objectives import Distillation, Training

from .classification import draw_rows
from .distillation_settings import DistillationSettings
from .distillation_texts import DistillationTexts, Pairs, read_texts
from .held_out_guesses import Estimate
from .paired_bootstrap import percentile_interval, resample_scores
from .speed_rounds import seconds_of, take_turns
from .speed_statistics import median_interval, round_ratios
from .weighted_statistics import Weighted, weighted_mean, weighted_spearman

SHOTS = 8
FEW = 100
TIMED = 1000
STRENGTH = 10.0


@dataclass(frozen=True)
class Kept:
    """What a student keeps of its teacher's score.

    Parameters
    ----------
    task : str
        What is scored.
    teacher, untrained, student : float
        Scores: of the teacher, of the student before its first step, and after the last.
    share : Estimate
        The student's as a part of the teacher's; the examples are drawn for both together.
    """

    task: str
    teacher: float
    untrained: float
    student: float
    share: Estimate


@dataclass(frozen=True)
class DistillationReport:
    """What was measured.

    Parameters
    ----------
    settings : DistillationSettings
        As asked for.
    sources : dict of str to int
        What the student learned from.
    kept : list of Kept
        By task.
    speedup : Estimate
        How many times faster the student is, text in and vectors out, over the rounds.
    texts_per_second : dict of str to float
        Of both: median over the rounds.
    seconds : float
        Of the training.
    tokens, loss : list of float
        Its course: tokens read so far, and the loss.
    """

    settings: DistillationSettings
    sources: dict[str, int]
    kept: list[Kept]
    speedup: Estimate
    texts_per_second: dict[str, float]
    seconds: float
    tokens: list[float]
    loss: list[float]


@dataclass(frozen=True)
class _Score:
    """A score of examples, which can be drawn again."""

    statistic: Weighted
    n_examples: int

    @property
    def value(self) -> float:
        return float(self.statistic(np.ones((1, self.n_examples)))[0])


def run_distillation(settings: DistillationSettings) -> DistillationReport:
    """Distil a student and compare it with its teacher.

    Parameters
    ----------
    settings : DistillationSettings
        Teacher, student, data.

    Returns
    -------
    DistillationReport
        Scores and speeds of both.

    Raises
    ------
    MissingDataError
        If the data are not there.
    ParameterError
        If the teacher has fewer layers.
    """
    texts = read_texts(settings)
    teacher = EncoderVectorizer(settings.model, precision="float32", overflow="truncate")
    student = _learn(settings, texts.learned, None)
    # Nothing is learned in no step, so few texts are enough.
    untrained = _learn(settings, texts.learned[:FEW], 0)
    # The teacher learns nothing of the texts.
    encoders = [teacher.fit(texts.learned), untrained, student]
    release()
    speedup, rates = _time(teacher, student, texts.test.texts[:TIMED].tolist(), settings.rounds)
    history = student.history_
    return DistillationReport(
        settings=settings,
        sources=texts.sources,
        kept=[
            _keep("STSBenchmark, Spearman", [_order(one, texts.pairs) for one in encoders]),
            _keep(
                f"Banking77, accuracy from {SHOTS} texts per label",
                [_classify(one, texts, settings.draws) for one in encoders],
            ),
        ],
        speedup=speedup,
        texts_per_second=rates,
        seconds=float(history["seconds"].iloc[-1]),
        tokens=history["tokens"].cumsum().astype(float).tolist(),
        loss=history["loss"].tolist(),
    )


def _learn(
    settings: DistillationSettings, texts: Sequence[str], max_steps: int | None
) -> EncoderVectorizer:
    training = Training(
        epochs=settings.epochs, max_steps=max_steps, learning_rate=settings.learning_rate
    )
    vectorizer = EncoderVectorizer(
        settings.model,
        precision="float32",
        overflow="truncate",
        fine_tune=Distillation(num_hidden_layers=settings.layers, training=training),
        random_state=settings.seed,
    )
    vectorizer.fit(texts)
    return vectorizer


def _order(encoder: EncoderVectorizer, pairs: Pairs) -> _Score:
    first, second = (np.asarray(encoder.transform(side)) for side in (pairs.first, pairs.second))
    # Vectors have length one.
    cosines = (first * second).sum(axis=1)
    return _Score(weighted_spearman(cosines, pairs.scores), len(pairs.scores))


def _classify(encoder: EncoderVectorizer, texts: DistillationTexts, draws: int) -> _Score:
    judged = encoder.transform(texts.test.texts)
    right = np.zeros(len(judged))
    for seed in range(draws):
        drawn = texts.train.take(draw_rows(texts.train.labels, SHOTS, seed))
        classifier = LogisticRegression(C=STRENGTH, max_iter=1000)
        classifier.fit(encoder.transform(drawn.texts), drawn.labels)
        right += classifier.predict(judged) == texts.test.labels
    return _Score(weighted_mean(right / draws), len(judged))


def _keep(task: str, scores: Sequence[_Score]) -> Kept:
    teacher, untrained, student = scores
    drawn = resample_scores([one.statistic for one in scores], teacher.n_examples)
    # A resample in which the teacher scores nothing has no share.
    with np.errstate(divide="ignore", invalid="ignore"):
        interval = percentile_interval(drawn[2] / drawn[0])
    ends = (interval.low, interval.high) if interval else (np.nan, np.nan)
    share = Estimate(student.value / teacher.value, *ends)
    return Kept(task, teacher.value, untrained.value, student.value, share)


def _time(
    teacher: EncoderVectorizer, student: EncoderVectorizer, texts: list[str], rounds: int
) -> tuple[Estimate, dict[str, float]]:
    """Let both encode the same texts in turns; nothing comes out of a cache."""
    encoders = {"teacher": teacher.encoder_, "student": student.encoder_}
    options = EncodingOptions(overflow="truncate")
    actions = {
        name: partial(seconds_of, one.encode, texts, options) for name, one in encoders.items()
    }
    for action in actions.values():
        action()
    seconds = take_turns(actions, rounds=rounds)
    ratios = round_ratios(seconds["student"], seconds["teacher"])
    rates = {name: len(texts) / float(np.median(times)) for name, times in seconds.items()}
    return Estimate(*median_interval(ratios)), rates
