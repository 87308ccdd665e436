"""The command line: ``python -m benchmarks`` in a checkout, ``skencoder-bench`` once installed.

A command here parses, calls the function of the same name in the package, and prints. Results
go to standard output, progress and errors to standard error.
"""

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from skencoder.errors import SkencoderError

from .command_bias import bias_command
from .command_choose import choose_command
from .command_compare import compare_command
from .command_list import list_command
from .command_mteb import mteb_command
from .command_perplexity import perplexity_command, perplexity_speed_command
from .command_report import report_command
from .command_training import (
    adaptation_command,
    distillation_command,
    few_shot_command,
    pretraining_command,
)
from .cyclopts_import import INSTALL, App, CycloptsError, Parameter
from .exit_codes import DONE, NOTHING, STOPPED
from .output_files import check_folder
from .search_settings import SearchSettings
from .speed_settings import SpeedSettings

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
app.command(pretraining_command, name="pretraining")
app.command(adaptation_command, name="adaptation")
app.command(few_shot_command, name="few-shot")
app.command(distillation_command, name="distillation")


@app.command(name="speed")
def speed_command(
    *,
    what: Annotated[SpeedSettings | None, Parameter(name="*")] = None,
    scaling: bool = False,
    up_to: int = 100_000,
    json: Path | None = None,
    plot: Path | None = None,
) -> int:
    """Time this package's encoder against other libraries on the same texts.

    The engines take turns in every round, with the same number of threads, text in and numpy
    out. Only ratios carry over to another machine.

    Parameters
    ----------
    what : SpeedSettings
        What to measure.
    scaling : bool
        Measure instead how the cost of this package and of sentence-transformers grows with the
        number of texts, their length, and threads.
    up_to : int
        Most texts of --scaling.
    json : path
        File for everything that was measured, with versions and hardware.
    plot : path
        File for a chart, .png, .svg or .pdf.

    Returns
    -------
    int
        0.
    """
    from .speed_plot import check_plot_path

    for path in filter(None, (json, plot)):
        check_folder(path)
    if plot:
        check_plot_path(plot)
    report, shown, draw = _measure_scaling(what, up_to) if scaling else _measure_speed(what)
    print(shown)
    if json:
        json.write_text(report.to_json(), encoding="utf-8")
    if plot:
        draw(report, plot)
    return DONE


def _measure_speed(what: SpeedSettings | None) -> tuple[Any, str, Callable[[Any, Path], None]]:
    from .speed import run_speed
    from .speed_plot import plot_speed
    from .speed_tables import format_report

    report = run_speed(what)
    return report, format_report(report), plot_speed


def _measure_scaling(
    what: SpeedSettings | None, up_to: int
) -> tuple[Any, str, Callable[[Any, Path], None]]:
    from .speed_scaling import run_scaling
    from .speed_scaling_plot import plot_scaling
    from .speed_scaling_report import format_scaling

    report = run_scaling(what, up_to=up_to)
    return report, format_scaling(report), plot_scaling


@app.command(name="search")
def search_command(
    *,
    what: Annotated[SearchSettings | None, Parameter(name="*")] = None,
    json: Path | None = None,
    plot: Path | None = None,
) -> int:
    """Time this package's indexes against plain numpy, faiss and usearch on the same vectors.

    The engines take turns in every round, with the same number of threads. Only ratios carry over
    to another machine.

    Parameters
    ----------
    what : SearchSettings
        What to measure.
    json : path
        File for everything that was measured, with versions and hardware.
    plot : path
        File for a chart, .png, .svg or .pdf.

    Returns
    -------
    int
        0.
    """
    from .search import run_search
    from .search_plot import plot_search
    from .search_tables import format_search
    from .speed_plot import check_plot_path

    for path in filter(None, (json, plot)):
        check_folder(path)
    if plot:
        check_plot_path(plot)
    report = run_search(what)
    print(format_search(report))
    if json:
        json.write_text(report.to_json(), encoding="utf-8")
    if plot:
        plot_search(report, plot)
    return DONE


@app.command(name="families")
def families_command(
    *,
    lengths: list[int] | None = None,
    precision: Literal["float32", "bfloat16"] = "float32",
    rounds: int = 5,
) -> int:
    """Time the architectures of the families on this CPU, with random weights, taking turns.

    Parameters
    ----------
    lengths : list of int
        Lengths of texts, in tokens; by default 32, 256 and 2048.
    precision : str
        Of weights and activations.
    rounds : int
        How often each is timed.

    Returns
    -------
    int
        0.
    """
    from .families import format_families, run_families

    chosen = tuple(lengths or (32, 256, 2048))
    print(format_families(run_families(chosen, precision=precision, rounds=rounds)))
    return DONE


@app.command(name="conformance")
def conformance_command(*, names: list[str] | None = None, page: Path | None = None) -> int:
    """Try every check of the suite for text estimators on several of them.

    Parameters
    ----------
    names : list of str
        Which, such as TfidfVectorizer; by default all whose library is installed.
    page : path
        Markdown file whose table is replaced, such as docs/conformance.md.

    Returns
    -------
    int
        0.
    """
    from .conformance import format_conformance, run_conformance, write_table

    shown = format_conformance(run_conformance(tuple(names) if names else None))
    print(shown)
    if page:
        write_table(page, shown)
    return DONE


