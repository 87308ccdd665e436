"""ExactIndex: every query is compared with every row."""

from pathlib import Path

from numpy.typing import ArrayLike

from skencoder.indexes.brute_force import nearest
from skencoder.indexes.folder import Description, map_rows, writing_index
from skencoder.indexes.inputs import (
    check_metric,
    check_n_neighbors,
    check_positions,
    check_vectors,
)
from skencoder.indexes.pairs import Queries
from skencoder.indexes.protocol import Positions, Scores
from skencoder.indexes.rows import Rows
from skencoder.indexes.scoring import METRICS, to_float32


class ExactIndex:
    """Compare every query with every row.

    Scores are those of float64 arithmetic, and equal vectors have equal scores, so that the result
    does not depend on the order or batch of queries, nor on the order of rows but for ties, of
    which the first come first. All pairs are compared in float32, or in bfloat16 where a CPU
    multiplies it natively, block by block; rows that may be among the nearest, given a bound of
    the rounding, are scored again. Beside the vectors and the result a search takes up to some
    200 MiB.

    Parameters
    ----------
    vectors : float32 of shape (n_rows, n_features)
        Finite; not copied, in memory or mapped from a file. They must not be changed.
    metric : {"cosine", "dot", "euclidean"}, default="cosine"
        What a score is.

    Raises
    ------
    ParameterError
        If the vectors cannot be used, or there is no such metric.
    """

    def __init__(self, vectors: ArrayLike, *, metric: str = "cosine") -> None:
        self.metric = check_metric(metric)
        self._rows = Rows(check_vectors(vectors, "vectors"))

    @property
    def n_features(self) -> int:
        """Width of a vector."""
        return self._rows.n_features

    def __len__(self) -> int:
        return len(self._rows)

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
        checked = Queries.check(check_vectors(queries, "queries", n_features=self.n_features))
        k = check_n_neighbors(n_neighbors, len(self))
        by_number = self._rows.by_number(ranks)
        scores, numbers = nearest(self._rows, METRICS[self.metric], checked, k, by_number)
        return to_float32(scores), self._rows.positions(numbers)

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
        self._rows.append(check_vectors(vectors, "vectors", n_features=self.n_features))

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
        self._rows.remove(check_positions(positions, len(self)))
        if self._rows.sparse:
            self._rows.compact()

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
        description = Description("exact", self.metric, len(self), self.n_features)
        with writing_index(Path(folder), description, self._rows):
            pass

    @classmethod
    def load(cls, folder: Path, description: Description) -> "ExactIndex":
        """Open a saved index.

        Parameters
        ----------
        folder : Path
            Where it was saved.
        description : Description
            What it is.

        Returns
        -------
        ExactIndex
            Its vectors mapped from the file.

        Raises
        ------
        IndexFileError
            If a file is damaged.
        """
        index = cls.__new__(cls)
        index.metric = description.metric
        index._rows = map_rows(folder, description)
        return index
