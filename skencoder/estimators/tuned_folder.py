"""The folder of a model that an estimator has trained: it lives as long as somebody holds it."""

import os
import shutil
import weakref
from pathlib import Path
from typing import Any
from uuid import uuid4

from skencoder.session import session


class TunedFolder:
    """A checkpoint among the session's files; a pickle of it holds all its files.

    Attributes
    ----------
    path : Path
        Where it lies; it need not be there yet. Gone with this object.
    """

    def __init__(self) -> None:
        self.path = session().folder / "tuned" / uuid4().hex
        weakref.finalize(self, _remove, self.path, os.getpid())

    def __getstate__(self) -> dict[str, Any]:
        files = [file for file in sorted(self.path.rglob("*")) if file.is_file()]
        return {str(file.relative_to(self.path)): file.read_bytes() for file in files}

    def __setstate__(self, state: dict[str, bytes]) -> None:
        self.__init__()  # type: ignore[misc]
        for name, content in state.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


def _remove(path: Path, owner: int) -> None:
    # A child made by fork inherits the duty, but not the folder.
    if os.getpid() == owner:
        shutil.rmtree(path, ignore_errors=True)
