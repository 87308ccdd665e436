"""The figures of a search run as tables to read."""

from collections.abc import Mapping
from statistics import median

from .search_engines import BASELINE
from .search_report import SearchReport, SearchSpeed, SetSearch
from .speed_statistics import Rounds
from .tables import MISSING, format_table

HEADER = (
    "engine", "queries/s", "min..max", "ratio", "95 % interval", "recall", "same ids",
    "one query, ms", "ratio", "build, s", "index, MiB", "search, MiB",
)  # fmt: skip
MEBIBYTE, MILLISECONDS = 1024**2, 1e3


def format_search(report: SearchReport) -> str:
    """Show the figures of a search run.

    Parameters
    ----------
    report : SearchReport
        What was measured.

    Returns
    -------
    str
        What it was measured on, a table for each set of vectors, and what was left out.
    """
    machine, settings = report.machine, report.settings
    head = (
        f"{machine['cpu']}, {machine['threads']} threads, {settings['rounds']} rounds; ratio = "
        f"times as fast as plain {BASELINE} in the same round; recall and ids against a brute "
        "force in float64; index and search: private memory beside the documents"
    )
    left_out = [f"left out: {name}, {reason}" for name, reason in report.left_out.items()]
    return "\n\n".join([head, *map(_format_set, report.sets), *left_out])


def _format_set(measured: SetSearch) -> str:
    title = (
        f"{measured.name}: {measured.n_documents} documents x {measured.n_features}, "
        f"{measured.description}; {measured.n_queries} queries, top {measured.n_neighbors}"
    )
    latency = {entry.engine: entry for entry in measured.latency}
    memory = {
        entry.engine: (_mebibytes(entry.index_bytes), _mebibytes(entry.search_bytes))
        for entry in measured.memory
    }
    rows = [
        (
            *_speed_cells(speed),
            *_latency_cells(latency, speed.engine),
            f"{speed.build_seconds:.2f}",
            *memory.get(speed.engine, (MISSING, MISSING)),
        )
        for speed in measured.engines
    ]
    return f"{title}\n{format_table(HEADER, rows)}"


def _speed_cells(speed: SearchSpeed) -> tuple[str, ...]:
    rounds = speed.rounds
    return (
        speed.engine,
        f"{speed.queries_per_second:.0f}",
        f"{speed.slowest:.0f}..{speed.fastest:.0f}",
        f"{rounds.ratio:.2f}",
        f"{rounds.ratio_low:.2f}..{rounds.ratio_high:.2f}",
        f"{speed.recall:.4f}",
        f"{speed.same_ids:.3f}",
    )


def _latency_cells(latency: Mapping[str, Rounds], engine: str) -> tuple[str, str]:
    if engine not in latency:
        return MISSING, MISSING
    entry = latency[engine]
    return f"{median(entry.seconds) * MILLISECONDS:.2f}", f"{entry.ratio:.2f}"


def _mebibytes(count: int | None) -> str:
    return MISSING if count is None else f"{count / MEBIBYTE:.0f}"
