"""The commands ``pretraining``, ``adaptation``, ``few-shot`` and ``distillation``.

Each parses, calls `run_...`, and prints.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from .adaptation_settings import AdaptationSettings
from .cyclopts_import import Parameter
from .distillation_settings import DistillationSettings
from .exit_codes import DONE
from .few_shot_settings import FewShotSettings
from .output_files import check_folder, write_whole
from .pretraining_settings import PretrainingSettings

if TYPE_CHECKING:
    from collections.abc import Callable


def pretraining_command(
    *,
    what: Annotated[PretrainingSettings | None, Parameter(name="*")] = None,
    json: Path | None = None,
    plot: Path | None = None,
) -> int:
    """Train encoders from nothing on Python's documentation, with three kinds of positions.

    Documents are held out; on them masked tokens are guessed, beside token frequencies, and
    topics are told from vectors, beside TF-IDF.

    Parameters
    ----------
    what : PretrainingSettings
        Sizes and steps.
    json : path
        File for all figures.
    plot : path
        File for a chart of the losses, .png, .svg or .pdf.

    Returns
    -------
    int
        0.
    """
    from .pretraining import run_pretraining
    from .pretraining_report import format_pretraining, plot_pretraining

    _check(json, plot)
    report = run_pretraining(what or PretrainingSettings())
    return _show(report, format_pretraining, json, plot, plot_pretraining)


def adaptation_command(
    *,
    what: Annotated[AdaptationSettings | None, Parameter(name="*")] = None,
    json: Path | None = None,
) -> int:
    """Adapt a masked language model to texts of another kind, and guess held-out ones.

    Parameters
    ----------
    what : AdaptationSettings
        Model, texts and steps.
    json : path
        File for all figures.

    Returns
    -------
    int
        0.
    """
    from .adaptation import run_adaptation
    from .adaptation_report import format_adaptation

    _check(json)
    return _show(run_adaptation(what or AdaptationSettings()), format_adaptation, json)


def few_shot_command(
    *, what: Annotated[FewShotSettings, Parameter(name="*")], json: Path | None = None
) -> int:
    """Learn from eight texts of each label: tuned, frozen, TF-IDF, and setfit if asked for.

    Parameters
    ----------
    what : FewShotSettings
        Data and draws.
    json : path
        File for all figures.

    Returns
    -------
    int
        0.
    """
    from .few_shot import run_few_shot
    from .few_shot_report import format_few_shot

    _check(json)
    return _show(run_few_shot(what), format_few_shot, json)


def distillation_command(
    *,
    what: Annotated[DistillationSettings, Parameter(name="*")],
    json: Path | None = None,
) -> int:
    """Distil a student with fewer layers, and compare its scores and speed with the teacher's.

    Parameters
    ----------
    what : DistillationSettings
        Teacher, student and data.
    json : path
        File for all figures.

    Returns
    -------
    int
        0.
    """
    from .distillation import run_distillation
    from .distillation_report import format_distillation

    _check(json)
    return _show(run_distillation(what), format_distillation, json)


def _check(json: Path | None, plot: Path | None = None) -> None:
    """Refuse files that could not be written after minutes of training."""
    for path in filter(None, (json, plot)):
        check_folder(path)
    if plot:
        from .speed_plot import check_plot_path

        check_plot_path(plot)


def _show(
    report: Any,
    format_report: "Callable[[Any], str]",
    json: Path | None,
    plot: Path | None = None,
    draw: "Callable[[Any, Path], None] | None" = None,
) -> int:
    from .measured_json import measured_json

    print(format_report(report))
    if json:
        write_whole(json, measured_json(report, ("setfit",)))
    if plot and draw:
        draw(report, plot)
    return DONE
