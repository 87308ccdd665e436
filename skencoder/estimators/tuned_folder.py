"""The folder of a model that an estimator has trained: it lives as long as somebody holds it."""

import os
import shutil
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from skencoder.checkpoint_files import read_checkpoint_files
from skencoder.encode_once import check_fingerprint
from skencoder.errors import CheckpointNotFoundError, TrainingWarning
from skencoder.model_source import Source
from skencoder.session import session

if TYPE_CHECKING:
    from skencoder.text_encoder import TextEncoder
    from skencoder.training.added import Added
    from skencoder.training.parts import Parts


@dataclass(frozen=True)
class Recipe:
    """How a tuned model is made again: the model it began as, and what was learned beside it.

    Parameters
    ----------
    base : Source
        The model it began as.
    open_model : callable
        The objective's: from the model's name and a seed to its parts before the first step.
    seed : int
        Of weights that were new.
    added : tuple of Added
        What was learned beside frozen weights, in one training after the other.
    """

    base: Source
    open_model: "Callable[[str, int], Parts]"
    seed: int
    added: "tuple[Added, ...]"

    def write(self, folder: Path) -> None:
        """Make the tuned model again.

        Parameters
        ----------
        folder : Path
            Where to.

        Raises
        ------
        CheckpointNotFoundError
            If the model it began as is not there.
        CheckpointError
            If that is another one now.
        OSError
            If the folder cannot be written.
        """
        from skencoder.training.added import put_added

        self._check_base()
        with warnings.catch_warnings():
            # That a head was new has been said where it was trained.
            warnings.simplefilter("ignore", TrainingWarning)
            parts = self.open_model(self.base.model, self.seed)
        for added in self.added:
            parts = put_added(parts, added)
        parts.save(folder)

    def _check_base(self) -> None:
        try:
            files = read_checkpoint_files(self.base.model)
        except CheckpointNotFoundError as error:
            raise CheckpointNotFoundError(
                f"This pickle holds the adapters that were trained on {self.base.model!r}, and "
                f"not that model itself. {error}"
            ) from error
        check_fingerprint(self.base, files.fingerprint)


class TunedFolder:
    """A checkpoint among the session's files; a pickle of it brings it along.

    Parameters
    ----------
    recipe : Recipe or None, default=None
        How the model is made again; a pickle without one holds all its files.

    Attributes
    ----------
    path : Path
        Where it lies; it need not be there yet. Gone with this object.
    recipe : Recipe or None
        As given.
    """

    def __init__(self, recipe: Recipe | None = None) -> None:
        self.path = (session().folder / "tuned" / uuid4().hex).resolve()
        self.recipe = recipe
        _FOLDERS[str(self.path)] = self
        weakref.finalize(self, _remove, self.path, os.getpid())

    @contextmanager
    def filling(self) -> Iterator[Path]:
        """Give the place to write to; what goes wrong there says what to do.

        Yields
        ------
        Path
            Where to write; nothing is there yet.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        try:
            yield self.path
        except CheckpointNotFoundError:
            # A file is missing elsewhere.
            raise
        except OSError as error:
            place = session().folder
            sentence = (
                f"The model could not be written among the temporary files ({error}). Make room "
                f"({shutil.disk_usage(place).free:,} bytes are free in {place}), or set TMPDIR to "
                f"another place; with Training(folder=...), steps that were taken are not lost."
            )
            code = error.errno
            raise (OSError(sentence) if code is None else OSError(code, sentence)) from error

    def keep_for(self, model: "TextEncoder") -> None:
        """Live at least as long as a model that was loaded from here.

        Parameters
        ----------
        model : TextEncoder
            The model.
        """
        _KEPT[model] = self

    def describe(self, source: dict[str, Any]) -> dict[str, Any]:
        """Say what a model is loaded from, as it lies here.

        Parameters
        ----------
        source : dict
            Of the same model where it lay before, as plain values.

        Returns
        -------
        dict
            With the place and the fingerprint of what is here.
        """
        found = read_checkpoint_files(self.path)
        return source | {"model": str(self.path), "fingerprint": found.fingerprint}

    def __getstate__(self) -> dict[str, Any]:
        if self.recipe is not None:
            return {"recipe": self.recipe}
        entries = sorted(self.path.rglob("*"))
        return {"entries": {str(e.relative_to(self.path)): _content(e) for e in entries}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state.get("recipe"))  # type: ignore[misc]
        with self.filling() as path:
            if self.recipe is not None:
                self.recipe.write(path)
            for name, content in state.get("entries", {}).items():
                _write_entry(path / name, content)


# By their paths: a training that goes on with one adds to its recipe.
_FOLDERS: "weakref.WeakValueDictionary[str, TunedFolder]" = weakref.WeakValueDictionary()
# Folders of models that somebody may hold without the estimator that trained them.
_KEPT: "weakref.WeakKeyDictionary[TextEncoder, TunedFolder]" = weakref.WeakKeyDictionary()


def recipe_of(model: str) -> Recipe | None:
    """Say how a tuned model is made again.

    Parameters
    ----------
    model : str
        A name, or a folder's absolute path.

    Returns
    -------
    Recipe or None
        None for one that was not tuned here, or whose pickle holds all its files.
    """
    folder = _FOLDERS.get(model)
    return folder.recipe if folder is not None else None


def outlives_the_session(model: str) -> bool:
    """Tell whether a model is still there when this process has ended.

    Parameters
    ----------
    model : str
        A name, or a folder's absolute path.

    Returns
    -------
    bool
        False for one that lies among the session's files.
    """
    return not Path(model).is_relative_to(session().folder.resolve())


def _write_entry(entry: Path, content: bytes | None) -> None:
    # A folder comes before what is in it.
    if content is None:
        entry.mkdir(parents=True)
    else:
        entry.parent.mkdir(parents=True, exist_ok=True)
        entry.write_bytes(content)


def _content(entry: Path) -> bytes | None:
    return entry.read_bytes() if entry.is_file() else None


def _remove(path: Path, owner: int) -> None:
    # A child made by fork inherits the duty, but not the folder.
    if os.getpid() == owner:
        shutil.rmtree(path, ignore_errors=True)
