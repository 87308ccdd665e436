"""The pictures of a comparison, written to a folder."""

from collections.abc import Callable
from pathlib import Path

from skencoder.errors import ParameterError

from .compare import Comparison
from .environment import name_threads
from .model_costs import ModelCost
from .overall_comparison import OverallComparison
from .pareto_plot import ParetoPanel, ParetoPoint, plot_pareto
from .rank_plot import plot_ranks

RANKS_FILE, PARETO_FILE = "ranks.png", "pareto.png"
MILLION = 1e6
# In a picture, one model is no comparison.
AT_LEAST = 2


def check_plot_folder(folder: Path) -> None:
    """Refuse a folder for pictures before anything is computed.

    Parameters
    ----------
    folder : path
        Where pictures shall go; it is made if it is not there.

    Raises
    ------
    ParameterError
        If it is a file.
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    import matplotlib  # noqa: F401

    if folder.exists() and not folder.is_dir():
        raise ParameterError(f"plot_dir={str(folder)!r}: expected a folder, there is a file.")


def plot_comparison(comparison: Comparison, folder: Path) -> list[Path]:
    """Draw what can be drawn.

    Parameters
    ----------
    comparison : Comparison
        What was compared.
    folder : path
        Made if it is not there.

    Returns
    -------
    list of path
        Files that were written: ranks, where there are several tasks and models, and quality
        against speed and parameters, where these are known of several models.
    """
    folder.mkdir(parents=True, exist_ok=True)
    overall = comparison.overall
    written = []
    if overall and overall.ranks:
        plot_ranks(overall.labels, overall.ranks, folder / RANKS_FILE)
        written.append(folder / RANKS_FILE)
    panels = make_panels(comparison, overall) if overall else []
    if overall and panels:
        n_tasks = len(overall.tasks)
        title = f"mean score over {n_tasks} tasks" if n_tasks > 1 else overall.tasks[0]
        plot_pareto(panels, title, folder / PARETO_FILE)
        written.append(folder / PARETO_FILE)
    return written


def make_panels(comparison: Comparison, overall: OverallComparison) -> list[ParetoPanel]:
    """Put quality and costs together.

    Parameters
    ----------
    comparison : Comparison
        With the costs.
    overall : OverallComparison
        With the quality.

    Returns
    -------
    list of ParetoPanel
        Of speed and of size, each where it is known of at least two models.
    """
    machine = comparison.costs.machine
    where = f"{machine.get('gpu') or machine.get('cpu')}, {name_threads(machine)}"

    def points(read: Callable[[ModelCost], float | None]) -> tuple[ParetoPoint, ...]:
        # Only the models that ran have costs; they come first.
        known = zip(comparison.labels, comparison.costs.models, strict=False)
        return tuple(
            _point(overall, label, cost)
            for label, model in known
            if (cost := read(model)) is not None
        )

    panels = [
        ParetoPanel(
            f"texts per second ({where})", True, points(lambda cost: cost.texts_per_second)
        ),
        ParetoPanel("million parameters", False, points(_million_parameters)),
    ]
    return [panel for panel in panels if len(panel.points) >= AT_LEAST]


def _million_parameters(cost: ModelCost) -> float | None:
    return None if cost.parameters is None else cost.parameters / MILLION


def _point(overall: OverallComparison, label: str, cost: float) -> ParetoPoint:
    interval = overall.intervals.get(label)
    low, high = (interval.low, interval.high) if interval else (None, None)
    return ParetoPoint(label, cost, overall.scores[label], low, high)
