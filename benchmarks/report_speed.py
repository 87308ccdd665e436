"""The section of a report on speed, from the files that ``speed --json`` wrote."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from .report_commands import join_command
from .report_content import Section, Table, interval, number, words
from .report_provenance import MACHINE_FIELDS
from .speed_report import SpeedReport
from .speed_settings import SpeedSettings

MILLISECONDS, MEBIBYTE = 1e3, 1024**2
SENTENCE = (
    "Every engine encodes the same texts in turn, with the same number of threads. The ratio says "
    "how many times as fast as the first engine of a table one is: the median over rounds, with a "
    "95 % bootstrap interval. Only ratios carry over to another machine."
)
Named = tuple[Path, SpeedReport]


def speed_section(runs: Sequence[Named]) -> Section:
    """Write the section on speed.

    Parameters
    ----------
    runs : sequence of (path, SpeedReport)
        Each with the file that it is from.

    Returns
    -------
    Section
        Tables of each run, where it ran, and the commands to repeat it.
    """
    tables = [
        table
        for row, (path, run) in enumerate(runs)
        for table in _tables(f"speed-{row}", path, run)
    ]
    left_out = [
        f"{path.name} leaves out {name}: {reason}"
        for path, run in runs
        for name, reason in run.left_out.items()
    ]
    commands = tuple(_command(path, run.settings) for path, run in runs)
    return Section(
        "speed",
        "Speed beside other libraries",
        (SENTENCE, *left_out),
        (),
        (*tables, _origins(runs)),
        (),
        commands,
    )


def _tables(name: str, path: Path, run: SpeedReport) -> Iterator[Table]:
    of = f"{run.settings.get('model')} ({path.name})"
    for one in run.sets:
        rows = tuple(
            (
                words(speed.engine),
                number(speed.texts_per_second, "{:.1f}"),
                interval(speed.slowest, speed.fastest, "{:.1f}..{:.1f}"),
                number(speed.ratio, "{:.2f}"),
                interval(speed.ratio_low, speed.ratio_high, "{:.2f}..{:.2f}"),
                number(speed.worst_cosine, "{:.6f}"),
                number(speed.gemm_share, "{:.2f}"),
            )
            for speed in one.engines
        )
        caption = (
            f"{of}, {one.name}: {one.n_texts} texts, {one.description}; median "
            f"{one.median_tokens:.0f} tokens; {len(one.engines[0].seconds)} rounds."
        )
        header = (
            *("engine", "texts/s", "slowest..fastest", "ratio", "95 % interval"),
            *("worst cosine", "of GEMM"),
        )
        yield Table(f"{name}-{one.name}", caption, header, rows)
    if run.latency:
        yield _latency_table(name, of, run)
    if run.memory:
        yield _memory_table(name, of, run)


def _latency_table(name: str, of: str, run: SpeedReport) -> Table:
    rows = tuple(
        (
            words(one.engine),
            number(median(one.seconds) * MILLISECONDS, "{:.2f}"),
            number(one.ratio, "{:.2f}"),
            interval(one.ratio_low, one.ratio_high, "{:.2f}..{:.2f}"),
        )
        for one in run.latency
    )
    header = ("engine", "ms", "ratio", "95 % interval")
    return Table(f"{name}-latency", f"{of}: one short text at a time.", header, rows)


def _memory_table(name: str, of: str, run: SpeedReport) -> Table:
    rows = tuple(
        (
            words(one.engine),
            *(number(None if n is None else n / MEBIBYTE, "{:.0f}") for n in one.peak_bytes),
        )
        for one in run.memory
    )
    header = ("engine", *(f"MiB, {count} texts" for count in run.memory[0].n_texts))
    caption = (
        f"{of}: peak memory beyond the weights, {run.memory_texts} texts, each engine in a "
        "process of its own."
    )
    return Table(f"{name}-memory", caption, header, rows)


def _origins(runs: Sequence[Named]) -> Table:
    rows = tuple(
        (
            words(path.name),
            words(run.settings.get("model")),
            *(words(run.machine.get(field)) for field in MACHINE_FIELDS),
            words(
                ", ".join(f"{name} {version}" for name, version in run.versions.items() if version)
            ),
        )
        for path, run in runs
    )
    header = ("file", "model", *MACHINE_FIELDS, "versions")
    return Table("speed-origins", "Where speed was measured, and with what.", header, rows)


def _command(path: Path, settings: Mapping[str, Any]) -> str:
    """Give the command that measures again, with what was not left as it is by default."""
    usual = {name: str(value) for name, value in asdict(SpeedSettings()).items()}
    options = [
        word
        for name, value in settings.items()
        if name in usual and str(value) != usual[name]
        for word in (
            f"--{name.replace('_', '-')}",
            *map(str, value if isinstance(value, list) else [value]),
        )
    ]
    return join_command("speed", *options, "--json", path.name)
