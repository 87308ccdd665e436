"""The command ``search``: this package's indexes beside other libraries."""

from pathlib import Path
from typing import Annotated

from .cyclopts_import import Parameter
from .exit_codes import DONE
from .output_files import check_folder
from .search_settings import SearchSettings


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
