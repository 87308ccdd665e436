"""The command line: ``python -m benchmarks`` in a checkout, ``skencoder-bench`` once installed.

A command here parses, calls the function of the same name in the package, and prints. Results
go to standard output, progress and errors to standard error.
"""

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from skencoder.errors import SkencoderError

from .command_answers import answers_command
from .command_bias import bias_command
from .command_bitext import bitext_command
from .command_cache import cache_command
from .command_choose import choose_command
from .command_classification import classification_command
from .command_compare import compare_command
from .command_conformance import conformance_command
from .command_families import families_command
from .command_grid import grid_command
from .command_intents import intents_command
from .command_list import list_command
from .command_mteb import mteb_command
from .command_perplexity import perplexity_command, perplexity_speed_command
from .command_report import report_command
from .command_search import search_command
from .command_speed import speed_command
from .command_stores import stores_command
from .command_summaries import summaries_command
from .command_training import (
    adaptation_command,
    distillation_command,
    few_shot_command,
    pretraining_command,
)
from .cyclopts_import import INSTALL, App, CycloptsError, Parameter
from .exit_codes import DONE, NOTHING, STOPPED

EXTRA_PACKAGES = ("mteb", "datasets", "jinja2", "matplotlib")

app = App(
    name="python -m benchmarks" if __package__ == "benchmarks" else "skencoder-bench",
    help="Measure text encoders: tasks, perplexity, bias, speed; compare and report.",
    version_flags=[],
    help_format="rst",
    default_parameter=Parameter(consume_multiple=True, negative=()),
)

app.command(mteb_command, name="mteb")
app.command(list_command, name="list")
app.command(perplexity_command, name="perplexity")
app.command(perplexity_speed_command, name="perplexity-speed")
app.command(compare_command, name="compare")
app.command(choose_command, name="choose")
app.command(bias_command, name="bias")
app.command(report_command, name="report")
app.command(speed_command, name="speed")
app.command(search_command, name="search")
app.command(families_command, name="families")
app.command(conformance_command, name="conformance")
app.command(grid_command, name="grid")
app.command(cache_command, name="cache")
app.command(stores_command, name="stores")
app.command(answers_command, name="answers")
app.command(classification_command, name="classification")
app.command(intents_command, name="intents")
app.command(summaries_command, name="summaries")
app.command(bitext_command, name="bitext")
app.command(pretraining_command, name="pretraining")
app.command(adaptation_command, name="adaptation")
app.command(few_shot_command, name="few-shot")
app.command(distillation_command, name="distillation")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after the program's name; by default those of this process.

    Returns
    -------
    int
        Exit code: 0, 1 where a part of the work failed, 2 where nothing could be started.
    """
    with _prepared_process():
        try:
            return int(app(arguments, exit_on_error=False, result_action="return_value") or DONE)
        except CycloptsError:
            return NOTHING
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            return STOPPED
        except SkencoderError as error:
            print(f"error: {error}", file=sys.stderr)
            return NOTHING
        except ModuleNotFoundError as error:
            if error.name not in EXTRA_PACKAGES:
                raise
            print(f"error: this command needs {error.name}: {INSTALL}", file=sys.stderr)
            return NOTHING


@contextmanager
def _prepared_process() -> Iterator[None]:
    """Keep libraries from writing where nobody asked, until the end of a command."""
    # mteb makes this folder when it is imported, by default in the user's home.
    scratch = tempfile.TemporaryDirectory(prefix="skencoder-mteb-")
    wanted = {"MTEB_CACHE": scratch.name, "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    added = {name: value for name, value in wanted.items() if name not in os.environ}
    formatter = warnings.formatwarning
    os.environ.update(added)
    warnings.formatwarning = _format_warning
    try:
        with scratch, _shown_progress():
            yield
    finally:
        warnings.formatwarning = formatter
        for name in added:
            os.environ.pop(name, None)


@contextmanager
def _shown_progress() -> Iterator[None]:
    """Write what this package logs to standard error, and no more of mteb than its errors."""
    # mteb logs each warning that it also gives as a Python warning.
    logging.getLogger("mteb").setLevel(logging.ERROR)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger(__package__)
    before = logger.handlers, logger.propagate, logger.level
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before[:2]
        logger.setLevel(before[2])


def _format_warning(message: Warning | str, *_: object, **__: object) -> str:
    return f"warning: {message}\n"
