"""The commands that measure again what a results folder holds, with the same settings."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import asdict

from .bias_settings import BiasSettings
from .language_models import AUTOREGRESSIVE
from .perplexity_texts import DATASETS
from .result_records import Measurement, ModelResults

PROGRAM = "skencoder-bench"
WITHOUT_FILES = "sklearn/"
LOCAL = "local/"
OWNER_OF_BARE_NAMES = "sentence-transformers/"
USUAL_PRECISION = "float32"
# A data revision that is a checksum of files in a folder, not a hub's.
OF_A_FOLDER = "sha256-"
# What stands for folders that results do not tell.
DATA, FILES = "DATA", "FILES"
# Settings that are not as usual stand in the name of a perplexity result's file.
UNUSUAL = re.compile(r"\.([a-z_]+)=(.*?)(?=\.[a-z_]+=|$)")


def list_commands(folder: str, model: ModelResults) -> Iterator[str]:
    """Give the commands for all that is known of a model.

    Parameters
    ----------
    folder : str
        The results folder, as the user named it.
    model : ModelResults
        What is there.

    Yields
    ------
    str
        A command, or a comment where no command does it.
    """
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
        yield _perplexity_command(folder, name, one)
    yield from _bias_commands(folder, name, model)


def join_command(*arguments: str) -> str:
    """Write a command of this program.

    Parameters
    ----------
    *arguments : str
        Its words.

    Returns
    -------
    str
        Quoted for a shell.
    """
    return shlex.join([PROGRAM, *arguments])


def _mteb_command(folder: str, name: str, model: ModelResults) -> str:
    tasks = sorted(model.tasks)
    rows = [row for task in model.tasks.values() for row in task.rows]
    subsets = sorted({row.subset for row in rows} - {"default"})
    local = any(task.data_revision.startswith(OF_A_FOLDER) for task in model.tasks.values())
    return join_command(
        *("mteb", "--model", name, "--tasks", *tasks),
        *(("--subsets", *subsets) if subsets else ()),
        *_precision(model),
        *(("--data-root", DATA) if local else ()),
        *("--results", folder),
    )


def _precision(model: ModelResults) -> tuple[str, ...]:
    precision = str(model.settings.get("precision", USUAL_PRECISION))
    return () if precision == USUAL_PRECISION else ("--precision", precision)


def _perplexity_command(folder: str, name: str, one: Measurement) -> str:
    is_pairs = one.kind == "pairs"
    known = one.data_name in DATASETS and not is_pairs
    # Of a user's own texts only the name of their file is known.
    source = "--dataset" if known else "--pairs" if is_pairs else "--texts"
    guesses_left_to_right = one.content.get("model_kind") == AUTOREGRESSIVE
    method = () if guesses_left_to_right else ("--method", str(one.content.get("method") or "pll"))
    return join_command(
        *("perplexity", "--model", name),
        *(source, one.data_name if known else f"{FILES}/{one.data_name}"),
        *(("--first", str(one.n_texts)) if known and one.n_texts else ()),
        *method,
        *(word for key, value in UNUSUAL.findall(one.name) for word in _option(key, value)),
        *("--data-root", DATA, "--results", folder),
    )


def _bias_commands(folder: str, name: str, model: ModelResults) -> Iterator[str]:
    """Give one command for all tests that were run with the same settings."""
    tests: dict[tuple[str, ...], list[str]] = {}
    usual = asdict(BiasSettings())
    for one in model.bias:
        given = {"precision": model.settings.get("precision", USUAL_PRECISION), **one.settings}
        options = tuple(
            word
            for key in ("samples", "most_exact", "seed", "precision")
            if str(given.get(key, usual[key])) != str(usual[key])
            for word in _option(key, given[key])
        )
        tests.setdefault(options, []).append(one.data_name)
    for options, names in tests.items():
        arguments = ("bias", "--model", name, "--tests", *dict.fromkeys(names), *options)
        yield join_command(*arguments, "--data-root", DATA, "--results", folder)


def _option(name: str, value: object) -> tuple[str, str]:
    return f"--{name.replace('_', '-')}", str(value)
