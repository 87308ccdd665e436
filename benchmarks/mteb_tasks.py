"""Names of tasks, splits and subsets become mteb's tasks, or an error with the nearest names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import UnknownTaskError
from .nearest import nearest_names

if TYPE_CHECKING:
    from mteb.abstasks import AbsTask


@dataclass(frozen=True)
class TaskChoice:
    """A task, or some of its splits and subsets.

    Parameters
    ----------
    name : str
        Name as mteb spells it.
    subsets : tuple of str, optional
        Of a task that has several, keep these; None keeps all.
    splits : tuple of str, optional
        Splits that are scored; None takes those that mteb scores.
    """

    name: str
    subsets: tuple[str, ...] | None = None
    splits: tuple[str, ...] | None = None

    def make(self) -> "AbsTask":
        """Create the task.

        Returns
        -------
        mteb task
            A new object with a fresh random state.

        Raises
        ------
        UnknownTaskError
            If mteb has no such task, or the task none of the subsets.
        """
        task = make_task(self.name, subsets=self.subsets)
        return task.filter_eval_splits(list(self.splits)) if self.splits else task


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
        raise UnknownTaskError(f"mteb has no task {name!r}; {nearest_names(name, known)}")
    task = mteb.get_task(name)
    if subsets and len(task.hf_subsets) > 1:
        kept = [subset for subset in task.hf_subsets if subset in set(subsets)]
        if not kept:
            raise UnknownTaskError(
                f"task {name} has no subset {' or '.join(map(repr, subsets))}; "
                f"{nearest_names(subsets[0], task.hf_subsets)}"
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
