"""A pretraining run as a table and as a picture; nothing is trained here."""

from pathlib import Path

import numpy as np

from .held_out_guesses import Estimate
from .learning_curves import Curve, plot_curves
from .pretraining import Pretrained, PretrainingReport
from .tables import format_table

MILLION = 1e6


def format_pretraining(report: PretrainingReport) -> str:
    """Write the report as two tables.

    Parameters
    ----------
    report : PretrainingReport
        What was measured.

    Returns
    -------
    str
        Perplexities and accuracies, each with its 95 % interval.
    """
    settings = report.settings
    first = report.models[0]
    head = (
        f"Python's documentation: {report.n_train} documents to learn from, {report.n_test} held "
        f"out, {report.n_topics} topics.\n"
        f"{settings.layers} layers of width {settings.hidden_size}, {first.parameters:,} "
        f"parameters, {settings.steps} steps ({first.epochs:.0f} passes).\n"
        "Intervals of 95 %: held-out documents drawn with replacement.\n\n"
    )
    guessing = format_table(
        [
            "positions",
            "random start",
            "trained",
            "times lower",
            "of the unigram's",
            "tokens/s",
            "s",
        ],
        [_guessing(one) for one in report.models],
    )
    topics = format_table(
        ["vectors of", "untrained", "trained", "gain in points"],
        [_topics(one) for one in report.models],
    )
    return (
        f"{head}Perplexity of masked tokens in held-out documents; the unigram model has "
        f"{_shown(first.unigram, '.0f')}\n\n{guessing}\n\n"
        f"Accuracy of the topic of held-out documents; TF-IDF has {_shown(report.tfidf, '.3f')}"
        f"\n\n{topics}"
    )


def _guessing(one: Pretrained) -> list[str]:
    return [
        one.positions,
        _shown(one.before, ".0f"),
        _shown(one.after, ".1f"),
        f"{one.fall:.1f}",
        _shown(one.over_unigram, ".3f"),
        f"{one.tokens_per_second:.0f}",
        f"{one.seconds:.0f}",
    ]


def _topics(one: Pretrained) -> list[str]:
    points = Estimate(*(100 * value for value in (one.gain.value, one.gain.low, one.gain.high)))
    return [
        one.positions,
        _shown(one.accuracy_before, ".3f"),
        _shown(one.accuracy_after, ".3f"),
        _shown(points, "+.1f"),
    ]


def _shown(figure: Estimate, spec: str) -> str:
    value, low, high = (format(number, spec) for number in (figure.value, figure.low, figure.high))
    return f"{value} ({low} to {high})"


def plot_pretraining(report: PretrainingReport, path: Path) -> None:
    """Draw the course of the trainings.

    Parameters
    ----------
    report : PretrainingReport
        What was measured.
    path : path
        File to write, its suffix decides on the format.
    """
    curves = [
        Curve(one.positions, [tokens / MILLION for tokens in one.tokens], one.loss)
        for one in report.models
    ]
    plot_curves(
        curves,
        path,
        x="tokens read, millions",
        y="loss, nats per masked token",
        level=("token frequencies", float(np.log(report.models[0].unigram.value))),
    )
