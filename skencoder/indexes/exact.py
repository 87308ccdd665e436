"""ExactIndex: every query is compared with every row."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skencoder.indexes.folder import Description, map_vectors, read_description, write_index
from skencoder.indexes.inputs import (
    check_metric,
    check_n_neighbors,
    check_positions,
    check_vectors,
)
from skencoder.indexes.protocol import Positions, Scores

BLOCK_ROWS = 4096
BLOCK_QUERIES = 256


class ExactIndex:
    """Compare every query with every row.

    Parameters
    ----------
    vectors : float32 of shape (n_rows, n_features)
        Finite; kept as they are, in memory or mapped from a file.
    metric : {"cosine", "dot", "euclidean"}, default="cosine"
        What a score is.
    """

    def __init__(self, vectors: ArrayLike, *, metric: str = "cosine") -> None:
        self.metric = check_metric(metric)
        self._rows = check_vectors(vectors, "vectors")

    @property
    def n_features(self) -> int:
        """Width of a vector."""
        return int(self._rows.shape[1])

    def __len__(self) -> int:
        return len(self._rows)

    def search(self, queries: ArrayLike, n_neighbors: int) -> tuple[Scores, Positions]:
        checked = check_vectors(queries, "queries", n_features=self.n_features)
        k = check_n_neighbors(n_neighbors, len(self))
        found = [
            self._search(checked[first : first + BLOCK_QUERIES].astype(np.float64), k)
            for first in range(0, len(checked), BLOCK_QUERIES)
        ]
        empty = (np.empty((0, k), np.float32), np.empty((0, k), np.int64))
        scores, positions = (np.concatenate(part) for part in zip(empty, *found, strict=True))
        return scores, positions

    def _search(self, queries: NDArray[np.float64], k: int) -> tuple[Scores, Positions]:
        scores = np.empty((len(queries), 0))
        positions = np.empty((len(queries), 0), np.int64)
        for first in range(0, len(self), BLOCK_ROWS):
            block = self._rows[first : first + BLOCK_ROWS].astype(np.float64)
            new = np.arange(first, first + len(block))
            scores = np.hstack([scores, self._score(queries, block)])
            positions = np.hstack([positions, np.broadcast_to(new, (len(queries), len(new)))])
            order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
            scores = np.take_along_axis(scores, order, axis=1)
            positions = np.take_along_axis(positions, order, axis=1)
        return scores.astype(np.float32), positions

    def _score(
        self, queries: NDArray[np.float64], rows: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        # Not a matrix product: equal rows shall have equal scores wherever they stand.
        if self.metric == "euclidean":
            return np.stack([-np.sqrt(((rows - query) ** 2).sum(axis=1)) for query in queries])
        dots = np.stack([(rows * query).sum(axis=1) for query in queries])
        if self.metric == "dot":
            return dots
        norms = np.outer(*(np.sqrt((part**2).sum(axis=1)) for part in (queries, rows)))
        return np.divide(dots, norms, out=np.zeros_like(dots), where=norms > 0)

    def add(self, vectors: ArrayLike) -> None:
        new = check_vectors(vectors, "vectors", n_features=self.n_features)
        self._rows = np.concatenate([self._rows, new])

    def remove(self, positions: ArrayLike) -> None:
        self._rows = np.delete(self._rows, check_positions(positions, len(self)), axis=0)

    def save(self, folder: Path) -> None:
        description = Description("exact", self.metric, len(self), self.n_features)
        write_index(Path(folder), description, self._rows)

    @classmethod
    def load(cls, folder: Path) -> "ExactIndex":
        description = read_description(folder)
        return cls(map_vectors(folder, description), metric=description.metric)
