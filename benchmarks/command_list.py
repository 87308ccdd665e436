"""The command ``list``: shows what there is to run."""

from pathlib import Path
from typing import Literal

from .exit_codes import DONE


def list_command(
    what: Literal["tasks", "benchmarks", "models"] = "tasks",
    *,
    tasks: list[str] | None = None,
    benchmark: list[str] | None = None,
    types: list[str] | None = None,
    languages: list[str] | None = None,
    data_root: Path | None = None,
) -> int:
    """List tasks and benchmarks of MTEB, or models.

    Parameters
    ----------
    what : str
        Tasks (text tasks that are public and not superseded, unless others are named),
        benchmarks, or models.
    tasks : list of str
        Of tasks, show these.
    benchmark : list of str
        Of tasks, show those of these benchmarks, such as "MTEB(eng, v2)".
    types : list of str
        Of tasks, keep these types, such as STS Classification.
    languages : list of str
        Of tasks, keep these languages by ISO 639-3, such as deu fra-Latn.
    data_root : path
        Say of tasks and benchmarks which data are in this folder, by hub path.

    Returns
    -------
    int
        0.
    """
    from . import listing
    from .mteb_selection import TaskSelection

    if what == "models":
        print(listing.format_models(listing.list_models()))
    elif what == "benchmarks":
        print(listing.format_benchmarks(listing.list_benchmarks(data_root=data_root)))
    else:
        selection = TaskSelection(tasks or (), benchmark or (), types or (), languages or ())
        print(listing.format_tasks(listing.list_tasks(selection, data_root=data_root)))
    return DONE