@app.command(name="grid")
def grid_command(*, data_root: Path | None = None, rows: int = 546, rounds: int = 3) -> int:
    """Time a grid search with this package's encoder, the ideal, and skrub's, taking turns.

    Parameters
    ----------
    data_root : path
        Folder with Banking77 as mteb/banking77; by default the demo's texts are taken.
    rows : int
        Texts searched over.
    rounds : int
        How often each searches.

    Returns
    -------
    int
        0.
    """
    from .grid import format_grid, run_grid

    print(format_grid(run_grid(data_root, rows=rows, rounds=rounds)))
    return DONE


@app.command(name="cache")
def cache_command(*, texts: int = 512, rounds: int = 7) -> int:
    """Time hits of the cache, and what it costs when a text is encoded first.

    Parameters
    ----------
    texts : int
        Texts encoded for the overhead.
    rounds : int
        How often each is timed.

    Returns
    -------
    int
        0.
    """
    from .cache_speed import format_cache, run_cache

    print(format_cache(run_cache(texts=texts, rounds=rounds)))
    return DONE


@app.command(name="stores")
def stores_command(*, rows: int = 100_000) -> int:
    """Time places where vectors could be kept.

    Parameters
    ----------
    rows : int
        Vectors of 384 float32.

    Returns
    -------
    int
        0.
    """
    from .stores import format_stores, run_stores

    print(format_stores(run_stores(rows)))
    return DONE


@app.command(name="answers")
def answers_command(
    *, data_root: Path, model: str = "all-MiniLM-L6-v2", answers: Path | None = None
) -> int:
    """Answer the questions of XQuAD with sentences, beside BM25 over the same sentences.

    Parameters
    ----------
    data_root : path
        Folder with the data as mteb/XQuADRetrieval.
    model : str
        Name or folder of a checkpoint.
    answers : path
        The data set's own xquad.en.json; by default the 307 answers marked for this benchmark.

    Returns
    -------
    int
        0.
    """
    from .answers import format_answers, run_answers

    print(format_answers(run_answers(data_root, model=model, answers=answers)))
    return DONE


@app.command(name="classification")
def classification_command(
    *, data_root: Path, model: str = "all-MiniLM-L6-v2", draws: int = 10
) -> int:
    """Classify Banking77 and SIB-200 with no, few and all labels, against word counts.

    Parameters
    ----------
    data_root : path
        Folder with mteb/banking77 and mteb/sib200.
    model : str
        Name or folder of a checkpoint.
    draws : int
        How often a few texts of each label are drawn.

    Returns
    -------
    int
        0.
    """
    from .classification import format_classification, run_classification

    print(format_classification(run_classification(data_root, model=model, draws=draws)))
    return DONE


@app.command(name="intents")
def intents_command(
    *,
    data_root: Path,
    model: str = "all-MiniLM-L6-v2",
    draws: int = 10,
    per_intent: int | None = None,
    choose: bool = False,
) -> int:
    """Reject intents of Banking77 that were left out of the training.

    Parameters
    ----------
    data_root : path
        Folder with Banking77 as mteb/banking77.
    model : str
        Name or folder of a checkpoint.
    draws : int
        How often intents are drawn that are left out.
    per_intent : int
        Rows of each intent to learn from; by default all.
    choose : bool
        Leave the test rows alone, and draw intents that are never drawn otherwise: for choices.

    Returns
    -------
    int
        0.
    """
    from .intents import format_intents, run_intents

    report = run_intents(data_root, model=model, draws=draws, per_intent=per_intent, choose=choose)
    print(format_intents(report))
    return DONE


@app.command(name="summaries")
def summaries_command(*, wikitext: Path | None = None, model: str = "all-MiniLM-L6-v2") -> int:
    """Summarize Python's documentation, and Wikipedia's articles, beside their first sentences.

    Parameters
    ----------
    wikitext : path
        WikiText-2's raw test text; by default Python's documentation only.
    model : str
        Name or folder of a checkpoint.

    Returns
    -------
    int
        0.
    """
    from .summaries import format_summaries, run_summaries

    print(format_summaries(run_summaries(wikitext, model=model)))
    return DONE


@app.command(name="bitext")
def bitext_command(
    *, data_root: Path, subsets: list[str] | None = None, model: str = "all-MiniLM-L6-v2"
) -> int:
    """Find the translations of Tatoeba's sentences, with every margin and matching.

    Parameters
    ----------
    data_root : path
        Folder with the data as mteb/tatoeba-bitext-mining.
    subsets : list of str
        Pairs of languages; by default deu-eng.
    model : str
        Name or folder of a checkpoint, which should know both languages.

    Returns
    -------
    int
        0.
    """
    from .bitext import format_bitext, run_bitext

    print(format_bitext(run_bitext(data_root, subsets or ["deu-eng"], model=model)))
    return DONE


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
    with tempfile.TemporaryDirectory(prefix="skencoder-mteb-") as scratch:
        _prepare_process(scratch)
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


def _prepare_process(scratch: str) -> None:
    """Show progress on standard error, and keep libraries from writing where nobody asked."""
    # mteb makes this folder when it is imported, by default in the user's home.
    os.environ.setdefault("MTEB_CACHE", scratch)
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    # mteb logs each warning that it also gives as a Python warning.
    logging.getLogger("mteb").setLevel(logging.ERROR)
    warnings.formatwarning = _format_warning
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger(__package__)
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)


def _format_warning(message: Warning | str, *_: object, **__: object) -> str:
    return f"warning: {message}\n"
