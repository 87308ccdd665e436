"""The nearest rows of queries: all are compared with all, block by block."""

from collections.abc import Iterator

import numpy as np

from skencoder.indexes.choice import MakeScan, choose_scans
from skencoder.indexes.copies import later_copies
from skencoder.indexes.pairs import Queries
from skencoder.indexes.rows import Block, Numbers, Rows
from skencoder.indexes.scan import Scan
from skencoder.indexes.scoring import Double, Metric
from skencoder.indexes.selection import Selection
from skencoder.indexes.ties import Ties

# Queries for which the rows are read once; mapped rows are read again for the next ones.
QUERY_BATCH = 8192
# Nearest pairs found together, and pairs noted after which they are scored: 24 bytes each.
PAIRS_AT_ONCE, MOST_WAITING = 2**20, 2**22
# A product is of so many queries, and has at most so many scores: 16 MiB in float32.
QUERIES_AT_ONCE, SCORES_AT_ONCE = 512, 2**22
# A block of rows has so many at most, and so many numbers: 32 MiB in float32.
MOST_BLOCK_ROWS, NUMBERS_AT_ONCE = 2**16, 2**23
# Rows in a chunk, of which only the best score is looked at; blocks have a multiple of it.
CHUNK_ROWS = 64
# Chunks there should be for each neighbour.
CHUNKS_PER_NEIGHBOR = 4
# Rows noted per neighbour after which a quick scan gives up, as it tells too little apart.
PATIENCE = 32


def nearest(
    rows: Rows,
    metric: Metric,
    queries: Queries,
    n_neighbors: int,
    ranks: Numbers | None = None,
) -> tuple[Double, Numbers]:
    """Find the nearest rows of every query.

    Parameters
    ----------
    rows : Rows
        What is searched.
    metric : Metric
        What a score is.
    queries : Queries
        What is looked for.
    n_neighbors : int
        At most the number of rows.
    ranks : int64 of shape (n_numbers,), optional
        By number, which of equal rows comes first; None is the one with the lower number.

    Returns
    -------
    scores : float64 of shape (n_queries, n_neighbors)
        Best first.
    numbers : int64 of shape (n_queries, n_neighbors)
        Of equal scores the row of the lower rank first.
    """
    scores = np.zeros((len(queries), n_neighbors))
    numbers = np.empty(scores.shape, np.int64)
    as_near_to_all = (queries.norms == 0) & metric.zero_is_alike
    if as_near_to_all.any():
        numbers[as_near_to_all] = _first_rows(rows, n_neighbors, ranks)
    asked = np.flatnonzero(~as_near_to_all)
    size = max(1, min(QUERY_BATCH, PAIRS_AT_ONCE // n_neighbors))
    for first in range(0, len(asked), size):
        part = asked[first : first + size]
        batch = _Batch(rows, metric, queries.take(part), n_neighbors, ranks)
        scores[part], numbers[part] = batch.search()
    return scores, numbers


def _first_rows(rows: Rows, n_rows: int, ranks: Numbers | None) -> Numbers:
    numbers = rows.numbers()
    return numbers[:n_rows] if ranks is None else numbers[np.argsort(ranks[numbers])[:n_rows]]


class _Batch:
    """Queries for which the rows are read together."""

    def __init__(
        self,
        rows: Rows,
        metric: Metric,
        queries: Queries,
        n_neighbors: int,
        ranks: Numbers | None,
    ) -> None:
        self._rows, self._metric, self._queries = rows, metric, queries
        self._k, self._ranks = n_neighbors, ranks
        vectors = queries.vectors.astype(np.float64)
        self._vectors, self._lengths = metric.prepare(vectors, queries.norms)

    def search(self) -> tuple[Double, Numbers]:
        scans = choose_scans(self._queries.norms, self._rows.norms, self._rows.n_features)
        patience = PATIENCE * self._k * len(self._queries)
        task = self._rows, self._metric, self._queries, self._k, self._ranks
        for make_scan in scans:
            selection = Selection(*task, patience)
            passes = self._passes(selection, make_scan, np.empty(0, np.int64))
            if all(selection.n_noted <= patience for _ in passes):
                return selection.result()
        # Very many rows score alike, most often because they are the same.
        ties = Ties(*task)
        for _ in self._passes(ties, scans[-1], later_copies(self._rows, self._k, self._ranks)):
            pass
        return ties.result()

    def _passes(
        self, selection: Selection | Ties, make_scan: MakeScan, without: Numbers
    ) -> Iterator[None]:
        """Let one block after the other go by."""
        scan = make_scan(self._vectors)
        for block in self._rows.blocks(self._block_rows(), multiple=CHUNK_ROWS, without=without):
            form = self._metric.form(block.norms)
            scan.load(block, form)
            self._look(scan, selection, block, scan.error(self._lengths, form))
            yield

    def _look(self, scan: Scan, selection: Selection | Ties, block: Block, error: Double) -> None:
        in_chunks = isinstance(selection, Selection) and not len(block.norms) % CHUNK_ROWS
        chunk_rows = self._chunk_rows() if in_chunks else 1
        for first in range(0, len(error), QUERIES_AT_ONCE):
            last = min(first + QUERIES_AT_ONCE, len(error))
            scores = scan.compare(first, last, chunk_rows)
            selection.look(scores, first, block, error[first:last])
            if selection.n_waiting > MOST_WAITING:
                selection.settle()

    def _block_rows(self) -> int:
        most = SCORES_AT_ONCE // min(len(self._queries), QUERIES_AT_ONCE)
        most = min(most, NUMBERS_AT_ONCE // self._rows.n_features, MOST_BLOCK_ROWS)
        return max(most - most % CHUNK_ROWS, CHUNK_ROWS)

    def _chunk_rows(self) -> int:
        """Choose a power of two that leaves enough chunks for this many neighbours."""
        most = len(self._rows) // (CHUNKS_PER_NEIGHBOR * self._k)
        return min(CHUNK_ROWS, 1 << max(most, 1).bit_length() - 1)
