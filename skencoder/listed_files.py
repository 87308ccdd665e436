"""A folder's files as its manifest lists them: size and SHA-256, compared when it is opened."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from skencoder.errors import IndexFileError
from skencoder.files import file_sha256

# Larger files are not read when a folder is opened, so only their size is compared.
LARGEST_READ = 2**30

Listing = dict[str, dict[str, Any]]


def list_files(folder: Path, paths: Iterable[Path]) -> Listing:
    """Note how files are.

    Parameters
    ----------
    folder : Path
        Where they are, directly or further down.
    paths : iterable of Path
        Which.

    Returns
    -------
    dict of str to dict
        By path from the folder the size in bytes and the SHA-256.
    """
    return {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": file_sha256(path),
        }
        for path in sorted(paths)
    }


def is_listing(content: Any) -> bool:
    """Tell whether something is what `list_files` gives.

    Parameters
    ----------
    content : object
        As it came from a file.

    Returns
    -------
    bool
        False also where a path leads out of the folder.
    """
    return isinstance(content, dict) and all(
        isinstance(facts, dict) and set(facts) == {"bytes", "sha256"} and _stays_inside(name)
        for name, facts in content.items()
    )


def _stays_inside(name: Any) -> bool:
    path = PurePosixPath(name)
    # On Windows a backslash or a drive leads elsewhere too.
    leaves = path.is_absolute() or ".." in path.parts or any(mark in name for mark in "\\:")
    return bool(path.parts) and not leaves


def check_files(folder: Path, listing: Listing, manifest: str, remedy: str) -> None:
    """Compare files with what was noted when they were written.

    Parameters
    ----------
    folder : Path
        Where they are.
    listing : dict of str to dict
        As of `list_files`.
    manifest : str
        The file that holds the listing, for messages.
    remedy : str
        What a user does about it, for messages.

    Raises
    ------
    IndexFileError
        If a file is missing or not as it was written. Of a file of more than 1 GiB only the size
        is compared.
    """
    for name, facts in listing.items():
        path = folder / name
        if not path.is_file():
            raise IndexFileError(f"{path} is missing; {folder / manifest} lists it.")
        size, expected = path.stat().st_size, facts["bytes"]
        if size != expected:
            raise IndexFileError(
                f"{path} has {size} bytes, but {expected} were written; it is damaged, or belongs "
                f"to another folder. {remedy}"
            )
        if size <= LARGEST_READ and file_sha256(path) != facts["sha256"]:
            raise IndexFileError(
                f"{path} is not what was written (its SHA-256 differs); it is damaged, or belongs "
                f"to another folder. {remedy}"
            )
