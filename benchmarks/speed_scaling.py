"""How cost grows with the number of texts, with their length, and with threads.

Each engine runs in a process of its own, because memory is measured and threads are counted.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median

from skencoder.errors import ParameterError

from .engines import BASELINE, OWN, Setup, choose_engines
from .environment import describe_machine, package_versions
from .errors import EngineUnavailableError
from .speed import prepared
from .speed_model import ModelFacts, count_tokens, describe_model
from .speed_probe import Workload, run_probe
from .speed_scaling_report import Curve, Point, ScalingReport
from .speed_settings import SpeedSettings
from .speed_statistics import growth_exponent
from .speed_texts import choose_texts, many_short_texts, texts_of_length

logger = logging.getLogger(__name__)

FEWEST_TEXTS = 100
# The baseline would take an hour for what is to be shown; it stops here.
MOST_BASELINE_TEXTS = 10_000
LENGTHS = (8, 16, 32, 64, 128, 256)
TOKENS_PER_LENGTH = 4096
THREAD_TEXTS = 48


def run_scaling(settings: SpeedSettings | None = None, *, up_to: int = 100_000) -> ScalingReport:
    """Measure how the cost of this package's encoder and of the baseline grows.

    Parameters
    ----------
    settings : SpeedSettings, optional
        Model, precisions, threads, rounds.
    up_to : int, default=100000
        Most texts; the baseline stops at 10,000.

    Returns
    -------
    ScalingReport
        Three curves for every engine that could run.

    Raises
    ------
    ParameterError
        If there are not so many texts, or a precision does not exist.
    """
    settings = settings or SpeedSettings()
    if up_to < FEWEST_TEXTS:
        raise ParameterError(f"up_to={up_to}: expected at least {FEWEST_TEXTS}.")
    engines = choose_engines([OWN], settings.precision)
    facts = describe_model(settings.model)
    left_out: dict[str, str] = {}
    curves: dict[str, list[Curve]] = {"texts": [], "lengths": [], "threads": []}
    lengths = _by_length(facts, settings.rounds)
    with prepared(settings) as setup:
        for name in engines:
            try:
                most = min(up_to, MOST_BASELINE_TEXTS) if name == BASELINE else up_to
                logger.info("%s: by length, and up to %d texts", name, most)
                plans = [lengths, _by_number(most, settings.rounds)]
                by_length, by_number = _run_plans(name, setup, facts, plans)
                by_threads = _by_threads(name, setup, facts, settings.rounds)
            except EngineUnavailableError as error:
                left_out[name] = str(error)
                continue
            curves["texts"].append(by_number)
            curves["lengths"].append(by_length)
            curves["threads"].append(by_threads)
        machine = describe_machine()
    found = {key: tuple(value) for key, value in curves.items()}
    shown = asdict(settings) | {"up_to": up_to}
    return ScalingReport(shown, machine, package_versions(), **found, left_out=left_out)


@dataclass(frozen=True)
class _Plan:
    """Lists of texts of growing size, and how often each is encoded."""

    sizes: list[int]
    workloads: list[list[str]]
    rounds: list[int]


def _by_number(most: int, rounds: int) -> _Plan:
    """Take more and more short texts; many of them once only."""
    counts = _powers(FEWEST_TEXTS, most, 10)
    texts = many_short_texts(most)
    often = [max(1, min(rounds, MOST_BASELINE_TEXTS // count)) for count in counts]
    return _Plan(counts, [texts[:count] for count in counts], often)


def _by_length(facts: ModelFacts, rounds: int) -> _Plan:
    """Take the same number of tokens in texts of different length."""
    lengths = [length for length in LENGTHS if length <= facts.max_length]
    workloads = [
        texts_of_length(length, max(1, TOKENS_PER_LENGTH // length), facts) for length in lengths
    ]
    return _Plan(lengths, workloads, [rounds] * len(lengths))


def _run_plans(
    engine: str, setup: Setup, facts: ModelFacts, plans: Sequence[_Plan]
) -> list[Curve]:
    """Let one engine follow plans, all in one process."""
    workloads = [texts for plan in plans for texts in plan.workloads]
    rounds = [number for plan in plans for number in plan.rounds]
    done = iter(run_probe(engine, setup, workloads, rounds=rounds))
    return [
        _curve(
            engine,
            plan.sizes,
            [int(count_tokens(texts, facts).sum()) for texts in plan.workloads],
            [next(done) for _ in plan.workloads],
        )
        for plan in plans
    ]


def _by_threads(engine: str, setup: Setup, facts: ModelFacts, rounds: int) -> Curve:
    """Encode the same texts with one thread and more."""
    logger.info("%s: by threads", engine)
    counts = _powers(1, setup.threads, 2)
    texts = choose_texts("mixed", THREAD_TEXTS)
    done = [
        run_probe(engine, replace(setup, threads=count), [texts], rounds=[rounds])[0]
        for count in counts
    ]
    tokens = int(count_tokens(texts, facts).sum())
    return _curve(engine, counts, [tokens] * len(counts), done)


def _powers(start: int, stop: int, base: int) -> list[int]:
    """List start, start * base, ... and stop."""
    sizes = []
    while start < stop:
        sizes.append(start)
        start *= base
    return [*sizes, stop]


def _curve(
    engine: str, sizes: Sequence[int], tokens: Sequence[int], done: Iterable[Workload]
) -> Curve:
    points = tuple(
        Point(size, work.n_texts, count, work.seconds, work.peak_bytes)
        for size, count, work in zip(sizes, tokens, done, strict=True)
    )
    seconds = [median(point.seconds) for point in points]
    return Curve(engine, points, growth_exponent(sizes, seconds) if len(sizes) > 1 else None)
