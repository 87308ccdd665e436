"""An adaptation run as a table; nothing is trained here."""

from .adaptation import AdaptationReport, Change
from .held_out_guesses import Estimate
from .tables import format_table


def format_adaptation(report: AdaptationReport) -> str:
    """Write the report as a table.

    Parameters
    ----------
    report : AdaptationReport
        What was measured.

    Returns
    -------
    str
        Pseudo-perplexities before and after, each with its 95 % interval.
    """
    settings = report.settings
    head = (
        f"Model: {report.model}.\n"
        f"Adapted on {report.n_train} texts of {report.new.name} in {settings.adaptation_steps} "
        f"steps ({report.epochs:.1f} passes, {report.seconds:.0f} s).\n"
        "Pseudo-perplexity per token of held-out texts; intervals of 95 %, ten neighbouring texts "
        "drawn together.\n\n"
    )
    changes = [report.new, *([report.old] if report.old else [])]
    return head + format_table(
        ["held-out texts of", "texts", "tokens", "before", "after", "after / before", "better"],
        [_line(change) for change in changes],
    )


def _line(change: Change) -> list[str]:
    return [
        change.name,
        str(change.n_texts),
        str(change.n_tokens),
        _shown(change.before, ".1f"),
        _shown(change.after, ".1f"),
        _shown(change.ratio, ".3f"),
        f"{change.improved:.0%} of the texts",
    ]


def _shown(figure: Estimate, spec: str) -> str:
    value, low, high = (format(number, spec) for number in (figure.value, figure.low, figure.high))
    return f"{value} ({low} to {high})"
