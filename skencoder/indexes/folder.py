"""An index on disk: plain .npy files of vectors and their lengths, and a config.json.

config.json says what the index is, and the size and SHA-256 of every other file. Nothing is
pickled. Vectors are mapped, so that only the rows that are needed are read.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import IndexFileError
from skencoder.files import appearing, check_is_new
from skencoder.indexes.inputs import METRIC_NAMES
from skencoder.indexes.rows import Rows
from skencoder.listed_files import Listing, check_files, is_listing, list_files

FORMAT, VERSION = "skencoder-index", 1
CONFIG, VECTORS, NORMS = "config.json", "vectors.npy", "norms.npy"
WRITTEN_AT_ONCE = 8192


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
    files : dict
        Of every other file the size in bytes and the SHA-256.
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
    files: Listing = field(default_factory=dict)
    format: str = FORMAT
    version: int = VERSION


@contextmanager
def writing_index(folder: Path, description: Description, rows: Rows) -> Iterator[Path]:
    """Write an index, whole or not at all.

    Parameters
    ----------
    folder : Path
        An empty one, or one that is not there yet.
    description : Description
        What it is.
    rows : Rows
        Its vectors.

    Yields
    ------
    Path
        A folder to write further files into.

    Raises
    ------
    CheckpointError
        If the folder holds something.
    """
    check_is_new(folder)
    with appearing(folder) as draft:
        _write_vectors(draft / VECTORS, rows)
        np.save(draft / NORMS, rows.kept_norms(), allow_pickle=False)
        yield draft
        files = list_files(draft, draft.iterdir())
        text = json.dumps(asdict(replace(description, files=files)), indent=2) + "\n"
        (draft / CONFIG).write_text(text, encoding="utf-8")


def _write_vectors(path: Path, rows: Rows) -> None:
    """Write block by block; not through a map, where a full disk would kill the process."""
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)),
        "fortran_order": False,
        "shape": (len(rows), rows.n_features),
    }
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for vectors, _ in rows.kept_blocks(WRITTEN_AT_ONCE):
            stream.write(vectors.data)


def read_description(folder: Path) -> Description:
    """Read what an index is, and compare its other files with that.

    Parameters
    ----------
    folder : Path
        Where `writing_index` wrote.

    Returns
    -------
    Description
        As it was written.

    Raises
    ------
    IndexFileError
        If a file is missing or not as it was written. Of a file of more than 1 GiB only the size
        is compared.
    """
    path = folder / CONFIG
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise IndexFileError(f"{path} cannot be read, so {folder} is no index: {error}") from error
    description = _to_description(path, content)
    check_files(folder, description.files, CONFIG, "Build the index again.")
    return description


def _to_description(path: Path, content: Any) -> Description:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise IndexFileError(f"{path} does not describe an index; expected format={FORMAT!r}.")
    if content.get("version") != VERSION:
        raise IndexFileError(
            f"{path} has version={content.get('version')!r}; this version of skencoder reads "
            f"{VERSION}. Build the index again, or use the version that saved it."
        )
    try:
        description = Description(**content)
        whole = _is_whole(description)
    except (TypeError, AttributeError):
        whole = False
    if not whole:
        raise IndexFileError(f"{path} is damaged: it lacks a field, or one has an unknown value.")
    return description


def _is_whole(description: Description) -> bool:
    shape, files = (description.n_rows, description.n_features), description.files
    return (
        all(type(size) is int and size >= 0 for size in shape)
        and description.n_features > 0
        and description.metric in METRIC_NAMES
        and all(isinstance(name, str) for name in (description.index, *description.options))
        and {VECTORS, NORMS} <= set(files)
        and is_listing(files)
    )


def map_rows(folder: Path, description: Description) -> Rows:
    """Map the vectors of an index into memory, without reading them.

    Parameters
    ----------
    folder : Path
        Where the index is.
    description : Description
        What it is.

    Returns
    -------
    Rows
        Of which many may be removed; the file stays as it is.

    Raises
    ------
    IndexFileError
        If a file does not hold these vectors.
    """
    shape = (description.n_rows, description.n_features)
    vectors = load_array(folder / VECTORS, np.float32, shape, mmap_mode="r")
    norms = load_array(folder / NORMS, np.float64, shape[:1])
    return Rows(vectors, norms, mapped=True)


def load_array(
    path: Path, dtype: Any, shape: tuple[int, ...], *, mmap_mode: Any = None
) -> NDArray[Any]:
    """Read an array from a file of an index.

    Parameters
    ----------
    path : Path
        A .npy file.
    dtype : dtype
        Expected.
    shape : tuple of int
        Expected; -1 is any length.
    mmap_mode : {"r"}, optional
        Map the file instead of reading it.

    Returns
    -------
    array of this shape
        A plain array, also where it is mapped: slices of np.memmap are slow to make.

    Raises
    ------
    IndexFileError
        If the file is not there, or holds something else.
    """
    try:
        # Nothing cannot be mapped.
        array = np.load(path, mmap_mode=mmap_mode if 0 not in shape else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise IndexFileError(f"{path} cannot be read: {error}") from error
    lengths = getattr(array, "shape", ())
    fits = len(lengths) == len(shape) and all(
        wanted in (length, -1) for length, wanted in zip(lengths, shape, strict=True)
    )
    if not fits or array.dtype != dtype:
        raise IndexFileError(
            f"{path} holds other numbers than {np.dtype(dtype)} of shape {shape}, as config.json "
            "has it; the files do not belong together."
        )
    return np.asarray(array)
