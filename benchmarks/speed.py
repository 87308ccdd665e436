"""Time engines against each other in one interleaved run on the same texts.

Machines are shared and noisy, so that only the ratio of two times of the same round counts:
rates are for orientation. Which engines and texts there are is in `engines` and `speed_texts`.
"""

import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .engine_process import EngineProcess, started
from .engines import BASELINE, ENGINES, Engine, Setup, check_names, choose_engines
from .environment import available_cores, describe_machine, package_versions, pinned_threads
from .errors import EngineUnavailableError
from .speed_gemm import GemmProbe, make_probe, model_shapes, square_shapes
from .speed_model import ModelFacts, count_operations, count_tokens, describe_model
from .speed_probe import run_probe
from .speed_report import EngineMemory, GemmSpeed, SetSpeed, SpeedReport
from .speed_rounds import Times, seconds_of, take_turns
from .speed_settings import MEASURES, SpeedSettings
from .speed_statistics import Rounds, compare_rounds, cosines, gemm_share, summarise
from .speed_texts import TEXT_SETS, choose_texts
from .vectors import check_vectors

logger = logging.getLogger(__name__)

PEER_PACKAGES = (
    "onnxruntime", "onnx", "openvino", "nncf", "fastembed", "ctranslate2", "llama-cpp-python",
)  # fmt: skip
LATENCY_TEXTS = 24
# Texts in the smaller of the two lists that memory is measured on, as a part of the larger.
MEMORY_PART = 4

GemmProbes = Mapping[tuple[str, str], GemmProbe]


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
    engines = choose_engines(settings.against, settings.precision)
    names = check_names("lengths", settings.lengths, list(TEXT_SETS))
    measures = check_names("measure", settings.measure, MEASURES)
    texts = {name: choose_texts(name, settings.texts) for name in names}
    with prepared(settings) as setup, started(engines, setup) as (processes, left_out):
        facts = describe_model(settings.model)
        gemm = _gemm_probes(processes, facts, setup) if "gemm" in measures else {}
        sets = tuple(
            _measure_set(n, t, processes, (facts, gemm), settings) for n, t in texts.items()
        )
        latency = _measure_latency(processes, settings) if "latency" in measures else ()
        machine = describe_machine()
        chosen = "mixed" if "mixed" in texts else names[0]
        memory: tuple[EngineMemory, ...] = ()
        if "memory" in measures:
            memory = _measure_memory(list(processes), setup, texts[chosen], left_out)
    return SpeedReport(
        asdict(settings),
        machine,
        package_versions(PEER_PACKAGES),
        sets,
        latency,
        memory,
        chosen if memory else None,
        left_out,
    )


@contextmanager
def prepared(settings: SpeedSettings) -> Iterator[Setup]:
    """Pin threads and find a folder for exports, until the end of a block.

    Parameters
    ----------
    settings : SpeedSettings
        What was asked for.

    Yields
    ------
    Setup
        What engines are given.
    """
    threads = settings.threads or available_cores()
    with tempfile.TemporaryDirectory(prefix="skencoder-exports-") as scratch:
        exports = Path(settings.exports or scratch).absolute()
        exports.mkdir(parents=True, exist_ok=True)
        gguf = str(settings.gguf.absolute()) if settings.gguf else None
        with pinned_threads(threads):
            yield Setup(settings.model, threads, str(exports), settings.device, gguf)


def _gemm_probes(
    processes: Mapping[str, EngineProcess], facts: ModelFacts, setup: Setup
) -> dict[tuple[str, str], GemmProbe]:
    """Prepare multiplications in every precision that an engine has."""
    precisions = dict.fromkeys(ENGINES[name].precision for name in processes)
    shapes = {"model": model_shapes(facts), "square": square_shapes()}
    probes = {
        (precision, name): make_probe(precision, listed, device=setup.device)
        for precision in precisions
        if precision
        for name, listed in shapes.items()
        if listed
    }
    return {key: probe for key, probe in probes.items() if probe}


def _measure_set(
    name: str,
    texts: list[str],
    processes: Mapping[str, EngineProcess],
    limits: tuple[ModelFacts, GemmProbes],
    settings: SpeedSettings,
) -> SetSpeed:
    logger.info("%s: warming up", name)
    facts, gemm = limits
    vectors = {
        engine: check_vectors(process.encode(texts), texts, width=None, name=engine)
        for engine, process in processes.items()
    }
    actions = {engine: partial(process.seconds, texts) for engine, process in processes.items()}
    actions |= {_gemm_name(key): partial(seconds_of, probe.run) for key, probe in gemm.items()}
    seconds = take_turns(actions, rounds=settings.rounds, pause=settings.pause)
    tokens = count_tokens(texts, facts)
    operations = count_operations(tokens, facts)
    speeds = tuple(
        _summarise(engine, seconds, vectors, (operations, gemm)) for engine in processes
    )
    return SetSpeed(
        name,
        TEXT_SETS[name].description,
        len(texts),
        float(np.median(tokens)),
        int(tokens.sum()),
        operations,
        speeds,
        tuple(_gemm_speed(key, probe, seconds) for key, probe in gemm.items()),
    )


def _gemm_name(key: tuple[str, str]) -> str:
    return f"gemm {key[0]} {key[1]}"


def _gemm_speed(key: tuple[str, str], probe: GemmProbe, seconds: Times) -> GemmSpeed:
    taken = seconds[_gemm_name(key)]
    rate = float(np.median(probe.operations / np.asarray(taken)))
    return GemmSpeed(*key, probe.path, probe.operations, tuple(taken), rate)


def _summarise(
    engine: str,
    seconds: Times,
    vectors: Mapping[str, NDArray[Any]],
    limits: tuple[float | None, GemmProbes],
) -> Any:
    """Compare one engine with the baseline and with the multiplication of its precision."""
    operations, gemm = limits
    entry: Engine = ENGINES[engine]
    key = (str(entry.precision), "model")
    share = None
    if key in gemm:
        taken = seconds[_gemm_name(key)]
        share = gemm_share(seconds[engine], operations, taken, gemm[key].operations)
    return summarise(
        compare_rounds(engine, entry.precision, seconds[engine], seconds[BASELINE]),
        entry.description,
        n_texts=len(vectors[engine]),
        agreement=cosines(vectors[engine], vectors[BASELINE]),
        share=share,
    )


def _measure_latency(
    processes: Mapping[str, EngineProcess], settings: SpeedSettings
) -> tuple[Rounds, ...]:
    """Time single texts, one call after the other."""
    logger.info("one text at a time")
    texts = choose_texts("short", LATENCY_TEXTS, seed=1)
    actions = {name: partial(process.seconds_of_one, texts) for name, process in processes.items()}
    seconds = take_turns(actions, rounds=settings.rounds, pause=settings.pause)
    return tuple(
        compare_rounds(name, ENGINES[name].precision, seconds[name], seconds[BASELINE])
        for name in processes
    )


def _measure_memory(
    names: list[str], setup: Setup, texts: list[str], left_out: dict[str, str]
) -> tuple[EngineMemory, ...]:
    """Let every engine encode fewer and all texts in a process of its own."""
    counts = sorted({max(1, len(texts) // MEMORY_PART), len(texts)})
    found = []
    for name in names:
        logger.info("memory of %s", name)
        try:
            done = run_probe(name, setup, [texts[:count] for count in counts])
        except EngineUnavailableError as error:
            left_out[f"memory of {name}"] = str(error)
            continue
        peaks = tuple(workload.peak_bytes for workload in done)
        found.append(EngineMemory(name, tuple(counts), peaks))
    return tuple(found)
