"""The command ``speed``: this package's encoder beside other libraries."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from .cyclopts_import import Parameter
from .exit_codes import DONE
from .output_files import check_folder
from .speed_settings import SpeedSettings


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
