"""Comparing many queries with a block of rows by one matrix product, with a bound of its error.

Here is what a scan is and how its error is bounded; scans are in `numpy_scan` and `torch_scan`,
and how the best rows are picked is in `selection`.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skencoder.indexes.rows import Block
from skencoder.indexes.scoring import Double, ProductForm

Picked = NDArray[np.int64]

# Roundings beside those of the sum itself: of the operands, the scale, the bias, comparisons.
OTHER_ROUNDINGS = 16


class BlockScores(Protocol):
    """Comparable scores of queries and a block's rows, in chunks.

    Row r of a block is in chunk ``r % n_chunks``: neighbouring rows, which are often alike, are in
    different chunks, and maxima run over contiguous memory.
    """

    def maxima(self) -> Double:
        """Give the best score of each chunk.

        Returns
        -------
        float64 of shape (n_queries, n_chunks)
            -inf where all rows are gone.
        """

    def chunks(self, queries: Picked, chunks: Picked) -> Double:
        """Give all scores of some chunks.

        Parameters
        ----------
        queries, chunks : int64 of shape (n_picked,)
            One chunk of one query each.

        Returns
        -------
        float64 of shape (n_picked, chunk_rows)
            -inf for rows that are gone.
        """


class Scan(Protocol):
    """Compares queries with blocks of rows."""

    def error(self, query_norms: Double, form: ProductForm) -> Double:
        """Bound how far comparable scores are from the truth.

        Parameters
        ----------
        query_norms : float64 of shape (n_queries,)
            Lengths of the prepared queries.
        form : ProductForm
            Of the block.

        Returns
        -------
        float64 of shape (n_queries,)
            For each query, of any row of the block.
        """

    def load(self, block: Block, form: ProductForm) -> None:
        """Take up a block.

        Parameters
        ----------
        block : Block
            The rows.
        form : ProductForm
            How products with them become comparable.
        """

    def compare(self, first: int, last: int, chunk_rows: int) -> BlockScores:
        """Compare some queries with the block.

        Parameters
        ----------
        first, last : int
            Which of the queries.
        chunk_rows : int
            Rows in a chunk; the block has a multiple of it.

        Returns
        -------
        BlockScores
            Valid until the next call.
        """


def relative_error(n_features: int, unit: float) -> float:
    """Bound the rounding error of a dot product, in whatever order it is added up.

    Parameters
    ----------
    n_features : int
        Numbers multiplied and added.
    unit : float
        Unit roundoff of the arithmetic, 2**-24 in float32.

    Returns
    -------
    float
        Part of the product of both lengths.

    References
    ----------
    .. [1] Higham (2002), Accuracy and Stability of Numerical Algorithms, section 3.1.
    """
    roundings = (n_features + OTHER_ROUNDINGS) * unit
    return roundings / (1 - roundings) if roundings < 1 else np.inf


def rest_of_error(unit: float, form: ProductForm) -> float:
    """Bound the error that no query adds to: of the bias, and of treating rows as equally long.

    Parameters
    ----------
    unit : float
        Unit roundoff in which the bias is added.
    form : ProductForm
        Of a block.

    Returns
    -------
    float
        Of a comparable score.
    """
    return 4 * unit * float(np.max(np.abs(form.bias), initial=0.0)) + form.slack
