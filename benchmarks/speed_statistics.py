"""From seconds per round to rates, ratios and their uncertainty; nothing is timed here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap

CONFIDENCE = 0.95
SEED = 0


@dataclass(frozen=True)
class EngineSpeed:
    """How fast one engine encoded one set of texts.

    Parameters
    ----------
    engine : str
        Name of the engine.
    description : str
        Library, precision and settings, for people.
    seconds : tuple of float
        Wall time of each round.
    texts_per_second : float
        Median over the rounds.
    slowest, fastest : float
        Least and most texts per second over the rounds.
    ratio : float
        How many times faster than the baseline: median over the rounds of the baseline's
        seconds divided by this engine's seconds of the same round.
    ratio_low, ratio_high : float
        95 % bootstrap interval of that median.
    worst_cosine : float
        Least cosine of a vector with the baseline's vector of the same text.
    """

    engine: str
    description: str
    seconds: tuple[float, ...]
    texts_per_second: float
    slowest: float
    fastest: float
    ratio: float
    ratio_low: float
    ratio_high: float
    worst_cosine: float


def round_ratios(seconds: Sequence[float], baseline_seconds: Sequence[float]) -> NDArray[Any]:
    """Divide the baseline's time by an engine's time, round by round.

    Parameters
    ----------
    seconds : sequence of float of length n_rounds
        Of the engine.
    baseline_seconds : sequence of float of length n_rounds
        Of the baseline, in the same rounds.

    Returns
    -------
    float64 of shape (n_rounds,)
        2.0 where the engine took half the time.
    """
    return np.asarray(baseline_seconds, dtype=np.float64) / np.asarray(seconds, dtype=np.float64)


def median_interval(ratios: NDArray[Any]) -> tuple[float, float, float]:
    """Estimate a median and how far it can be trusted.

    Parameters
    ----------
    ratios : float of shape (n_rounds,)
        One ratio per round; at least two rounds.

    Returns
    -------
    (median, low, high)
        With the bounds of the 95 % percentile bootstrap interval.
    """
    interval = bootstrap(
        (ratios,),
        np.median,
        confidence_level=CONFIDENCE,
        method="percentile",
        random_state=np.random.default_rng(SEED),
    ).confidence_interval
    return float(np.median(ratios)), float(interval.low), float(interval.high)


def worst_cosine(vectors: NDArray[Any], reference: NDArray[Any]) -> float:
    """Find the text whose two vectors agree least.

    Parameters
    ----------
    vectors, reference : float of shape (n_texts, n_features)
        Vectors of the same texts.

    Returns
    -------
    float
        Least cosine over the texts.
    """
    first, second = (_unit_rows(array) for array in (vectors, reference))
    return float((first * second).sum(axis=1).min())


def _unit_rows(vectors: NDArray[Any]) -> NDArray[Any]:
    rows = np.asarray(vectors, dtype=np.float64)
    unit: NDArray[Any] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def summarise(
    engine: str,
    description: str,
    *,
    seconds: Sequence[float],
    baseline_seconds: Sequence[float],
    n_texts: int,
    cosine: float,
) -> EngineSpeed:
    """Summarise the rounds of one engine.

    Parameters
    ----------
    engine, description : str
        As in `EngineSpeed`.
    seconds : sequence of float of length n_rounds
        Wall time of each round.
    baseline_seconds : sequence of float of length n_rounds
        The baseline's wall time in the same rounds.
    n_texts : int
        Texts encoded in one round.
    cosine : float
        As `worst_cosine` gives it.

    Returns
    -------
    EngineSpeed
        The figures of this engine.
    """
    rates = n_texts / np.asarray(seconds, dtype=np.float64)
    ratio, low, high = median_interval(round_ratios(seconds, baseline_seconds))
    return EngineSpeed(
        engine,
        description,
        tuple(seconds),
        texts_per_second=float(np.median(rates)),
        slowest=float(rates.min()),
        fastest=float(rates.max()),
        ratio=ratio,
        ratio_low=low,
        ratio_high=high,
        worst_cosine=cosine,
    )
