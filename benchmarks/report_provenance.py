"""The sections of a report on how it came about: machines, versions, and commands to repeat it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .report_commands import DATA, FILES, join_command, list_commands
from .report_content import Section, Table, words
from .result_records import ModelResults

MACHINE_FIELDS = ("cpu", "gpu", "cores", "threads", "system")


def machine_section(labels: Sequence[str], models: Sequence[ModelResults]) -> Section:
    """Say which machines and versions the results are from.

    Parameters
    ----------
    labels : sequence of str of length n_models
        What the models are called.
    models : sequence of ModelResults of length n_models
        With their runs and measurements.

    Returns
    -------
    Section
        Two tables.
    """
    machines: dict[str, list[str]] = {}
    versions: dict[str, list[str]] = {}
    for label, model in zip(labels, models, strict=True):
        for machine, packages in _origins(model):
            users = machines.setdefault(json.dumps(machine, sort_keys=True, default=str), [])
            users += [label] * (label not in users)
            for package, version in packages.items():
                known = versions.setdefault(str(package), [])
                shown = "not installed" if version is None else str(version)
                known += [shown] * (shown not in known)
    hardware = Table(
        "machines",
        "Where the models ran.",
        ("models", *MACHINE_FIELDS),
        tuple(
            (words(", ".join(users)), *(words(json.loads(one).get(f)) for f in MACHINE_FIELDS))
            for one, users in machines.items()
        ),
    )
    software = Table(
        "versions",
        "Versions of packages; several where runs differ.",
        ("package", "version"),
        tuple((words(name), words(", ".join(found))) for name, found in versions.items()),
    )
    tables = tuple(table for table in (hardware, software) if table.rows)
    told = () if tables else ("The results do not say where they were made.",)
    return Section("machines", "Hardware and versions", told, (), tables)


def _origins(model: ModelResults) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for run in model.runs:
        yield run.machine, run.versions
    for one in (*model.perplexity, *model.bias):
        machine, packages = one.content.get("machine"), one.content.get("versions")
        yield (
            machine if isinstance(machine, dict) else {},
            packages if isinstance(packages, dict) else {},
        )


def repeat_section(folder: str, models: Sequence[ModelResults]) -> Section:
    """Write down the commands that give such results.

    Parameters
    ----------
    folder : str
        The results folder, as the user named it.
    models : sequence of ModelResults
        What is in it.

    Returns
    -------
    Section
        With one command a line.
    """
    lines = list(dict.fromkeys(line for model in models for line in list_commands(folder, model)))
    lines.append(join_command("report", folder))
    sentences = [
        "The fingerprint of a model's files is in the name of its folder; finished results are "
        "not measured again, so name a new folder."
    ]
    if any(DATA in line for line in lines):
        sentences.append(f"{DATA} is the folder of benchmark data.")
    if any(f" {FILES}/" in line for line in lines):
        sentences.append(
            f"{FILES}/... are texts of one's own, of which results keep the name alone: put the "
            "file in its place, or the text with --text."
        )
    revisions = Table(
        "revisions",
        "Which files the models were.",
        ("model", "fingerprint", "settings"),
        tuple(
            (
                words(model.name),
                words(model.revision),
                words(", ".join(f"{k}={v}" for k, v in sorted(model.settings.items()))),
            )
            for model in models
        ),
    )
    return Section("repeat", "How to repeat", tuple(sentences), (), (revisions,), (), tuple(lines))
