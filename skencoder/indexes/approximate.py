"""ApproximateIndex: a library proposes rows, their scores are computed exactly."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skencoder.indexes.brute_force import nearest
from skencoder.indexes.folder import Description, load_array, map_rows, writing_index
from skencoder.indexes.graph import Graph
from skencoder.indexes.inputs import (
    check_metric,
    check_n_neighbors,
    check_positions,
    check_vectors,
)
from skencoder.indexes.pairs import Queries, score_pairs
from skencoder.indexes.protocol import Positions, Scores
from skencoder.indexes.rows import MOST_REMOVED, Numbers, Rows, row_norms
from skencoder.indexes.scoring import METRICS, Double, Vectors, to_float32

GRAPH, POSITIONS = "graph.bin", "graph-positions.npy"
# The row number of a row of the graph that is removed.
HIDDEN = -1
# Rows handed to a library at once.
ADDED_AT_ONCE = 8192
# Proposed beyond what is asked for, as a library's own scores are rounded.
MARGIN, PART_MORE = 10, 0.5
# Queries answered at once: their proposals are scored together.
QUERY_BATCH = 4096


@dataclass(frozen=True)
class Library:
    """Which library an index is of.

    Parameters
    ----------
    name : str
        Of the index, such as "hnsw".
    build : callable
        Width, metric and options to a graph without rows.
    load : callable
        Path, metric and options to the graph that was saved.
    """

    name: str
    build: Callable[[int, str, Mapping[str, Any]], Graph]
    load: Callable[[Path, str, Mapping[str, Any]], Graph]


class ApproximateIndex:
    """Compare each query only with rows that a library proposes.

    The scores of what it proposes are computed exactly, and ties are ordered by position, so that
    results differ from those of `ExactIndex` only where a row was not proposed; among more ties
    than are proposed it may be the first ones that were not. Where a library
    proposes too few, the query is compared with all rows. Rows that are removed stay in the graph,
    hidden, until they are a fifth of it; then it is built again.

    Parameters
    ----------
    vectors : float32 of shape (n_rows, n_features)
        Finite; not copied. They must not be changed.
    library : Library
        What proposes.
    metric : {"cosine", "dot", "euclidean"}
        What a score is.
    options : mapping of str to object
        Of the library.

    Raises
    ------
    ParameterError
        If the vectors cannot be used, or there is no such metric or option.
    MissingExtraError
        If the library is not installed.
    """

    def __init__(
        self, vectors: ArrayLike, library: Library, metric: str, options: Mapping[str, Any]
    ) -> None:
        self.metric = check_metric(metric)
        self._library, self._options = library, dict(options)
        checked = check_vectors(vectors, "vectors")
        self._rows = Rows(checked)
        # By its number in the graph, the number of a row.
        self._numbers: Numbers
        self._build()

    @property
    def n_features(self) -> int:
        """Width of a vector."""
        return self._rows.n_features

    def __len__(self) -> int:
        return len(self._rows)

    def search(
        self, queries: ArrayLike, n_neighbors: int, *, ranks: Positions | None = None
    ) -> tuple[Scores, Positions]:
        """Find rows that are near to every query, most often the nearest.

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
        checked = Queries.check(check_vectors(queries, "queries", n_features=self.n_features))
        k = check_n_neighbors(n_neighbors, len(self))
        by_number = self._rows.by_number(ranks)
        scores, numbers = np.empty((len(checked), k)), np.empty((len(checked), k), np.int64)
        for first in range(0, len(checked), QUERY_BATCH):
            part = np.arange(first, min(first + QUERY_BATCH, len(checked)))
            scores[part], numbers[part] = self._search(checked.take(part), k, by_number)
        return to_float32(scores), self._rows.positions(numbers)

    def _search(self, queries: Queries, k: int, ranks: Numbers | None) -> tuple[Double, Numbers]:
        metric = METRICS[self.metric]
        asked, numbers = self._propose(queries, k)
        best = score_pairs(self._rows, metric, queries, asked, numbers).best(k, ranks)
        whole = np.bincount(best.queries, minlength=len(queries)) == k
        there = whole[best.queries]
        scores, found = np.empty((len(queries), k)), np.empty((len(queries), k), np.int64)
        scores[whole] = best.scores[there].reshape(-1, k)
        found[whole] = best.numbers[there].reshape(-1, k)
        if not whole.all():
            rest = np.flatnonzero(~whole)
            scores[rest], found[rest] = nearest(self._rows, metric, queries.take(rest), k, ranks)
        return scores, found

    def _propose(self, queries: Queries, k: int) -> tuple[Numbers, Numbers]:
        """Ask the library for pairs of a query and a row by its number."""
        hidden = len(self._numbers) - len(self)
        more = (k * (1 + PART_MORE) + MARGIN) * len(self._numbers) / (len(self._numbers) - hidden)
        n_asked = min(ceil(more), len(self._numbers))
        vectors = self._prepare(queries.vectors, queries.norms)
        proposed = self._graph.propose(vectors, n_asked)
        numbers = np.where(proposed >= 0, self._numbers[proposed], HIDDEN)
        asked, place = np.nonzero(numbers != HIDDEN)
        return asked, numbers[asked, place]

    def add(self, vectors: ArrayLike) -> None:
        """Append rows.

        Parameters
        ----------
        vectors : float32 of shape (n_rows, n_features)
            Finite vectors; copied.

        Raises
        ------
        ParameterError
            If they are not finite vectors of this width.
        """
        new = check_vectors(vectors, "vectors", n_features=self.n_features)
        norms, n_before = row_norms(new), len(self._rows.norms)
        try:
            for first in range(0, len(new), ADDED_AT_ONCE):
                part = slice(first, first + ADDED_AT_ONCE)
                self._graph.add(self._prepare(new[part], norms[part]))
            self._rows.append(new)
            numbers = np.arange(n_before, n_before + len(new))
        except BaseException:
            # What the graph has taken in already is of no row.
            numbers = np.full(len(self._graph) - len(self._numbers), HIDDEN)
            raise
        finally:
            self._numbers = np.concatenate([self._numbers, numbers])

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
        checked = check_positions(positions, len(self))
        removed = self._rows.numbers()[checked]
        self._rows.remove(checked)
        self._numbers[np.isin(self._numbers, removed)] = HIDDEN
        if np.mean(self._numbers == HIDDEN) > MOST_REMOVED:
            self._rows.compact()
            self._build()

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
        description = Description(
            self._library.name, self.metric, len(self), self.n_features, self._options
        )
        hidden = self._numbers == HIDDEN
        positions = np.where(hidden, HIDDEN, self._rows.positions(self._numbers))
        with writing_index(Path(folder), description, self._rows) as draft:
            self._graph.save(draft / GRAPH)
            np.save(draft / POSITIONS, positions, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, description: Description, library: Library) -> "ApproximateIndex":
        """Open a saved index.

        Parameters
        ----------
        folder : Path
            Where it was saved.
        description : Description
            What it is.
        library : Library
            What proposes.

        Returns
        -------
        ApproximateIndex
            Its vectors mapped from the file.

        Raises
        ------
        IndexFileError
            If a file is damaged.
        MissingExtraError
            If the library is not installed.
        """
        index = cls.__new__(cls)
        index.metric, index._options = description.metric, description.options
        index._library, index._rows = library, map_rows(folder, description)
        index._numbers = load_array(folder / POSITIONS, np.int64, (-1,))
        index._graph = library.load(folder / GRAPH, index.metric, index._options)
        return index

    def _build(self) -> None:
        """Make the graph of the rows that are left."""
        self._graph = self._library.build(self.n_features, self.metric, self._options)
        self._numbers = self._rows.numbers().copy()
        for vectors, norms in self._rows.kept_blocks(ADDED_AT_ONCE):
            self._graph.add(self._prepare(vectors, norms))

    def _prepare(self, vectors: Vectors | Double, norms: Double) -> Vectors:
        """Give vectors the form that is compared: unit length where only the angle counts."""
        prepared, _ = METRICS[self.metric].prepare(vectors.astype(np.float64), norms)
        return prepared.astype(np.float32)
