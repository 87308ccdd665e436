"""Comparing queries with a block of rows in numpy."""

import numpy as np
from numpy.typing import NDArray

from skencoder.indexes.rows import Block
from skencoder.indexes.scan import Picked, relative_error, rest_of_error
from skencoder.indexes.scoring import Double, ProductForm

# Unit roundoff; in float64 four times that, as the scores themselves are rounded as much.
UNITS: dict[type[np.floating], float] = {np.float32: 2.0**-24, np.float64: 2.0**-51}


class ArrayScores:
    """`BlockScores` of a numpy array.

    Parameters
    ----------
    values : floating of shape (n_queries, chunk_rows, n_chunks)
        Comparable up to scale and bias.
    scale, bias : float
        The same for all.
    """

    def __init__(self, values: NDArray[np.floating], scale: float, bias: float) -> None:
        self._values, self._scale, self._bias = values, scale, bias

    def maxima(self) -> Double:
        """Give the best score of each chunk.

        Returns
        -------
        float64 of shape (n_queries, n_chunks)
            -inf where all rows are gone.
        """
        return self._comparable(self._values.max(axis=1))

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
        return self._comparable(self._values[queries, :, chunks])

    def _comparable(self, values: NDArray[np.floating]) -> Double:
        return values.astype(np.float64) * self._scale + self._bias


class NumpyScan:
    """`Scan` with numpy's matrix product.

    Parameters
    ----------
    queries : float64 of shape (n_queries, n_features)
        Prepared by the metric.
    dtype : {float32, float64}
        Of the product.
    """

    def __init__(self, queries: Double, dtype: type[np.floating]) -> None:
        self._queries = queries.astype(dtype)
        self._dtype = dtype
        self._unit = UNITS[dtype]
        self._space = np.empty(0, dtype)

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
        products = relative_error(self._queries.shape[1], self._unit) * form.length
        return query_norms * products + rest_of_error(self._unit, form)

    def load(self, block: Block, form: ProductForm) -> None:
        """Take up a block.

        Parameters
        ----------
        block : Block
            The rows.
        form : ProductForm
            How products with them become comparable.
        """
        self._removed = block.removed
        self._rows = block.vectors.astype(self._dtype, copy=False)
        self._scale, self._bias = (
            part if isinstance(part, float) else part.astype(self._dtype)
            for part in (form.scale, form.bias)
        )

    def compare(self, first: int, last: int, chunk_rows: int) -> ArrayScores:
        """Compare some queries with the block.

        Parameters
        ----------
        first, last : int
            Which of the queries.
        chunk_rows : int
            Rows in a chunk; the block has a multiple of it.

        Returns
        -------
        ArrayScores
            Valid until the next call.
        """
        values = self._make_space((last - first, len(self._rows)))
        np.matmul(self._queries[first:last], self._rows.T, out=values)
        scale, bias = self._scale, self._bias
        if not isinstance(scale, float):
            values *= scale
            scale = 1.0
        if not isinstance(bias, float):
            values += bias
            bias = 0.0
        values[:, self._removed] = -np.inf
        return ArrayScores(values.reshape(len(values), chunk_rows, -1), scale, bias)

    def _make_space(self, shape: tuple[int, int]) -> NDArray[np.floating]:
        """Give the same memory again, so that the system need not clear new pages."""
        size = shape[0] * shape[1]
        if self._space.size < size:
            self._space = np.empty(size, self._dtype)
        return self._space[:size].reshape(shape)
