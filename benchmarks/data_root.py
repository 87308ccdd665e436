"""A folder of benchmark data laid out as the hub lays it out: ``ROOT/<hub path>/...``.

Here a task is pointed at such a folder and the `datasets` library is kept off the network;
which tasks are run, and how, is decided elsewhere (`mteb_run`).
"""

import copy
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from .errors import MissingDataError

Task = TypeVar("Task", bound=Any)

CHECKSUM_DIGITS = 16


@dataclass(frozen=True)
class DataRoot:
    """A folder that mirrors the hub's data set repositories.

    Parameters
    ----------
    folder : path
        Holds one folder per data set, named by its hub path, ``mteb/banking77`` for example.

    Raises
    ------
    MissingDataError
        If the folder does not exist.
    """

    folder: Path

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise MissingDataError(
                f"data_root: there is no folder {self.folder}; expected a folder which holds "
                "data sets by their hub path, such as mteb/banking77."
            )

    def locate(self, hub_path: str) -> Path:
        """Find the folder of a data set.

        Parameters
        ----------
        hub_path : str
            Name of the data set on the hub, ``"mteb/banking77"`` for example.

        Returns
        -------
        path
            The absolute folder.

        Raises
        ------
        MissingDataError
            If the folder does not exist or is empty.
        """
        folder = (self.folder / hub_path).absolute()
        if not folder.is_dir() or not any(folder.iterdir()):
            raise MissingDataError(
                f"no data at {folder} (data set {hub_path!r} of the hub): put the files of "
                "that data set repository there, its README.md included."
            )
        return folder

    def holds(self, task: Any) -> bool:
        """Tell whether the data of a task are there.

        Parameters
        ----------
        task : mteb task
            One that combines others needs the data of all.

        Returns
        -------
        bool
            Whether the data set's folder holds something.
        """
        if task.is_aggregate:
            return all(self.holds(part) for part in task.metadata.tasks)
        try:
            self.locate(task.metadata.dataset["path"])
        except MissingDataError:
            return False
        return True

    def bind(self, task: Task) -> Task:
        """Point a task at this folder.

        The task's revision becomes a checksum of the files, as a folder has no hub revision.

        Parameters
        ----------
        task : mteb task
            Is left as it is, and so is the metadata which its class shares.

        Returns
        -------
        mteb task
            A copy which reads its data from this folder.

        Raises
        ------
        MissingDataError
            If the task's data are not there.
        """
        bound = copy.copy(task)
        if task.is_aggregate:
            parts = [self.bind(part) for part in task.metadata.tasks]
            bound.metadata = task.metadata.model_copy(update={"tasks": parts})
            return bound
        dataset = task.metadata.dataset
        folder = self.locate(dataset["path"])
        local = {**dataset, "path": str(folder), "revision": checksum(folder)}
        bound.metadata = task.metadata.model_copy(update={"dataset": local})
        return bound


def checksum(folder: Path) -> str:
    """Hash the names and contents of all files of a folder.

    Parameters
    ----------
    folder : path
        Read recursively; hidden files and folders are left out.

    Returns
    -------
    str
        ``"sha256-"`` and the first 16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in relative.parts):
            digest.update(relative.as_posix().encode() + b"\0")
            digest.update(_file_digest(path))
    return f"sha256-{digest.hexdigest()[:CHECKSUM_DIGITS]}"


def _file_digest(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


@contextmanager
def offline_datasets() -> Iterator[None]:
    """Keep `datasets` off the network and away from its shared cache, until the end of a block.

    The shared cache recognises a local file by its path and time stamp, so that it can answer
    with the data of yesterday. Inside the block it is an empty temporary folder.

    Yields
    ------
    None
        Nothing.
    """
    import datasets

    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="skencoder-data-"))
        for name, value in {
            "HF_HUB_OFFLINE": True,
            "HF_DATASETS_OFFLINE": True,
            "HF_DATASETS_CACHE": Path(scratch),
        }.items():
            stack.callback(setattr, datasets.config, name, getattr(datasets.config, name))
            setattr(datasets.config, name, value)
        yield
