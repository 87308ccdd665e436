"""The command ``choose``: which encoder suits a user's own labelled texts."""

import sys
from pathlib import Path
from typing import Annotated

from .choose_settings import ChooseSettings
from .cyclopts_import import Parameter
from .exit_codes import DONE
from .output_files import check_folder


def choose_command(
    *,
    what: Annotated[ChooseSettings, Parameter(name="*")],
    json: Path | None = None,
    plot: Path | None = None,
) -> int:
    """Try encoders on your own labelled texts, and say which to take and why.

    Each is followed by a logistic regression and cross-validated; a text is encoded once per
    model and precision. Differences to the best are tested by the corrected resampled t-test.

    Parameters
    ----------
    what : ChooseSettings
        Texts, models, and how they are judged.
    json : path
        File for all figures.
    plot : path
        File for a chart of quality against speed and size, .png, .svg or .pdf.

    Returns
    -------
    int
        0.
    """
    from .choose import run_choose
    from .choose_recommendation import recommend
    from .choose_report import choice_to_json, format_choice, plot_choice
    from .speed_plot import check_plot_path

    for path in filter(None, (json, plot)):
        check_folder(path)
    if plot:
        check_plot_path(plot)
    choice = run_choose(what)
    recommendation = recommend(choice)
    print(format_choice(choice, recommendation))
    if json:
        json.write_text(choice_to_json(choice, recommendation), encoding="utf-8")
    if plot:
        plot_choice(choice, plot)
        print(plot, file=sys.stderr)
    return DONE
