"""An index on disk: vectors as a plain .npy file, and a config.json that says what they are."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import IndexFileError
from skencoder.files import appearing, check_is_new

FORMAT = "skencoder-index"
VERSION = 1
VECTORS = "vectors.npy"


@dataclass(frozen=True)
class Description:
    """What config.json says of an index.

    Parameters
    ----------
    index : str
        Its name, such as "exact".
    metric : str
        What a score is.
    n_rows, n_features : int
        Shape of the vectors.
    options : dict
        What it was built with, by name.
    format : str
        Always "skencoder-index".
    version : int
        Of this layout.
    """

    index: str
    metric: str
    n_rows: int
    n_features: int
    options: dict[str, Any] = field(default_factory=dict)
    format: str = FORMAT
    version: int = VERSION


def write_index(folder: Path, description: Description, vectors: NDArray[np.float32]) -> None:
    """Write an index, whole or not at all.

    Parameters
    ----------
    folder : Path
        An empty one, or one that is not there yet.
    description : Description
        What it is.
    vectors : float32 of shape (n_rows, n_features)
        Its rows.

    Raises
    ------
    CheckpointError
        If the folder holds something.
    """
    check_is_new(folder)
    with appearing(folder) as draft:
        np.save(draft / VECTORS, vectors, allow_pickle=False)
        text = json.dumps(asdict(description), indent=2) + "\n"
        (draft / "config.json").write_text(text, encoding="utf-8")


def read_description(folder: Path) -> Description:
    """Read what an index is.

    Parameters
    ----------
    folder : Path
        Where `write_index` wrote.

    Returns
    -------
    Description
        As it was written.

    Raises
    ------
    IndexFileError
        If the file is not there, or is not what was written.
    """
    path = folder / "config.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise IndexFileError(f"{path} cannot be read, so {folder} is no index: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise IndexFileError(f"{path} does not describe an index; expected format={FORMAT!r}.")
    if content.get("version") != VERSION:
        raise IndexFileError(
            f"{path} has version={content.get('version')!r}; this version of skencoder reads "
            f"{VERSION}. Build the index again, or use the version that saved it."
        )
    try:
        return Description(**content)
    except TypeError as error:
        raise IndexFileError(f"{path} has other fields than an index has: {error}") from error


def map_vectors(folder: Path, description: Description) -> NDArray[np.float32]:
    """Map the vectors of an index into memory, without reading them.

    Parameters
    ----------
    folder : Path
        Where the index is.
    description : Description
        What it is.

    Returns
    -------
    float32 of shape (n_rows, n_features)
        Read-only.

    Raises
    ------
    IndexFileError
        If the file is not there, or does not hold these vectors.
    """
    path = folder / VECTORS
    try:
        vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise IndexFileError(f"{path} cannot be read: {error}") from error
    shape = (description.n_rows, description.n_features)
    if vectors.shape != shape or vectors.dtype != np.float32:
        raise IndexFileError(
            f"{path} holds {vectors.dtype} of shape {vectors.shape}, but config.json says float32 "
            f"of shape {shape}; the files do not belong together."
        )
    return vectors
