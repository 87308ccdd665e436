"""The figures of a speed run as tables to read."""

from collections.abc import Sequence
from statistics import median

from .engines import BASELINE
from .speed_report import EngineMemory, GemmSpeed, SetSpeed, SpeedReport
from .speed_statistics import EngineSpeed, Rounds
from .tables import MISSING, format_table

SPEED_HEADER = (
    "engine", "texts/s", "min..max", "ratio", "95 % interval",
    "worst cosine", "mean cosine", "of GEMM",
)  # fmt: skip
GEMM_HEADER = ("precision", "this model's shapes", "large square", "by torch's")
LATENCY_HEADER = ("engine", "ms", "ratio", "95 % interval")
GIGA, MEBIBYTE, MILLISECONDS = 1e9, 1024**2, 1e3


def format_report(report: SpeedReport) -> str:
    """Show the figures of a speed run.

    Parameters
    ----------
    report : SpeedReport
        What was measured.

    Returns
    -------
    str
        What it was measured on, the tables, and what was left out.
    """
    machine, settings = report.machine, report.settings
    head = (
        f"{settings['model']} on {machine['gpu'] or machine['cpu']}, {machine['threads']} threads,"
        f" {settings['rounds']} rounds; ratio = times as fast as {BASELINE} in float32"
    )
    parts = [head, *map(_format_set, report.sets)]
    if report.latency:
        parts.append(_format_latency(report.latency))
    if report.memory:
        parts.append(_format_memory(report.memory, str(report.memory_texts)))
    if report.left_out:
        lines = [f"left out: {name}, {reason}" for name, reason in report.left_out.items()]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _format_set(measured: SetSpeed) -> str:
    title = (
        f"{measured.name}: {measured.n_texts} texts, {measured.description}; "
        f"median {measured.median_tokens:.0f} tokens"
    )
    table = format_table(SPEED_HEADER, [_speed_row(speed) for speed in measured.engines])
    return "\n".join([title, table, *_format_gemm(measured.gemm)])


def _speed_row(speed: EngineSpeed) -> tuple[str, ...]:
    return (
        speed.engine,
        f"{speed.texts_per_second:.1f}",
        f"{speed.slowest:.1f}..{speed.fastest:.1f}",
        f"{speed.ratio:.2f}",
        f"{speed.ratio_low:.2f}..{speed.ratio_high:.2f}",
        f"{speed.worst_cosine:.6f}",
        f"{speed.mean_cosine:.6f}",
        MISSING if speed.gemm_share is None else f"{speed.gemm_share:.2f}",
    )


def _format_gemm(gemm: Sequence[GemmSpeed]) -> list[str]:
    if not gemm:
        return []
    found = {(entry.precision, entry.shapes): entry for entry in gemm}
    rows = [
        (precision, _rate(found, precision, "model"), _rate(found, precision, "square"), path)
        for (precision, shapes), path in ((key, entry.path) for key, entry in found.items())
        if shapes == "model"
    ]
    title = "matrix multiplication alone, GOP/s (of GEMM = share of this model's shapes)"
    return ["", title, format_table(GEMM_HEADER, rows)]


def _rate(found: dict[tuple[str, str], GemmSpeed], precision: str, shapes: str) -> str:
    entry = found.get((precision, shapes))
    return MISSING if entry is None else f"{entry.rate / GIGA:.0f}"


def _format_latency(latency: Sequence[Rounds]) -> str:
    rows = [
        (
            entry.engine,
            f"{median(entry.seconds) * MILLISECONDS:.2f}",
            f"{entry.ratio:.2f}",
            f"{entry.ratio_low:.2f}..{entry.ratio_high:.2f}",
        )
        for entry in latency
    ]
    return f"one short text at a time\n{format_table(LATENCY_HEADER, rows)}"


def _format_memory(memory: Sequence[EngineMemory], texts: str) -> str:
    header = (
        "engine",
        *(f"{n_texts} texts" for n_texts in memory[0].n_texts),
        "of the baseline's",
    )
    baseline = next((e.peak_bytes[-1] for e in memory if e.engine == BASELINE), None)
    rows = [
        (entry.engine, *map(_mebibytes, entry.peak_bytes), _part(entry, baseline))
        for entry in memory
    ]
    title = f"peak memory beyond the weights, MiB, {texts} texts, each engine in its own process"
    return f"{title}\n{format_table(header, rows)}"


def _mebibytes(count: int | None) -> str:
    return MISSING if count is None else f"{count / MEBIBYTE:.0f}"


def _part(entry: EngineMemory, baseline: int | None) -> str:
    peak = entry.peak_bytes[-1]
    return f"{peak / baseline:.2f}" if peak is not None and baseline else MISSING
