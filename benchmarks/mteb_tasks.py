"""Names of tasks and subsets become mteb's tasks, or an error that shows the nearest names."""

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .errors import UnknownTaskError

if TYPE_CHECKING:
    from mteb.abstasks import AbsTask

N_NEAREST = 4


def make_task(name: str, *, subsets: Sequence[str] | None = None) -> "AbsTask":
    """Create a task by its name.

    Parameters
    ----------
    name : str
        Name as mteb spells it, ``"STSBenchmark"`` for example.
    subsets : sequence of str, optional
        Keep only these of the task's subsets (languages, language pairs). A task that has a
        single subset is always kept whole.

    Returns
    -------
    mteb task
        A new object with a fresh random state.

    Raises
    ------
    UnknownTaskError
        If mteb has no such task, or the task none of the subsets.
    """
    import mteb

    known = task_names()
    if name not in known:
        raise UnknownTaskError(f"mteb has no task {name!r}; {_nearest(name, known)}")
    task = mteb.get_task(name)
    if subsets and len(task.hf_subsets) > 1:
        kept = [subset for subset in task.hf_subsets if subset in set(subsets)]
        if not kept:
            raise UnknownTaskError(
                f"task {name} has no subset {' or '.join(map(repr, subsets))}; "
                f"{_nearest(subsets[0], task.hf_subsets)}"
            )
        task.hf_subsets = kept
    return task


def task_names() -> list[str]:
    """List the tasks of the installed mteb.

    Returns
    -------
    list of str
        Every task's name, sorted.
    """
    from mteb.get_tasks import TASK_LIST

    return sorted(task.metadata.name for task in TASK_LIST)


def _nearest(name: str, known: Sequence[str]) -> str:
    """Say which known names look like a name, whatever their case."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=N_NEAREST, cutoff=0.4)
    names = [by_folded[folded] for folded in close] or sorted(known)[:N_NEAREST]
    return f"the nearest names are {', '.join(names)}."
