"""What a speed run found out, as data, as JSON and as tables to read; nothing is measured here."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from .engines import BASELINE
from .speed_statistics import EngineSpeed
from .tables import format_table

HEADER = ("engine", "texts/s", "min..max", "ratio", "95 % interval", "worst cosine")


@dataclass(frozen=True)
class SetSpeed:
    """What was measured on one set of texts.

    Parameters
    ----------
    name : str
        Key of `speed_texts.TEXT_SETS`.
    description : str
        What the texts are.
    n_texts : int
        Texts encoded in one round.
    median_tokens : float
        Tokens of a text, special tokens included and before it is cut.
    engines : tuple of EngineSpeed
        The baseline first.
    """

    name: str
    description: str
    n_texts: int
    median_tokens: float
    engines: tuple[EngineSpeed, ...]


@dataclass(frozen=True)
class SpeedReport:
    """Everything a speed run found out.

    Parameters
    ----------
    settings : dict
        What was asked for.
    machine : dict
        As `environment.describe_machine` gives it.
    versions : dict
        As `environment.package_versions` gives it.
    sets : tuple of SetSpeed
        One per set of texts.
    left_out : dict of str to str
        Engines that could not run, and why.
    """

    settings: dict[str, Any]
    machine: dict[str, Any]
    versions: dict[str, str | None]
    sets: tuple[SetSpeed, ...]
    left_out: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Write everything as JSON.

        Returns
        -------
        str
            Indented, with a final newline.
        """
        return json.dumps(asdict(self), indent=2) + "\n"


def format_report(report: SpeedReport) -> str:
    """Show the figures of a speed run.

    Parameters
    ----------
    report : SpeedReport
        What was measured.

    Returns
    -------
    str
        What it was measured on, one table per set of texts, and what was left out.
    """
    machine, settings = report.machine, report.settings
    head = (
        f"{settings['model']} on {machine['gpu'] or machine['cpu']}, {machine['threads']} threads,"
        f" {settings['rounds']} rounds; ratio = times as fast as {BASELINE}"
    )
    left_out = [f"left out: {name}, {reason}" for name, reason in report.left_out.items()]
    return "\n\n".join([head, *map(_format_set, report.sets), *left_out])


def _format_set(measured: SetSpeed) -> str:
    title = (
        f"{measured.name}: {measured.n_texts} texts, {measured.description}; "
        f"median {measured.median_tokens:.0f} tokens"
    )
    return f"{title}\n{format_table(HEADER, [_row(speed) for speed in measured.engines])}"


def _row(speed: EngineSpeed) -> tuple[str, ...]:
    return (
        speed.engine,
        f"{speed.texts_per_second:.1f}",
        f"{speed.slowest:.1f}..{speed.fastest:.1f}",
        f"{speed.ratio:.2f}",
        f"{speed.ratio_low:.2f}..{speed.ratio_high:.2f}",
        f"{speed.worst_cosine:.6f}",
    )
