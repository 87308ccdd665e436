"""Time indexes against each other in one interleaved run on the same vectors.

Only the ratio of two times of the same round counts, as machines are shared and noisy. Which
engines and vectors there are is in `search_engines` and `search_vectors`.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median

import numpy as np

from .engines import check_names
from .environment import available_cores, describe_machine, package_versions
from .errors import EngineUnavailableError
from .search_engines import BASELINE, ENGINES, Ids, Search, choose_search_engines
from .search_probe import SearchMemory, run_search_probe
from .search_report import SearchReport, SearchSpeed, SetSearch
from .search_settings import MEASURES, VECTOR_SETS, SearchSettings
from .search_threads import limited_threads
from .search_vectors import Truth, Vectors, VectorSet, make_vectors
from .speed_rounds import seconds_of, take_turns
from .speed_statistics import Rounds, compare_rounds

logger = logging.getLogger(__name__)

PACKAGES = ("faiss-cpu", "usearch")
# Queries that are asked one at a time in each round.
SINGLE_QUERIES = 50


@dataclass(frozen=True)
class Built:
    """An engine that has indexed the documents.

    Parameters
    ----------
    search : callable
        Queries and a number of neighbours to ids.
    seconds : float
        What indexing took.
    """

    search: Search
    seconds: float


def run_search(settings: SearchSettings | None = None) -> SearchReport:
    """Measure indexes against plain numpy.

    Parameters
    ----------
    settings : SearchSettings, optional
        What to measure; by default everything.

    Returns
    -------
    SearchReport
        Figures of every engine that could run.

    Raises
    ------
    ParameterError
        If an engine or a set of vectors does not exist, or there are too few texts.
    """
    settings = settings or SearchSettings()
    names = choose_search_engines(settings.against)
    sets = check_names("vectors", settings.vectors, VECTOR_SETS)
    check_names("measure", settings.measure, MEASURES)
    cores = available_cores()
    threads = settings.threads or cores
    left_out: dict[str, str] = {}
    with limited_threads(threads):
        measured = tuple(
            _measure_set(make_vectors(name, settings), names, settings, threads, left_out)
            for name in sets
        )
        # Of whose cores only so many may be used here.
        machine = describe_machine() | {"cores": cores}
    return SearchReport(asdict(settings), machine, package_versions(PACKAGES), measured, left_out)


def _measure_set(
    vectors: VectorSet,
    names: list[str],
    settings: SearchSettings,
    threads: int,
    left_out: dict[str, str],
) -> SetSearch:
    measures = settings.measure or MEASURES
    built = _build(names, vectors, threads, left_out)
    speeds = _measure_speed(built, vectors, settings)
    latency = _measure_latency(built, vectors, settings) if "latency" in measures else ()
    names = list(built)
    del built  # whose indexes are not to stand beside those of the processes
    memory = (
        _measure_memory(names, vectors, settings.neighbors, threads, left_out)
        if "memory" in measures
        else ()
    )
    n_documents, n_features = vectors.documents.shape
    return SetSearch(
        vectors.name,
        vectors.description,
        n_documents,
        len(vectors.queries),
        n_features,
        settings.neighbors,
        speeds,
        latency,
        memory,
    )


def _build(
    names: list[str], vectors: VectorSet, threads: int, left_out: dict[str, str]
) -> dict[str, Built]:
    built = {}
    for name in names:
        try:
            start = time.perf_counter()
            search = ENGINES[name].build(vectors.documents, threads)
            built[name] = Built(search, time.perf_counter() - start)
        except EngineUnavailableError as error:
            left_out[name] = str(error)
        logger.info("%s: %s indexed", vectors.name, name)
    return built


def _measure_speed(
    built: Mapping[str, Built], vectors: VectorSet, settings: SearchSettings
) -> tuple[SearchSpeed, ...]:
    truth, k = Truth.find(vectors, settings.neighbors), settings.neighbors
    # The first search, which is not timed, is also the one whose answers are judged.
    answers = {name: one.search(vectors.queries, k) for name, one in built.items()}
    actions = {
        name: partial(seconds_of, one.search, vectors.queries, k) for name, one in built.items()
    }
    seconds = take_turns(actions, rounds=settings.rounds, pause=settings.pause)
    return tuple(
        _summarise(
            compare_rounds(name, None, seconds[name], seconds[BASELINE]),
            truth,
            answers[name],
            one.seconds,
        )
        for name, one in built.items()
    )


def _summarise(rounds: Rounds, truth: Truth, ids: Ids, build_seconds: float) -> SearchSpeed:
    rates = len(ids) / np.asarray(rounds.seconds)
    return SearchSpeed(
        rounds.engine,
        ENGINES[rounds.engine].description,
        rounds,
        float(np.median(rates)),
        float(rates.min()),
        float(rates.max()),
        truth.recall(ids),
        truth.same(ids),
        build_seconds,
    )


def _measure_latency(
    built: Mapping[str, Built], vectors: VectorSet, settings: SearchSettings
) -> tuple[Rounds, ...]:
    queries = vectors.queries[:SINGLE_QUERIES]
    actions = {
        name: partial(_seconds_of_one, one.search, queries, settings.neighbors)
        for name, one in built.items()
    }
    seconds = take_turns(actions, rounds=settings.rounds, pause=settings.pause)
    return tuple(compare_rounds(name, None, seconds[name], seconds[BASELINE]) for name in built)


def _seconds_of_one(search: Search, queries: Vectors, k: int) -> float:
    return median(seconds_of(search, queries[row : row + 1], k) for row in range(len(queries)))


def _measure_memory(
    names: list[str], vectors: VectorSet, k: int, threads: int, left_out: dict[str, str]
) -> tuple[SearchMemory, ...]:
    memory = []
    for name in names:
        try:
            memory.append(run_search_probe(name, vectors, k, threads))
        except EngineUnavailableError as error:
            left_out[f"{name}, memory"] = str(error)
        logger.info("%s: memory of %s measured", vectors.name, name)
    return tuple(memory)
