"""Which tasks a user means: by name, by benchmark, by type, by language, and what that narrows.

Names and benchmarks say where tasks come from, types and languages which of them are kept.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skencoder.errors import ParameterError

from .errors import UnknownTaskError
from .mteb_tasks import TaskChoice, make_task
from .nearest import nearest_names

if TYPE_CHECKING:
    from mteb.abstasks import AbsTask
    from mteb.benchmarks.benchmark import Benchmark


@dataclass(frozen=True)
class TaskSelection:
    """Which tasks a user means.

    Parameters
    ----------
    tasks : sequence of str, optional
        Names of tasks.
    benchmarks : sequence of str, optional
        Names of benchmarks, such as ``"MTEB(eng, v2)"``; their tasks come after those by name,
        with the splits and subsets that the benchmark scores.
    types : sequence of str, optional
        Keep tasks of these types, such as ``"STS"``. Without tasks and benchmarks, of all text
        tasks that are public and not superseded.
    languages : sequence of str, optional
        Keep tasks in these languages, and of tasks in several the subsets that hold one of them:
        ISO 639-3 codes, ``"deu"``, also with a script, ``"deu-Latn"``.
    subsets : sequence of str, optional
        Keep only these subsets of tasks that have several.
    """

    tasks: Sequence[str] = ()
    benchmarks: Sequence[str] = ()
    types: Sequence[str] = ()
    languages: Sequence[str] = ()
    subsets: Sequence[str] = ()

    def find(self) -> list[TaskChoice]:
        """Find the tasks.

        Returns
        -------
        list of TaskChoice
            In order; one that is named twice, or that a benchmark has too, is there once.

        Raises
        ------
        ParameterError
            If nothing is named.
        UnknownTaskError
            If a name is unknown, or no task is left; the message shows the nearest names.
        """
        self.check_named()
        _check_types(self.types)
        _check_languages(self.languages)
        # A task by name must have one of the subsets; of the others those are taken that do.
        named = [make_task(name, subsets=self.subsets) for name in dict.fromkeys(self.tasks)]
        others = [task for task in self._other_tasks() if _narrow(task, self.subsets)]
        kept_named, kept_others = (list(filter(self._keeps, part)) for part in (named, others))
        if not kept_named and not kept_others:
            raise UnknownTaskError(
                f"none of {len(named) + len(others)} tasks is left with types={list(self.types)}, "
                f"languages={list(self.languages)}, subsets={list(self.subsets)}."
            )
        chosen = [_choice(task) for task in kept_named]
        return [*chosen, *dict.fromkeys(c for c in map(_choice, kept_others) if c not in chosen)]

    def check_named(self) -> None:
        """See that something is named, without loading mteb.

        Raises
        ------
        ParameterError
            If nothing is.
        """
        if not (self.tasks or self.benchmarks or self.types or self.languages):
            raise ParameterError(
                "no tasks are named: give --tasks, --benchmark, --types or --languages (from "
                "Python a list of names, or a TaskSelection)."
            )

    def _other_tasks(self) -> "Iterable[AbsTask]":
        if self.benchmarks:
            found = [find_benchmark(name) for name in self.benchmarks]
            # mteb gives everyone the same objects, and they are narrowed here.
            return [copy.copy(task) for benchmark in found for task in benchmark.tasks]
        return () if self.tasks else text_tasks()

    def _keeps(self, task: "AbsTask") -> bool:
        fits = not self.types or task.metadata.type in self.types
        return fits and _keep_languages(task, self.languages)


def find_benchmark(name: str) -> "Benchmark":
    """Find a benchmark by its name or one of its short names.

    Parameters
    ----------
    name : str
        Such as ``"MTEB(eng, v2)"``.

    Returns
    -------
    Benchmark
        The record in mteb.

    Raises
    ------
    UnknownTaskError
        If there is none; the message shows the nearest names.
    """
    import mteb

    try:
        return mteb.get_benchmark(name)
    except KeyError as error:
        known = [benchmark.name for benchmark in mteb.get_benchmarks()]
        raise UnknownTaskError(
            f"mteb has no benchmark {name!r}; {nearest_names(name, known)}"
        ) from error


def text_tasks() -> "list[AbsTask]":
    """Create every text task of the installed mteb that is public and not superseded.

    Returns
    -------
    list of mteb task
        Without those that combine other tasks.
    """
    import mteb

    return list(
        mteb.get_tasks(modalities=["text"], exclusive_modality_filter=True, exclude_aggregate=True)
    )


def text_types() -> list[str]:
    """List the types that text tasks of the installed mteb have.

    Returns
    -------
    list of str
        Such as ``"STS"``, sorted.
    """
    from mteb.get_tasks import TASK_LIST

    return sorted(
        {task.metadata.type for task in TASK_LIST if task.metadata.modalities == ["text"]}
    )


def _check_types(types: Sequence[str]) -> None:
    known = text_types() if types else ()
    for name in types:
        if name not in known:
            raise UnknownTaskError(f"mteb has no type {name!r}; {nearest_names(name, known)}")


def _check_languages(languages: Sequence[str]) -> None:
    from mteb.languages import ISO_TO_LANGUAGE, ISO_TO_SCRIPT

    by_name = {str(name): code for code, name in ISO_TO_LANGUAGE.items()}
    for language in languages:
        code, _, script = language.partition("-")
        if code not in ISO_TO_LANGUAGE:
            # A user may have written "German", or "de".
            known = [*ISO_TO_LANGUAGE, *by_name]
            close = nearest_names(code, known)
            hints = [f"{name} is {by_name[name]}" for name in by_name if f" {name}" in close]
            raise UnknownTaskError(
                f"there is no language {code!r} in ISO 639-3; {close} {'; '.join(hints)}".strip()
            )
        if script and script not in ISO_TO_SCRIPT:
            raise UnknownTaskError(
                f"there is no script {script!r} in ISO 15924; "
                f"{nearest_names(script, ISO_TO_SCRIPT)}"
            )


def _narrow(task: "AbsTask", subsets: Sequence[str]) -> bool:
    """Keep some subsets of a task that has several; say whether any is left."""
    if subsets and len(task.hf_subsets) > 1:
        task.hf_subsets = [subset for subset in task.hf_subsets if subset in set(subsets)]
    return bool(task.hf_subsets)


def _keep_languages(task: "AbsTask", languages: Sequence[str]) -> bool:
    """Keep the subsets that hold one of the languages; say whether any is left."""
    if not languages:
        return True
    spoken = task.metadata.hf_subsets_to_langscripts
    task.hf_subsets = [
        subset
        for subset in task.hf_subsets
        if any({code, code.split("-")[0]} & set(languages) for code in spoken.get(subset, ()))
    ]
    return bool(task.hf_subsets)


def _choice(task: "AbsTask") -> TaskChoice:
    return TaskChoice(task.metadata.name, tuple(task.hf_subsets), tuple(task.eval_splits))
