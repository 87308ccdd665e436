"""Which indexes there are: built by name, loaded from a folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from skencoder.errors import IndexFileError, ParameterError
from skencoder.indexes.approximate import ApproximateIndex, Library
from skencoder.indexes.exact import ExactIndex
from skencoder.indexes.faiss_graph import FaissGraph
from skencoder.indexes.folder import Description, read_description
from skencoder.indexes.graph import GraphOptions
from skencoder.indexes.protocol import VectorIndex
from skencoder.indexes.usearch_graph import UsearchGraph


@dataclass(frozen=True)
class Maker:
    """How an index comes to be.

    Parameters
    ----------
    build : callable
        Vectors, metric and options to an index.
    load : callable
        Folder and description to the index that was saved there.
    """

    build: Callable[[ArrayLike, str, dict[str, Any]], VectorIndex]
    load: Callable[[Path, Description], VectorIndex]


def _of_library(library: Library) -> Maker:
    return Maker(
        lambda vectors, metric, options: ApproximateIndex(vectors, library, metric, options),
        lambda folder, description: ApproximateIndex.load(folder, description, library),
    )


def _build_exact(vectors: ArrayLike, metric: str, options: dict[str, Any]) -> ExactIndex:
    if options:
        raise ParameterError(f"index='exact' has no options; got {', '.join(sorted(options))}.")
    return ExactIndex(vectors, metric=metric)


def _build_usearch(n_features: int, metric: str, options: Any) -> UsearchGraph:
    return UsearchGraph(n_features, metric, GraphOptions.read(options))


def _load_usearch(path: Path, metric: str, options: Any) -> UsearchGraph:
    return UsearchGraph.load(path, GraphOptions.read(options))


def _load_faiss(path: Path, metric: str, options: Any) -> FaissGraph:
    return FaissGraph.load(path)


INDEXES = {
    "exact": Maker(_build_exact, ExactIndex.load),
    "hnsw": _of_library(Library("hnsw", _build_usearch, _load_usearch)),
    "faiss": _of_library(Library("faiss", FaissGraph.build, _load_faiss)),
}


def build_index(
    name: str, vectors: ArrayLike, *, metric: str = "cosine", **options: Any
) -> VectorIndex:
    """Index vectors.

    Parameters
    ----------
    name : {"exact", "hnsw", "faiss"}
        Which index: all rows compared; a graph of neighbours in usearch, which misses some, not
        the same ones in every build, as several threads build it (extra ``hnsw``); faiss, its flat
        index or its graph (extra ``faiss``).
    vectors : float32 of shape (n_rows, n_features)
        Finite vectors; not copied. They must not be changed.
    metric : {"cosine", "dot", "euclidean"}, default="cosine"
        What a score is.
    **options : object
        Of "hnsw": ``connectivity=16``, ``expansion_add=128``, ``expansion_search=64``. Of "faiss":
        ``kind="flat"`` or "hnsw", the latter with the same options.

    Returns
    -------
    VectorIndex
        Ready to be searched.

    Raises
    ------
    ParameterError
        If there is no such index, metric or option, or the vectors cannot be used.
    MissingExtraError
        If the index is of a library that is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from skencoder.indexes import build_index
    >>> index = build_index("exact", np.eye(3, dtype=np.float32))
    >>> scores, positions = index.search([[0.6, 0.8, 0.0]], 2)
    >>> scores
    array([[0.8, 0.6]], dtype=float32)
    >>> positions
    array([[1, 0]])
    """
    check_index_name(name)
    return INDEXES[name].build(vectors, metric, options)


def check_index_name(name: object) -> None:
    """Refuse the name of an index that does not exist, before there are vectors.

    Parameters
    ----------
    name : object
        Which index.

    Raises
    ------
    ParameterError
        If there is no such index; the known ones are named.
    """
    if not isinstance(name, str) or name not in INDEXES:
        raise ParameterError(
            f"index must be one of {', '.join(map(repr, INDEXES))}; got {name!r}."
        )


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
    MissingExtraError
        If the index is of a library that is not installed.
    """
    description = read_description(Path(folder))
    if description.index not in INDEXES:
        raise IndexFileError(
            f"{folder} holds an index {description.index!r}; this version of skencoder knows "
            f"{', '.join(map(repr, INDEXES))}."
        )
    return INDEXES[description.index].load(Path(folder), description)
