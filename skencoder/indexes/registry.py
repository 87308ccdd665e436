"""Which indexes there are: built by name, loaded from a folder."""

from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from skencoder.errors import IndexFileError, ParameterError
from skencoder.indexes.exact import ExactIndex
from skencoder.indexes.folder import read_description
from skencoder.indexes.protocol import VectorIndex

INDEXES: dict[str, type[ExactIndex]] = {"exact": ExactIndex}


def build_index(
    name: str, vectors: ArrayLike, *, metric: str = "cosine", **options: Any
) -> VectorIndex:
    """Index vectors.

    Parameters
    ----------
    name : {"exact"}
        Which index.
    vectors : float32 of shape (n_rows, n_features)
        Finite vectors.
    metric : {"cosine", "dot", "euclidean"}, default="cosine"
        What a score is.
    **options : object
        Of this index, by name.

    Returns
    -------
    VectorIndex
        Ready to be searched.

    Raises
    ------
    ParameterError
        If there is no such index, metric or option, or the vectors cannot be used.
    """
    if not isinstance(name, str) or name not in INDEXES:
        raise ParameterError(
            f"index must be one of {', '.join(map(repr, INDEXES))}; got {name!r}."
        )
    return INDEXES[name](vectors, metric=metric, **options)


def load_index(folder: str | Path) -> VectorIndex:
    """Open a saved index; its vectors are mapped from the file, not read.

    Parameters
    ----------
    folder : str or Path
        Where it was saved.

    Returns
    -------
    VectorIndex
        As it was saved.

    Raises
    ------
    IndexFileError
        If the folder holds no index, or files of it are damaged.
    """
    name = read_description(Path(folder)).index
    if name not in INDEXES:
        raise IndexFileError(
            f"{folder} holds an index {name!r}; this version of skencoder knows "
            f"{', '.join(map(repr, INDEXES))}."
        )
    return INDEXES[name].load(Path(folder))
