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
class Rounds:
    """How the times of one engine compare with the baseline's, round by round.

    Parameters
    ----------
    engine : str
        Name of the engine.
    precision : str or None
        Of its matrix multiplications; None where a file decides.
    seconds : tuple of float
        Wall time of each round.
    ratio : float
        How many times faster than the baseline: median over the rounds of the baseline's
        seconds divided by this engine's seconds of the same round.
    ratio_low, ratio_high : float
        95 % bootstrap interval of that median.
    """

    engine: str
    precision: str | None
    seconds: tuple[float, ...]
    ratio: float
    ratio_low: float
    ratio_high: float


@dataclass(frozen=True)
class EngineSpeed:
    """How fast one engine encoded one set of texts, and how well.

    Parameters
    ----------
    engine : str
        Name of the engine.
    precision : str or None
        As in `Rounds`.
    seconds : tuple of float
        Wall time of each round.
    ratio, ratio_low, ratio_high : float
        As in `Rounds`.
    description : str
        Settings, for people.
    texts_per_second : float
        Median over the rounds.
    slowest, fastest : float
        Least and most texts per second over the rounds.
    worst_cosine, mean_cosine : float
        Of a vector with the baseline's vector of the same text: the least, and the mean.
    gemm_share : float or None
        The model's operations for these texts per second, divided by what matrix
        multiplication alone reached in the same precision and round: median over the rounds.
    """

    engine: str
    precision: str | None
    seconds: tuple[float, ...]
    ratio: float
    ratio_low: float
    ratio_high: float
    description: str
    texts_per_second: float
    slowest: float
    fastest: float
    worst_cosine: float
    mean_cosine: float
    gemm_share: float | None


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


def compare_rounds(
    engine: str,
    precision: str | None,
    seconds: Sequence[float],
    baseline_seconds: Sequence[float],
) -> Rounds:
    """Compare the times of an engine with the baseline's.

    Parameters
    ----------
    engine, precision : str
        As in `Rounds`.
    seconds, baseline_seconds : sequence of float of length n_rounds
        Wall time of each round.

    Returns
    -------
    Rounds
        Ratio and its interval.
    """
    ratio, low, high = median_interval(round_ratios(seconds, baseline_seconds))
    return Rounds(engine, precision, tuple(seconds), ratio, low, high)


def cosines(vectors: NDArray[Any], reference: NDArray[Any]) -> NDArray[np.float64]:
    """Compare two vectors of each text.

    Parameters
    ----------
    vectors, reference : float of shape (n_texts, n_features)
        Vectors of the same texts.

    Returns
    -------
    float64 of shape (n_texts,)
        Cosines.
    """
    first, second = (_unit_rows(array) for array in (vectors, reference))
    products: NDArray[np.float64] = (first * second).sum(axis=1)
    return products


def _unit_rows(vectors: NDArray[Any]) -> NDArray[Any]:
    rows = np.asarray(vectors, dtype=np.float64)
    unit: NDArray[Any] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def gemm_share(
    seconds: Sequence[float],
    operations: float | None,
    gemm_seconds: Sequence[float] | None,
    gemm_operations: float,
) -> float | None:
    """Say how near an engine came to matrix multiplication alone.

    Parameters
    ----------
    seconds : sequence of float of length n_rounds
        Of the engine.
    operations : float or None
        Of the model on these texts; None where they are not counted.
    gemm_seconds : sequence of float of length n_rounds, or None
        Of the multiplications in the same rounds; None where they were not measured.
    gemm_operations : float
        Of these multiplications.

    Returns
    -------
    float or None
        Median over the rounds of the ratio of the two rates; None where one is not known.
    """
    if operations is None or gemm_seconds is None:
        return None
    rates = operations / np.asarray(seconds, dtype=np.float64)
    limits = gemm_operations / np.asarray(gemm_seconds, dtype=np.float64)
    return float(np.median(rates / limits))


def summarise(
    rounds: Rounds, description: str, *, n_texts: int, agreement: NDArray[Any], share: float | None
) -> EngineSpeed:
    """Put together what is known of one engine on one set of texts.

    Parameters
    ----------
    rounds : Rounds
        Its times.
    description : str
        Settings, for people.
    n_texts : int
        Texts encoded in one round.
    agreement : float of shape (n_texts,)
        As `cosines` gives it.
    share : float or None
        As `gemm_share` gives it.

    Returns
    -------
    EngineSpeed
        The figures of this engine.
    """
    rates = n_texts / np.asarray(rounds.seconds, dtype=np.float64)
    return EngineSpeed(
        **vars(rounds),
        description=description,
        texts_per_second=float(np.median(rates)),
        slowest=float(rates.min()),
        fastest=float(rates.max()),
        worst_cosine=float(agreement.min()),
        mean_cosine=float(agreement.mean()),
        gemm_share=share,
    )


def growth_exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Fit how time grows with size: the slope of its logarithm.

    Parameters
    ----------
    sizes, seconds : sequence of float of length n_sizes
        At least two.

    Returns
    -------
    float
        1 where time is proportional to size, 2 where it grows with the square.
    """
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
