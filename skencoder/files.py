"""Reading a checkpoint's small files, so that every complaint names the file and the field."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from skencoder.errors import CheckpointError

# Whatever of these is there decides how texts are tokenized.
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "spm.model",
    "tokenizer.model",
    "bpe.codes",
    "sentencepiece.bpe.model",
    "sentencepiece.model",
)

# Begins the name of a folder that is not whole yet.
DRAFT = ".draft-"
# Without these a folder is no checkpoint or retriever, so they come last.
MANIFESTS = ("config.json", "retriever.json")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        Its fields.

    Raises
    ------
    CheckpointError
        If the file is missing, is not JSON or is not an object.
    """
    content = read_any_json(path)
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} must hold a JSON object; got a {type(content).__name__}.")
    return content


def read_optional_json(path: Path | None) -> dict[str, Any]:
    """Read a JSON object that need not be there.

    Parameters
    ----------
    path : Path or None
        The file, if there is one.

    Returns
    -------
    dict
        Its fields; none where there is no file.

    Raises
    ------
    CheckpointError
        If the file is not JSON or is not an object.
    """
    return read_json(path) if path is not None and path.is_file() else {}


def read_any_json(path: Path) -> Any:
    """Read a JSON file, whatever it holds.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    object
        What the file holds.

    Raises
    ------
    CheckpointError
        If the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path} is missing; a checkpoint folder holds config.json, model.safetensors and "
            f"tokenizer.json. {describe_folder(path.parent)}"
        ) from error
    except (ValueError, OSError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read as JSON: {error}") from error


def describe_folder(folder: Path) -> str:
    """Say what stands in a folder, for an error message.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    str
        One sentence.
    """
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    return f"The folder holds: {', '.join(names) or 'nothing'}."


def file_sha256(path: Path) -> str:
    """Hash a file's bytes.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        SHA-256 as 64 hexadecimal digits.
    """
    stat = path.stat()
    return _sha256(path.resolve(), stat.st_size, stat.st_mtime_ns, stat.st_ino)


# Loading asks for the same hash twice: is it the published file, and what is the fingerprint.
@lru_cache(maxsize=64)
def _sha256(path: Path, *_version: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_is_new(target: Path) -> None:
    """Refuse to write where something is.

    Parameters
    ----------
    target : Path
        A folder; it may be there, empty but for what a save left that was killed.

    Raises
    ------
    CheckpointError
        If it is a file, or holds something.
    """
    if target.is_file() or (target.is_dir() and _contents(target)):
        raise CheckpointError(f"{target} is not empty; choose a new folder.")


def _contents(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(DRAFT)]


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """Give a folder to fill, which becomes the target at the end, or nothing if that fails.

    Parameters
    ----------
    target : Path
        What shall appear; nothing, or an empty folder.

    Yields
    ------
    Path
        An empty folder.
    """
    # A link stays one; what it points to appears.
    target = target.resolve()
    draft = _make_draft(target)
    try:
        yield draft
        _rename(draft, target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _make_draft(target: Path) -> Path:
    """Make it beside the target, whose place it takes at once, or inside where it cannot be."""
    there = target.is_dir()
    # What is mounted cannot be replaced, and a process is lost whose own folder is.
    inside = there and (target.is_mount() or target == Path.cwd())
    place = target if inside else target.parent
    place.mkdir(parents=True, exist_ok=True)
    draft = place / f"{DRAFT}{uuid4().hex}"
    try:
        draft.mkdir()
    except OSError:
        if inside or not there:
            raise
        draft = target / draft.name
        draft.mkdir()
    if there:
        shutil.copymode(target, draft)
    return draft


def _rename(draft: Path, target: Path) -> None:
    try:
        draft.rename(target)
    except OSError:
        # From inside, or where the system replaces no folder, files move one by one.
        if not target.is_dir() or _contents(target):
            raise
        for path in sorted(draft.iterdir(), key=lambda path: path.name in MANIFESTS):
            path.rename(target / path.name)
        draft.rmdir()
