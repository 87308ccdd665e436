"""Measure any text encoder: MTEB tasks, perplexity, bias, speed and search, and compare them.

The command line is `cli`; the functions behind its commands can be called from Python too.
Nothing is imported before it is used, so that ``--help`` answers at once.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bias import run_bias
    from .bias_settings import BiasSettings
    from .choose import run_choose
    from .choose_settings import ChooseSettings
    from .compare import run_compare
    from .compare_settings import CompareSettings
    from .listing import list_benchmarks, list_models, list_tasks
    from .minimal_pairs import run_pairs
    from .mteb_model import MTEBModel
    from .mteb_run import run_mteb
    from .mteb_search import MTEBSearcher
    from .mteb_selection import TaskSelection
    from .perplexity import run_perplexity
    from .perplexity_settings import PerplexitySettings
    from .report import run_report
    from .results_folder import read_results
    from .search import run_search
    from .search_settings import SearchSettings
    from .speed import run_speed
    from .speed_settings import SpeedSettings

_HOMES = {
    "BiasSettings": "bias_settings",
    "ChooseSettings": "choose_settings",
    "CompareSettings": "compare_settings",
    "MTEBModel": "mteb_model",
    "MTEBSearcher": "mteb_search",
    "PerplexitySettings": "perplexity_settings",
    "SearchSettings": "search_settings",
    "SpeedSettings": "speed_settings",
    "TaskSelection": "mteb_selection",
    "list_benchmarks": "listing",
    "list_models": "listing",
    "list_tasks": "listing",
    "read_results": "results_folder",
    "run_bias": "bias",
    "run_choose": "choose",
    "run_compare": "compare",
    "run_mteb": "mteb_run",
    "run_pairs": "minimal_pairs",
    "run_perplexity": "perplexity",
    "run_report": "report",
    "run_search": "search",
    "run_speed": "speed",
}

__all__ = [
    "BiasSettings",
    "ChooseSettings",
    "CompareSettings",
    "MTEBModel",
    "MTEBSearcher",
    "PerplexitySettings",
    "SearchSettings",
    "SpeedSettings",
    "TaskSelection",
    "list_benchmarks",
    "list_models",
    "list_tasks",
    "read_results",
    "run_bias",
    "run_choose",
    "run_compare",
    "run_mteb",
    "run_pairs",
    "run_perplexity",
    "run_report",
    "run_search",
    "run_speed",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
