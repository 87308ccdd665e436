"""What the cache costs and saves: rows per second of hits, and overhead on a first encoding."""

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skencoder import EmbeddingCache, EncoderVectorizer

from .speed_statistics import median_interval, round_ratios
from .speed_texts import choose_texts
from .stores import READ_AT_ONCE, WIDTH, CacheRows


@dataclass(frozen=True)
class CacheSpeed:
    """What was measured.

    Parameters
    ----------
    lookups : float
        Rows per second that `EmbeddingCache.get` gives back, in batches of 10,000.
    transforms : float
        The same through `EncoderVectorizer.transform`, with checks and normalisation.
    overhead : tuple of float
        Time of a first encoding with a cache divided by the time without one: median, and its
        95 % interval.
    """

    lookups: float
    transforms: float
    overhead: tuple[float, float, float]


def run_cache(*, texts: int = 512, rounds: int = 7, model: str = "all-MiniLM-L6-v2") -> CacheSpeed:
    """Measure hits and overhead.

    Parameters
    ----------
    texts : int, default=512
        Texts of mixed lengths that are encoded for the overhead.
    rounds : int, default=7
        How often each is timed; with and without a cache take turns.
    model : str, default="all-MiniLM-L6-v2"
        Checkpoint's name or folder.

    Returns
    -------
    CacheSpeed
        Of this machine.
    """
    folder = Path(tempfile.mkdtemp())
    try:
        lookups = _time_lookups(folder / "lookups", rounds)
        transforms = _time_transforms(folder / "transforms", model, rounds)
        overhead = _time_overhead(folder, model, choose_texts("mixed", texts), rounds)
        return CacheSpeed(lookups, transforms, overhead)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def format_cache(speed: CacheSpeed) -> str:
    """Write the figures as sentences.

    Parameters
    ----------
    speed : CacheSpeed
        What was measured.

    Returns
    -------
    str
        Three lines.
    """
    middle, low, high = (100 * (ratio - 1) for ratio in speed.overhead)
    return (
        f"hits, EmbeddingCache.get: {speed.lookups:,.0f} rows/s of {WIDTH} float32, in batches of "
        f"{READ_AT_ONCE:,}\n"
        f"hits, EncoderVectorizer.transform: {speed.transforms:,.0f} texts/s\n"
        f"overhead on a first encoding: {middle:+.1f} % ({low:+.1f} to {high:+.1f})"
    )


def _time_lookups(folder: Path, rounds: int) -> float:
    place = CacheRows(folder)
    rng = np.random.default_rng(0)
    keys = [rng.bytes(16) for _ in range(READ_AT_ONCE)]
    vectors = rng.standard_normal((len(keys), WIDTH), dtype=np.float32)
    place.write(keys, vectors)
    return len(keys) / _median(lambda: place.read(keys), rounds)


def _time_transforms(folder: Path, model: str, rounds: int) -> float:
    """Fill a cache with short real texts, and time reading all of them again."""
    words = " ".join(choose_texts("mixed", 1000)).split()
    texts = [" ".join(words[start : start + 12]) for start in range(0, READ_AT_ONCE * 2, 2)]
    vectorizer = EncoderVectorizer(model, cache=EmbeddingCache(folder), max_length=16)
    vectorizer.set_params(overflow="truncate").fit_transform(texts)
    return len(texts) / _median(lambda: vectorizer.transform(texts), rounds)


def _time_overhead(
    folder: Path, model: str, texts: list[str], rounds: int
) -> tuple[float, float, float]:
    def encode(cache: EmbeddingCache | None) -> float:
        vectorizer = EncoderVectorizer(model, cache=cache, overflow="truncate").fit(texts[:1])
        # The model is loaded and warm on both sides.
        vectorizer.encoder_.encode(["a text"] * 8)
        start = time.perf_counter()
        vectorizer.transform(texts)
        return time.perf_counter() - start

    without, within = [], []
    for number in range(rounds):
        without.append(encode(None))
        within.append(encode(EmbeddingCache(folder / str(number))))
    return median_interval(round_ratios(without, within))


def _median(action: Callable[[], object], rounds: int) -> float:
    action()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
