"""What every index can do: the contract that a retriever builds on."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Scores = NDArray[np.float32]
Positions = NDArray[np.int64]
Vectors = NDArray[np.float32]


class VectorIndex(Protocol):
    """Rows of vectors that can be searched; a row's position is its place in the order added."""

    @property
    def metric(self) -> str:
        """Score of a query and a row: "cosine", "dot" or "euclidean"."""

    @property
    def n_features(self) -> int:
        """Width of a vector."""

    def __len__(self) -> int:
        """Count the rows."""

    def search(
        self, queries: ArrayLike, n_neighbors: int, *, ranks: Positions | None = None
    ) -> tuple[Scores, Positions]:
        """Find the nearest rows of every query.

        Parameters
        ----------
        queries : float32 of shape (n_queries, n_features)
            Finite vectors.
        n_neighbors : int
            From 1 to the number of rows.
        ranks : int64 of shape (n_rows,), optional
            Which of equally near rows comes first: that of the lower rank. None is the order of
            positions.

        Returns
        -------
        scores : float32 of shape (n_queries, n_neighbors)
            Cosine similarity, dot product, or euclidean distance times -1; best first. The cosine
            with a zero vector is 0.
        positions : int64 of shape (n_queries, n_neighbors)
            Of the rows; of equal scores the lower rank comes first.

        Raises
        ------
        ParameterError
            If the queries are not finite vectors of this width, or there are fewer rows.
        """

    def add(self, vectors: ArrayLike) -> None:
        """Append rows.

        Parameters
        ----------
        vectors : float32 of shape (n_rows, n_features)
            Finite vectors.

        Raises
        ------
        ParameterError
            If they are not finite vectors of this width.
        """

    def remove(self, positions: ArrayLike) -> None:
        """Take rows out; the others keep their order and close up.

        Parameters
        ----------
        positions : int of shape (n_removed,)
            Of the rows, each once.

        Raises
        ------
        ParameterError
            If there is no row at a position, or one is named twice.
        """

    def save(self, folder: Path) -> None:
        """Write all files, whole or not at all.

        Parameters
        ----------
        folder : Path
            An empty one, or one that is not there yet.

        Raises
        ------
        CheckpointError
            If the folder holds something.
        """
