"""A choice as a table to read, as a picture, and as JSON; nothing is computed here."""

import json
from dataclasses import asdict
from pathlib import Path

from .choose import CandidateScore, Choice
from .choose_recommendation import METRIC_NAMES, Recommendation
from .pareto_plot import ParetoPanel, ParetoPoint, plot_pareto
from .tables import MISSING, format_table

MILLION = 1e6


def format_choice(choice: Choice, recommendation: Recommendation) -> str:
    """Show all candidates and the recommendation.

    Parameters
    ----------
    choice : Choice
        What was tried.
    recommendation : Recommendation
        What follows.

    Returns
    -------
    str
        A table and sentences.
    """
    header = (
        *("candidate", METRIC_NAMES[choice.metric], "minus best", "95 % interval", "p", "Holm"),
        *("C", "texts/s", "fit s", "parameters", "MB", "dimensions"),
    )
    title = f"{choice.n_texts} texts, {choice.n_labels} labels, {choice.n_folds} folds"
    table = format_table(header, [_line(one) for one in choice.candidates])
    reasons = "\n".join(f"- {reason}" for reason in recommendation.reasons)
    notes = "\n".join(choice.notes)
    return f"{title}\n\n{table}\n\nTake {recommendation.name}.\n{reasons}\n\n{notes}"


def _line(one: CandidateScore) -> tuple[str, ...]:
    test = one.test
    return (
        one.name,
        f"{one.mean:.4f}",
        f"{test.difference:+.4f}" if test else MISSING,
        f"{test.low:+.4f}..{test.high:+.4f}" if test else MISSING,
        f"{test.p_value:.2g}" if test else MISSING,
        f"{one.p_adjusted:.2g}" if test else MISSING,
        f"{one.strength:g}",
        MISSING if one.texts_per_second is None else f"{one.texts_per_second:.0f}",
        f"{one.fit_seconds:.2f}",
        f"{one.size.parameters / MILLION:.2f}M",
        f"{one.size.megabytes:.1f}",
        str(one.size.dimensions),
    )


def choice_to_json(choice: Choice, recommendation: Recommendation) -> str:
    """Write a choice for programs.

    Parameters
    ----------
    choice : Choice
        What was tried.
    recommendation : Recommendation
        What follows.

    Returns
    -------
    str
        A JSON object.
    """
    content = asdict(choice) | {"recommendation": asdict(recommendation)}
    # A difference that is the same on every fold has an infinite t.
    for one in content["candidates"]:
        if one["test"] and abs(one["test"]["t_statistic"]) == float("inf"):
            one["test"]["t_statistic"] = None
    return json.dumps(content, indent=2, allow_nan=False)


def plot_choice(choice: Choice, path: Path) -> None:
    """Draw quality against speed and size.

    Parameters
    ----------
    choice : Choice
        What was tried.
    path : path
        File to write, its suffix decides on the format.
    """
    speeds = tuple(
        ParetoPoint(one.name, one.texts_per_second, one.mean)
        for one in choice.candidates
        if one.texts_per_second
    )
    sizes = tuple(
        ParetoPoint(one.name, one.size.megabytes, one.mean)
        for one in choice.candidates
        if one.size.megabytes
    )
    panels = [
        ParetoPanel("texts per second", True, speeds),
        ParetoPanel("weights, MB", False, sizes),
    ]
    shown = [panel for panel in panels if len(panel.points) > 1]
    plot_pareto(shown, f"{METRIC_NAMES[choice.metric]}, {choice.n_folds} folds", path)
