"""An index in faiss: all vectors in float32 one after the other, or a graph of neighbours."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from skencoder.errors import IndexFileError, MissingExtraError, ParameterError
from skencoder.indexes.graph import GraphOptions
from skencoder.indexes.rows import Numbers
from skencoder.indexes.scoring import Vectors

KINDS = ("flat", "hnsw")


def import_faiss() -> Any:
    """Import faiss.

    Returns
    -------
    module
        ``faiss``.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise MissingExtraError(
            "index='faiss' needs faiss: pip install 'skencoder[faiss]'; index='exact' needs "
            "nothing more."
        ) from error
    return faiss


class FaissGraph:
    """Rows in faiss.

    Parameters
    ----------
    index : faiss.Index
        The library's own.
    """

    def __init__(self, index: Any) -> None:
        self._index = index

    @classmethod
    def build(cls, n_features: int, metric: str, options: Mapping[str, Any]) -> "FaissGraph":
        """Make an index without rows.

        Parameters
        ----------
        n_features : int
            Width of a vector.
        metric : {"cosine", "dot", "euclidean"}
            What is near; for "cosine" vectors have unit length.
        options : mapping of str to object
            ``kind``, "flat" (the default) or "hnsw"; of the latter also what `GraphOptions` has.

        Returns
        -------
        FaissGraph
            Without rows.

        Raises
        ------
        ParameterError
            If there is no such option, or a value cannot be used.
        MissingExtraError
            If faiss is not installed.
        """
        faiss = import_faiss()
        others = {name: value for name, value in options.items() if name != "kind"}
        kind = options.get("kind", "flat")
        if kind not in KINDS:
            raise ParameterError(
                f"kind must be one of {', '.join(map(repr, KINDS))}; got {kind!r}."
            )
        space = faiss.METRIC_L2 if metric == "euclidean" else faiss.METRIC_INNER_PRODUCT
        if kind == "flat":
            if others:
                raise ParameterError(f"kind='flat' has no option {', '.join(sorted(others))}.")
            return cls(faiss.IndexFlat(n_features, space))
        thoroughness = GraphOptions.read(others)
        index = faiss.IndexHNSWFlat(n_features, thoroughness.connectivity, space)
        index.hnsw.efConstruction = thoroughness.expansion_add
        index.hnsw.efSearch = thoroughness.expansion_search
        return cls(index)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, vectors: Vectors) -> None:
        """Append rows.

        Parameters
        ----------
        vectors : float32 of shape (n_rows, n_features)
            Rows.
        """
        self._index.add(vectors)

    def propose(self, queries: Vectors, n_rows: int) -> Numbers:
        """Find rows that may be among the nearest.

        Parameters
        ----------
        queries : float32 of shape (n_queries, n_features)
            Vectors.
        n_rows : int
            How many for each query.

        Returns
        -------
        int64 of shape (n_queries, n_rows)
            Their numbers, -1 where fewer were found.
        """
        _, numbers = self._index.search(queries, n_rows)
        return np.asarray(numbers, dtype=np.int64)

    def save(self, path: Path) -> None:
        """Write a file.

        Parameters
        ----------
        path : Path
            Its name.
        """
        import_faiss().write_index(self._index, str(path))

    @classmethod
    def load(cls, path: Path) -> "FaissGraph":
        """Read a file.

        Parameters
        ----------
        path : Path
            What `save` wrote.

        Returns
        -------
        FaissGraph
            As it was saved.

        Raises
        ------
        IndexFileError
            If faiss cannot read the file.
        MissingExtraError
            If faiss is not installed.
        """
        faiss = import_faiss()
        try:
            return cls(faiss.read_index(str(path)))
        except RuntimeError as error:
            raise IndexFileError(f"{path} cannot be read by faiss: {error}") from error

    def __getstate__(self) -> dict[str, Any]:
        return {"index": import_faiss().serialize_index(self._index).tobytes()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        buffer = np.frombuffer(state["index"], np.uint8)
        self._index = import_faiss().deserialize_index(buffer)
