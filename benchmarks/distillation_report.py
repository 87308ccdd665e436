"""A distillation run as a table; nothing is trained here."""

from .distillation import DistillationReport, Kept
from .tables import format_table


def format_distillation(report: DistillationReport) -> str:
    """Write the report as a table.

    Parameters
    ----------
    report : DistillationReport
        What was measured.

    Returns
    -------
    str
        Scores of both, what is kept of them, and the speed.
    """
    settings, speed = report.settings, report.speedup
    learned = ", ".join(f"{count:,} {name}" for name, count in report.sources.items())
    head = (
        f"{settings.layers} layers of {settings.model}, distilled in {report.seconds:.0f} s "
        f"({settings.epochs:g} passes) from texts without labels:\n{learned}.\n"
        f"{'Judged on parts kept for choices. ' * settings.choose}"
        "'kept': the student's score as a part of the teacher's, with its 95 % interval.\n\n"
    )
    table = format_table(
        ["task", "teacher", "student at first", "student", "kept"],
        [_line(kept) for kept in report.kept],
    )
    rates = report.texts_per_second
    return (
        f"{head}{table}\n\nSpeed, float32, texts in and vectors out: {speed.value:.2f} times the "
        f"teacher's ({speed.low:.2f} to {speed.high:.2f}),\n{rates['student']:.0f} texts per "
        f"second, the teacher {rates['teacher']:.0f}."
    )


def _line(kept: Kept) -> list[str]:
    share = kept.share
    return [
        kept.task,
        f"{kept.teacher:.4f}",
        f"{kept.untrained:.4f}",
        f"{kept.student:.4f}",
        f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})",
    ]
