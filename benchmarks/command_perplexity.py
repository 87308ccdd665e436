"""The commands ``perplexity`` and ``perplexity-speed``: parse, call `run_...`, print."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from skencoder.errors import ParameterError

from .cyclopts_import import Parameter
from .errors import MissingDataError, RunStoppedError
from .exit_codes import DONE, FAILED, NOTHING, STOPPED
from .output_files import check_folder, write_whole
from .perplexity_settings import PerplexitySettings


def perplexity_command(
    *,
    model: list[str],
    texts: Path | None = None,
    dataset: str | None = None,
    pairs: Path | None = None,
    text: str | None = None,
    how: Annotated[PerplexitySettings | None, Parameter(name="*")] = None,
    column: str | None = None,
    first: int | None = None,
    data_root: Path | None = None,
    results: Path | None = None,
    per_text: bool = False,
    html: Path | None = None,
) -> int:
    """Measure how well models guess texts: pseudo-perplexity of masked ones, and perplexity.

    Name one of --texts, --dataset, --pairs and --text. Masked models need a checkpoint with its
    masked-language-model head; autoregressive ones (GPT-2, Llama) need the extra transformers and
    follow lm-evaluation-harness. Texts longer than a model reads are scored in windows; nothing is
    left out.

    Parameters
    ----------
    model : list of str
        Names or folders of checkpoints.
    texts : path
        File of texts: .csv, .jsonl, or plain with one text per line.
    dataset : str
        One of python-docs (always there), wikitext-2 (its articles) and wikitext-2-paragraphs
        (both from --data-root).
    pairs : path
        Minimal pairs in BLiMP's format, a .jsonl file or a folder of such; also looked for in
        --data-root. Accuracy per phenomenon.
    text : str
        One text, given here.
    how : PerplexitySettings
        How to score.
    column : str
        Column or field of the texts; by default the usual names are tried.
    first : int
        Take only the first so many texts, or pairs of each file.
    data_root : path
        Folder of benchmark data.
    results : path
        Folder of results; texts that are finished there are not scored again, also after a kill.
    per_text : bool
        Print a line for each text too.
    html : path
        Write a page that shows the first text with a mark on each token, by the first model.

    Returns
    -------
    int
        0, 1 if a model failed, 2 if all did, or 130 if the run was stopped.
    """
    _check_choice(texts=texts, dataset=dataset, pairs=pairs, text=text)
    _check_numbers(first, html)
    settings = how or PerplexitySettings()
    try:
        if pairs is not None:
            if html is not None:
                raise ParameterError("html shows one text; it does not go with pairs.")
            return _run_pairs(model, _find(pairs, data_root), first, settings, results)
        data = _collect(texts, dataset, text, column, data_root, first)
        return _run_texts(model, data, settings, results, per_text=per_text, html=html)
    except RunStoppedError as stop:
        _show_stopped(stop)
        return STOPPED


def _run_texts(
    models: list[str],
    data: Any,
    settings: PerplexitySettings,
    results: Path | None,
    *,
    per_text: bool,
    html: Path | None,
) -> int:
    from .perplexity import run_perplexity
    from .perplexity_report import format_perplexity, format_texts

    reports, failures = run_perplexity(
        models, data, settings, results=results, read_first=html is not None
    )
    if reports:
        print(format_perplexity(reports))
    for report in reports if per_text else ():
        print(f"\n{report.model.name}\n{format_texts(report)}")
    if html is not None and reports:
        _write_page(html, reports[0])
    return _end(reports, failures)


def _run_pairs(
    models: list[str],
    path: Path,
    first: int | None,
    settings: PerplexitySettings,
    results: Path | None,
) -> int:
    from .minimal_pairs import first_pairs, read_pairs, run_pairs
    from .perplexity_report import format_pairs

    data = first_pairs(read_pairs(path), first)
    reports, failures = run_pairs(models, data, settings, results=results)
    if reports:
        print(format_pairs(reports))
    return _end(reports, failures)


def _end(reports: list[Any], failures: dict[str, str]) -> int:
    for model, reason in failures.items():
        print(f"{model} failed: {reason}", file=sys.stderr)
    if not reports:
        return NOTHING
    return FAILED if failures else DONE


def _write_page(path: Path, report: Any) -> None:
    from .perplexity_html import render_tokens

    page = render_tokens(report.model, report.data.texts[0], report.first)
    write_whole(path, page)
    print(f"\nThe first text in colours: {path}")


def _show_stopped(stop: RunStoppedError) -> None:
    from .minimal_pairs import PairsReport
    from .perplexity_report import format_pairs, format_perplexity

    reports = list(stop.runs)
    if reports:
        is_pairs = isinstance(reports[0], PairsReport)
        print(format_pairs(reports) if is_pairs else format_perplexity(reports))
    print(stop, file=sys.stderr)


def _collect(
    texts: Path | None,
    dataset: str | None,
    text: str | None,
    column: str | None,
    data_root: Path | None,
    first: int | None,
) -> Any:
    from .perplexity_texts import TextCollection, read_dataset, read_text_file

    if text is not None:
        return TextCollection("text", (text,))
    if texts is not None:
        data = read_text_file(texts, column)
    else:
        data = read_dataset(str(dataset), data_root)
    return TextCollection(data.name, data.texts[:first])


def _find(path: Path, data_root: Path | None) -> Path:
    if path.exists() or data_root is None:
        return path
    if not (data_root / path).exists():
        raise MissingDataError(f"pairs: there is neither {path} nor {data_root / path}.")
    return data_root / path


def _check_choice(**choices: object) -> None:
    named = [name for name, value in choices.items() if value is not None]
    if len(named) != 1:
        options = ", ".join(f"--{name}" for name in choices)
        raise ParameterError(f"name one of {options}; got {' and '.join(named) or 'none'}.")


def _check_numbers(first: int | None, html: Path | None) -> None:
    if first is not None and first < 1:
        raise ParameterError(f"first={first}: expected 1 or more.")
    if html is not None:
        check_folder(html)


def perplexity_speed_command(
    *,
    model: str = "minilm",
    lengths: Literal["short", "mixed", "long"] = "short",
    texts: int = 12,
    rounds: int = 3,
) -> int:
    """Time pseudo-log-likelihood in batches of masked copies, beside one copy at a time.

    Both give the same numbers, which is checked first. They take turns in every round; only the
    ratio carries over to another machine.

    Parameters
    ----------
    model : str
        Either minilm (all-MiniLM-L6-v2 with a head of random weights), bert-base (all weights
        random; the time does not depend on them), or a checkpoint with its head.
    lengths : str
        Texts of ten words, whole texts, or texts of 200 words and more.
    texts : int
        How many.
    rounds : int
        How often each scores them.

    Returns
    -------
    int
        0.
    """
    from .perplexity_speed import format_perplexity_speed, run_perplexity_speed

    report = run_perplexity_speed(model, lengths=lengths, texts=texts, rounds=rounds)
    print(format_perplexity_speed(report))
    return DONE
