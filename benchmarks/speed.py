"""Time engines against each other in one interleaved run on the same texts.

Machines are shared and noisy, so that only the ratio of two times of the same round counts:
rates are for orientation. Which engines and texts there are is in `engines` and `speed_texts`.
"""

import logging
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from skencoder.errors import ParameterError

from .engines import BASELINE, ENGINES, Encode
from .environment import available_cores, describe_machine, package_versions
from .errors import EngineUnavailableError
from .speed_report import SetSpeed, SpeedReport
from .speed_settings import SpeedSettings
from .speed_statistics import summarise, worst_cosine
from .speed_texts import TEXT_SETS, choose_texts, median_tokens
from .vectors import check_vectors

logger = logging.getLogger(__name__)


def run_speed(settings: SpeedSettings | None = None) -> SpeedReport:
    """Measure engines against sentence-transformers.

    Parameters
    ----------
    settings : SpeedSettings, optional
        What to measure; by default everything on the embedded model.

    Returns
    -------
    SpeedReport
        Figures of every engine that could run.

    Raises
    ------
    ParameterError
        If an engine or a set of texts does not exist, or a set has fewer texts.
    EngineUnavailableError
        If sentence-transformers, the baseline, cannot run.
    CheckpointNotFoundError
        If no checkpoint stands behind the model's name.
    VectorsError
        If an engine does not give one finite vector per text.
    """
    settings = settings or SpeedSettings()
    chosen = _choose("engines", settings.engines, ENGINES)
    sets = _choose("sets", settings.sets, TEXT_SETS)
    texts = {name: choose_texts(name, settings.texts) for name in sets}
    with pinned_threads(settings.threads or available_cores()):
        encoders, left_out = _load_engines(chosen, settings.model)
        measured = tuple(_measure_set(name, texts[name], encoders, settings) for name in sets)
        machine = describe_machine()
    return SpeedReport(asdict(settings), machine, package_versions(), measured, left_out)


def _choose(parameter: str, wanted: Sequence[str] | None, known: Collection[str]) -> list[str]:
    unknown = [name for name in wanted or () if name not in known]
    if unknown:
        raise ParameterError(
            f"{parameter}: there is no {' or '.join(map(repr, unknown))}; "
            f"expected some of {', '.join(known)}."
        )
    return list(wanted or known)


@contextmanager
def pinned_threads(threads: int) -> Iterator[None]:
    """Give every engine the same number of threads until the end of a block.

    Parameters
    ----------
    threads : int
        For torch and, where they have not started yet, for the tokenizers.

    Yields
    ------
    None
        Nothing.
    """
    import torch

    before = torch.get_num_threads()
    os.environ.setdefault("RAYON_NUM_THREADS", str(threads))
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _load_engines(names: Sequence[str], model: str) -> tuple[dict[str, Encode], dict[str, str]]:
    """Load the baseline, then what can be loaded of the others."""
    encoders = {BASELINE: ENGINES[BASELINE].load(model)}
    left_out = {}
    for name in names:
        if name == BASELINE:
            continue
        try:
            encoders[name] = ENGINES[name].load(model)
        except EngineUnavailableError as error:
            left_out[name] = str(error)
    return encoders, left_out


def _measure_set(
    name: str, texts: list[str], encoders: Mapping[str, Encode], settings: SpeedSettings
) -> SetSpeed:
    logger.info("%s: warming up", name)
    vectors = {
        engine: check_vectors(encode(texts), texts, width=None, name=engine)
        for engine, encode in encoders.items()
    }
    seconds = time_rounds(encoders, texts, rounds=settings.rounds)
    speeds = tuple(
        summarise(
            engine,
            ENGINES[engine].description,
            seconds=seconds[engine],
            baseline_seconds=seconds[BASELINE],
            n_texts=len(texts),
            cosine=worst_cosine(vectors[engine], vectors[BASELINE]),
        )
        for engine in encoders
    )
    tokens = median_tokens(texts, settings.model)
    return SetSpeed(name, TEXT_SETS[name].description, len(texts), tokens, speeds)


def time_rounds(
    encoders: Mapping[str, Encode], texts: list[str], *, rounds: int
) -> dict[str, list[float]]:
    """Let every engine encode the same texts in every round.

    The order is turned round after each round, so that no engine always runs on a processor
    that another one has warmed up.

    Parameters
    ----------
    encoders : mapping of str to callable
        Loaded and warmed up.
    texts : list of str
        Encoded by each engine in each round.
    rounds : int
        How often.

    Returns
    -------
    dict of str to list of float
        Wall seconds of each round, by engine.
    """
    seconds: dict[str, list[float]] = {engine: [] for engine in encoders}
    for number in range(rounds):
        for engine in list(encoders)[:: 1 if number % 2 == 0 else -1]:
            start = time.perf_counter()
            encoders[engine](texts)
            seconds[engine].append(time.perf_counter() - start)
        logger.info("round %d of %d done", number + 1, rounds)
    return seconds
