"""The command ``compare``: models of a results folder against each other and published scores."""

import sys
from pathlib import Path
from typing import Annotated

from .compare_settings import CompareSettings
from .cyclopts_import import Parameter
from .exit_codes import DONE, FAILED
from .output_files import check_folder


def compare_command(
    results: Path,
    *,
    what: Annotated[CompareSettings | None, Parameter(name="*")] = None,
    plot_dir: Path | None = None,
    json: Path | None = None,
) -> int:
    """Compare the models of a results folder, with intervals, tests, costs and published scores.

    Parameters
    ----------
    results : path
        What was given to ``mteb --results``.
    what : CompareSettings
        What to compare, and how strictly.
    plot_dir : path
        Folder for pictures: average ranks with the critical difference, and quality against
        speed and size.
    json : path
        File for all figures, of every pair of models.

    Returns
    -------
    int
        0, or 1 if a file is damaged or a score disagrees with the published one.
    """
    from .compare import run_compare
    from .compare_plots import check_plot_folder, plot_comparison
    from .compare_tables import format_comparison, format_problems, to_json

    if json:
        check_folder(json)
    if plot_dir:
        check_plot_folder(plot_dir)
    comparison = run_compare(results, what)
    print(format_comparison(comparison))
    if json:
        json.write_text(to_json(comparison), encoding="utf-8")
    if plot_dir:
        for path in plot_comparison(comparison, plot_dir):
            print(path, file=sys.stderr)
    problems = format_problems(comparison)
    if problems:
        print(problems, file=sys.stderr)
    return DONE if comparison.is_good else FAILED
