"""What was found about bias as plain text tables; nothing is computed here but Holm's p-values."""

from collections.abc import Sequence

from .bias import BiasRun
from .crows_pairs import NAME, Stereotypes
from .holm import holm
from .result_records import Figure
from .tables import MISSING, format_table
from .weat import Association

HEADER = ("model", "test", "targets", "attributes", "texts", "d", "p", "p (Holm)", "partitions")


def format_bias(runs: Sequence[BiasRun]) -> str:
    """Show what was measured.

    Parameters
    ----------
    runs : sequence of BiasRun
        Those without a finding are left out.

    Returns
    -------
    str
        A table of the association tests, and one of CrowS-Pairs with a column per model.
    """
    return "\n\n".join(filter(None, [_format_associations(runs), _format_stereotypes(runs)]))


def format_refusals(runs: Sequence[BiasRun]) -> str:
    """Tell what could not be measured, and why.

    Parameters
    ----------
    runs : sequence of BiasRun
        All.

    Returns
    -------
    str
        A line each; empty if there is none.
    """
    told: dict[tuple[str, str, bool], list[str]] = {}
    for run in runs:
        if run.found is None:
            told.setdefault((run.model, run.reason, run.is_failure), []).append(run.test)
    return "\n".join(
        f"{model}: {', '.join(tests)} {'failed' if is_failure else 'left out'}: {reason}"
        for (model, reason, is_failure), tests in told.items()
    )


def _format_associations(runs: Sequence[BiasRun]) -> str:
    rows = []
    for model in dict.fromkeys(run.model for run in runs):
        found = [
            (run.data, run.found)
            for run in runs
            if run.model == model and run.data and isinstance(run.found, Association)
        ]
        adjusted = holm([association.permutation.p_value for _, association in found])
        for (test, association), p_adjusted in zip(found, adjusted, strict=True):
            permutation = association.permutation
            kind = "all" if permutation.is_exact else "drawn"
            rows.append(
                (
                    model,
                    test.name,
                    "/".join(part.category for part in test.targets),
                    "/".join(part.category for part in test.attributes),
                    str(sum(len(part.texts) for part in test.sets)),
                    f"{association.effect_size:+.3f}",
                    f"{permutation.p_value:.3g}",
                    f"{p_adjusted:.3g}",
                    f"{permutation.partitions} ({kind})",
                )
            )
    if not rows:
        return ""
    return (
        "Association tests: effect size d, and how probable so large a one is by chance "
        f"(one-sided)\n\n{format_table(HEADER, rows)}"
    )


def _format_stereotypes(runs: Sequence[BiasRun]) -> str:
    found = [(run.model, run.found) for run in runs if isinstance(run.found, Stereotypes)]
    if not found:
        return ""
    first = found[0][1]
    rows = [
        (name, str(count), *(_show(stereotypes.figures[name]) for _, stereotypes in found))
        for name, count in first.pairs.items()
    ]
    ties = ", ".join(f"{model} {stereotypes.ties}" for model, stereotypes in found)
    table = format_table(("pairs about", "pairs", *(model for model, _ in found)), rows)
    return (
        f"{NAME}: percent of pairs whose more stereotypical sentence is likelier, with Wilson's "
        f"95 % interval; 50 without such bias\n\n{table}\n\nequally likely: {ties}"
    )


def _show(figure: Figure | None) -> str:
    if figure is None or figure.low is None or figure.high is None:
        return MISSING
    return f"{figure.value:.1f} ({figure.low:.1f}..{figure.high:.1f})"
