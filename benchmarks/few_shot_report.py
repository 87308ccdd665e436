"""A few-shot run as a table to read; nothing is learned here."""

from collections.abc import Sequence

import numpy as np

from .few_shot import FROZEN, FROZEN_PLAIN, SETFIT, TUNED, TUNED_PLAIN, FewShotReport, Outcome
from .seed_interval import seed_interval
from .tables import MISSING, format_table

# A way and the one that it is to beat.
COMPARED = {TUNED_PLAIN: FROZEN_PLAIN, TUNED: FROZEN}
POINTS = 100


def format_few_shot(report: FewShotReport) -> str:
    """Write the report as a table.

    Parameters
    ----------
    report : FewShotReport
        What was measured.

    Returns
    -------
    str
        One line per way: means over the draws, gains with their intervals over the draws.
    """
    settings = report.settings
    head = (
        f"{settings.data}, {report.n_labels} labels, {settings.shots} texts of each in "
        f"{settings.draws} draws; judged on {report.n_test} rows"
        f"{' of the training split' if settings.choose else ''}.\n"
        "'gain': in points of accuracy over the way that is named beside it, with the 95 % "
        "interval over\nthe draws. 'seconds': of learning.\n\n"
    )
    lines = [
        [name, *_spread(outcomes), _gain(report, name), COMPARED.get(name, MISSING)]
        for name, outcomes in report.outcomes.items()
    ]
    table = format_table(["way", "draws", "accuracy", "seconds", "gain", "over"], lines)
    notes = [f"{name} is left out: {reason}" for name, reason in report.left_out.items()]
    return "\n".join([head + table, *_beside_setfit(report), *notes])


def _spread(outcomes: Sequence[Outcome]) -> tuple[str, str, str]:
    accuracies = [one.accuracy for one in outcomes]
    seconds = [one.seconds for one in outcomes]
    shown = f"{np.mean(accuracies):.4f} ± {np.std(accuracies):.4f}"
    return str(len(outcomes)), shown, f"{np.mean(seconds):.1f}"


def _gain(report: FewShotReport, name: str) -> str:
    if name not in COMPARED:
        return MISSING
    pairs = zip(report.outcomes[name], report.outcomes[COMPARED[name]], strict=True)
    found = seed_interval([POINTS * (one.accuracy - other.accuracy) for one, other in pairs])
    return f"{found.mean:+.2f} ({found.low:+.2f} to {found.high:+.2f})"


def _beside_setfit(report: FewShotReport) -> list[str]:
    """Compare on the draws that both took, each with the default logistic regression."""
    others = report.outcomes.get(SETFIT, [])
    if not others:
        return []
    ours = report.outcomes[TUNED_PLAIN][: len(others)]
    accuracy = POINTS * np.mean(
        [a.accuracy - b.accuracy for a, b in zip(ours, others, strict=True)]
    )
    ratio = sum(one.seconds for one in others) / sum(one.seconds for one in ours)
    return [
        f"\nOn the same {len(others)} draws, both with the default logistic regression: "
        f"{accuracy:+.2f} points beside setfit\n"
        f"(num_iterations={report.settings.setfit_iterations}, by default it takes all pairs), in "
        f"1/{ratio:.1f} of its time."
    ]
