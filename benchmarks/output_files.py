"""Files that a command writes: refused before the work where they cannot be, whole after it."""

from pathlib import Path
from uuid import uuid4

from skencoder.errors import ParameterError


def check_folder(path: Path) -> None:
    """Refuse a file that could not be written after minutes of measuring.

    Parameters
    ----------
    path : path
        The file.

    Raises
    ------
    ParameterError
        If there is no folder for it, or it is one.
    """
    if path.is_dir():
        raise ParameterError(f"{path} is a folder; expected a file to write.")
    if not path.parent.is_dir():
        raise ParameterError(f"{path}: there is no folder {path.parent} to write it to.")


def make_results_folder(path: Path) -> None:
    """Make a folder for results, or say why it cannot be one.

    Parameters
    ----------
    path : path
        The folder; it may be there.

    Raises
    ------
    ParameterError
        If it cannot be made, or nothing can be written to it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".{uuid4().hex}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ParameterError(
            f"results={str(path)!r}: nothing can be written there ({error.strerror}); name "
            "another folder."
        ) from error


def write_whole(path: Path, text: str) -> None:
    """Put a whole file in the place of another, never half of one.

    Parameters
    ----------
    path : path
        The file; its folder is there.
    text : str
        What it holds, in UTF-8.
    """
    draft = path.with_name(f".{path.name}-{uuid4().hex}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
