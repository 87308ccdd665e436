"""The sections of a report on what models cost, and on scores that others published."""

from .compare import Comparison
from .compare_plots import make_panels
from .environment import name_threads
from .model_costs import ModelCost
from .report_content import Cell, Picture, Section, Table, number, words
from .report_pareto import draw_pareto
from .report_plots import Bar, draw_intervals

MILLION = 1e6


def cost_section(comparison: Comparison) -> Section:
    """Show what the models cost, and quality against it.

    Parameters
    ----------
    comparison : Comparison
        What was compared.

    Returns
    -------
    Section
        Speeds, sizes and pictures.
    """
    costs, machine = comparison.costs, comparison.costs.machine
    rows = tuple(
        (words(label), *_cost(cost))
        # Only the models that ran have costs; they come first.
        for label, cost in zip(comparison.labels, costs.models, strict=False)
    )
    header = ("model", "million parameters", "MB of weights", "texts per second")
    sentences = []
    if machine:
        sentences.append(
            f"Texts per second: the same texts of all models, on "
            f"{machine.get('gpu') or machine.get('cpu')} with {name_threads(machine)}. "
            "Only ratios carry over to another machine."
        )
    table = Table("costs", "What the models cost.", header, rows)
    return Section(
        "costs", "Speed and size", tuple(sentences), _cost_pictures(comparison), (table,)
    )


def _cost(cost: ModelCost) -> tuple[Cell, Cell, Cell]:
    millions = None if cost.parameters is None else cost.parameters / MILLION
    return (
        number(millions, "{:.1f}"),
        number(cost.megabytes, "{:.0f}"),
        number(cost.texts_per_second, "{:.0f}"),
    )


def _cost_pictures(comparison: Comparison) -> tuple[Picture, ...]:
    overall = comparison.overall
    if overall is None:
        return ()
    quality = "mean score" if len(overall.tasks) > 1 else f"score on {overall.tasks[0]}"
    pictures = [
        draw_pareto(f"pareto-{row}", panel, quality)
        for row, panel in enumerate(make_panels(comparison, overall))
    ]
    speeds = [
        Bar(label, cost.texts_per_second, shown=f"{cost.texts_per_second:.0f} texts/s")
        for label, cost in zip(comparison.labels, comparison.costs.models, strict=False)
        if cost.texts_per_second
    ]
    speeds.sort(key=lambda bar: -bar.value)
    if speeds:
        pictures.append(draw_intervals("speeds", "Texts per second", speeds, reference=0))
    return tuple(pictures)


def published_section(comparison: Comparison) -> Section:
    """Hold scores against those that were published of the same models.

    Parameters
    ----------
    comparison : Comparison
        What was compared.

    Returns
    -------
    Section
        One table.
    """
    rows = tuple(
        (
            words(check.model),
            words(check.task),
            words(f"{check.split}, {check.subset}"),
            number(check.score, "{:.6f}"),
            number(check.published, "{:.6f}"),
            number(check.decimals, "{:d}"),
            words("agrees" if check.agrees else "DISAGREES"),
        )
        for check in comparison.checks
    )
    header = ("model", "task", "split, subset", "score", "published", "decimals", "")
    table = Table(
        "published", "Scores beside those that were published of the same model.", header, rows
    )
    return Section("published", "Published scores", (), (), (table,))
