"""The command ``report``: parses, calls `run_report`, writes files."""

import sys
from pathlib import Path
from typing import Annotated

from .compare_settings import CompareSettings
from .cyclopts_import import Parameter
from .exit_codes import DONE, FAILED
from .output_files import check_folder, write_whole


def report_command(
    results: Path,
    *,
    what: Annotated[CompareSettings | None, Parameter(name="*")] = None,
    html: Path | None = None,
    markdown: Path | None = None,
    latex: Path | None = None,
    title: str | None = None,
    speed: list[Path] | None = None,
) -> int:
    """Write everything in a results folder as one HTML page, or as Markdown and LaTeX tables.

    The page needs no network and no JavaScript: summary, tables that sort, pictures, perplexity,
    bias, hardware, versions, and the commands to repeat it.

    Parameters
    ----------
    results : path
        What was given to ``--results``.
    what : CompareSettings
        What to compare, and how strictly.
    html : path
        File for the page; by default report.html, if no other file is named.
    markdown : path
        File for sentences and tables in Markdown.
    latex : path
        File for the tables in LaTeX, which need the package booktabs.
    title : str
        Of the report; by default the folder's name.
    speed : list of path
        Files that ``speed --json`` wrote, to be shown too.

    Returns
    -------
    int
        0, or 1 if a file is damaged or a score disagrees with the published one; the report is
        written and says so.
    """
    from .report import run_report
    from .report_html import render_html
    from .report_text import to_latex, to_markdown

    if html is None and markdown is None and latex is None:
        html = Path("report.html")
    ways = ((html, render_html), (markdown, to_markdown), (latex, to_latex))
    wanted = [(path, write) for path, write in ways if path is not None]
    for path, _ in wanted:
        check_folder(path)
    report = run_report(results, what, title=title, speed=speed or ())
    for path, write in wanted:
        write_whole(path, write(report))
        print(path)
    for problem in report.problems:
        print(problem, file=sys.stderr)
    return FAILED if report.problems else DONE
