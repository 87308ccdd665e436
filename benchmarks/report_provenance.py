"""The sections of a report on how it came about: machines, versions, and commands to repeat it."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .perplexity_texts import DATASETS
from .report_content import Section, Table, words
from .result_records import ModelResults

PROGRAM = "skencoder-bench"
MACHINE_FIELDS = ("cpu", "gpu", "cores", "threads", "system")
WITHOUT_FILES = "sklearn/"
LOCAL = "local/"
OWNER_OF_BARE_NAMES = "sentence-transformers/"
USUAL_PRECISION = "float32"
# A data revision that is a checksum of files in a folder, not a hub's.
OF_A_FOLDER = "sha256-"
DATA = "DATA"


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
    lines = list(dict.fromkeys(line for model in models for line in _commands(folder, model)))
    lines.append(_join("report", folder))
    sentences = [
        "The fingerprint of a model's files is in the name of its folder; finished results are "
        "not measured again, so name a new folder."
    ]
    if any(DATA in line for line in lines):
        sentences.append(f"{DATA} is the folder of benchmark data.")
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


def _commands(folder: str, model: ModelResults) -> Iterator[str]:
    # A name must not end the comment that it stands in.
    name = " ".join(model.name.removeprefix(OWNER_OF_BARE_NAMES).split())
    if name.startswith(LOCAL):
        name = f"./{name.removeprefix(LOCAL)}"
    if name.startswith(WITHOUT_FILES):
        yield f"# {name} is a pipeline: run_mteb and run_bias of Python take it"
        return
    if other := sorted(set(model.settings) - {"precision"}):
        yield f"# {name} with {', '.join(other)} set: run_mteb and run_bias of Python take it"
        return
    if model.tasks:
        yield _mteb_command(folder, name, model)
    for one in model.perplexity:
        yield _perplexity_command(folder, name, one.content)
    if model.bias:
        tests = dict.fromkeys(_data_name(one.content) for one in model.bias)
        arguments = ("bias", "--model", name, "--tests", *tests, *_precision(model))
        yield _join(*arguments, "--data-root", DATA, "--results", folder)


def _mteb_command(folder: str, name: str, model: ModelResults) -> str:
    tasks = sorted(model.tasks)
    rows = [row for task in model.tasks.values() for row in task.rows]
    subsets = sorted({row.subset for row in rows} - {"default"})
    local = any(task.data_revision.startswith(OF_A_FOLDER) for task in model.tasks.values())
    return _join(
        *("mteb", "--model", name, "--tasks", *tasks),
        *(("--subsets", *subsets) if subsets else ()),
        *_precision(model),
        *(("--data-root", DATA) if local else ()),
        *("--results", folder),
    )


def _precision(model: ModelResults) -> tuple[str, ...]:
    precision = str(model.settings.get("precision", USUAL_PRECISION))
    return () if precision == USUAL_PRECISION else ("--precision", precision)


def _perplexity_command(folder: str, name: str, content: Mapping[str, Any]) -> str:
    data, method = _data_name(content), str(content.get("method") or "pll")
    # Texts of a user's own are known by the name of their file only.
    source = "--dataset" if data in DATASETS else "--texts"
    source = "--pairs" if content.get("kind") == "pairs" else source
    arguments = ("perplexity", "--model", name, source, data, "--method", method)
    return _join(*arguments, "--data-root", DATA, "--results", folder)


def _data_name(content: Mapping[str, Any]) -> str:
    data = content.get("data")
    return str(data.get("name", "")) if isinstance(data, dict) else str(data or "")


def _join(*arguments: str) -> str:
    return shlex.join([PROGRAM, *arguments])
