"""Comparing queries with a block of rows in torch: bfloat16 where a CPU multiplies it natively."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from skencoder.indexes.rows import Block
from skencoder.indexes.scan import Picked, relative_error, rest_of_error
from skencoder.indexes.scoring import Double, ProductForm

if TYPE_CHECKING:
    from torch import Tensor

# Unit roundoff of what is multiplied and of what comes out; sums are in float32 in any case.
UNITS = {"float32": 2.0**-24, "bfloat16": 2.0**-8}
SUM_UNIT = 2.0**-24
# What torch calls the instructions that multiply bfloat16 without converting it first.
CPU_BFLOAT16 = ("avx512_bf16", "amx_bf16")


def multiplies_bfloat16() -> bool:
    """Tell whether this CPU multiplies bfloat16 natively.

    Returns
    -------
    bool
        False where unknown.
    """
    import torch

    # Not every supported torch has the function.
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name, False) for name in CPU_BFLOAT16)


def multiplies_float32() -> bool:
    """Tell whether torch multiplies float32 as such, which a program may have told it not to.

    Returns
    -------
    bool
        False where it may round operands to a shorter format first.
    """
    import torch

    try:
        if torch.get_float32_matmul_precision() != "highest":
            return False
    except RuntimeError:  # set by the newer switches, which are read below
        return False
    switches = getattr(torch.backends.mkldnn, "matmul", None)
    return getattr(switches, "fp32_precision", "none") in ("none", "ieee")


class TorchScores:
    """`BlockScores` of a tensor.

    Parameters
    ----------
    values : bfloat16 or float32 of shape (n_queries, chunk_rows, n_chunks)
        Comparable up to scale and bias.
    scale, bias : float
        The same for all.
    """

    def __init__(self, values: "Tensor", scale: float, bias: float) -> None:
        self._values, self._scale, self._bias = values, scale, bias

    def maxima(self) -> Double:
        """Give the best score of each chunk.

        Returns
        -------
        float64 of shape (n_queries, n_chunks)
            -inf where all rows are gone.
        """
        return self._comparable(self._values.amax(dim=1))

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
        import torch

        picked = torch.from_numpy(queries), slice(None), torch.from_numpy(chunks)
        return self._comparable(self._values[picked])

    def _comparable(self, values: "Tensor") -> Double:
        array: Double = values.double().numpy() * self._scale + self._bias
        return array


class TorchScan:
    """`Scan` with torch's matrix product on the CPU.

    Parameters
    ----------
    queries : float64 of shape (n_queries, n_features)
        Prepared by the metric.
    dtype : {"bfloat16", "float32"}
        What is multiplied.
    """

    def __init__(self, queries: Double, dtype: str) -> None:
        import torch

        self._dtype: torch.dtype = getattr(torch, dtype)
        self._unit = UNITS[dtype]
        self._queries = torch.from_numpy(queries.astype(np.float32)).to(self._dtype)
        self._space = self._queries.new_empty(0)

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
        # Both operands are rounded, and what comes out is.
        operands = 2 * self._unit + self._unit**2
        sums = relative_error(self._queries.shape[1], SUM_UNIT) * (1 + operands)
        products = (operands + sums) * (1 + self._unit) + self._unit
        return query_norms * products * form.length + rest_of_error(SUM_UNIT, form)

    def load(self, block: Block, form: ProductForm) -> None:
        """Take up a block.

        Parameters
        ----------
        block : Block
            The rows.
        form : ProductForm
            How products with them become comparable.
        """
        import torch

        vectors = block.vectors
        # torch warns of arrays that cannot be written to, as mapped ones cannot.
        rows = torch.from_numpy(vectors if vectors.flags.writeable else vectors.copy())
        self._scale = form.scale if isinstance(form.scale, float) else 1.0
        if not isinstance(form.scale, float):
            rows = rows * torch.from_numpy(form.scale.astype(np.float32))[:, None]
        self._rows = rows.to(self._dtype)
        self._bias = form.bias
        self._removed = torch.from_numpy(block.removed)

    def compare(self, first: int, last: int, chunk_rows: int) -> TorchScores:
        """Compare some queries with the block.

        Parameters
        ----------
        first, last : int
            Which of the queries.
        chunk_rows : int
            Rows in a chunk; the block has a multiple of it.

        Returns
        -------
        TorchScores
            Valid until the next call.
        """
        import torch

        values = self._make_space((last - first, len(self._rows)))
        torch.mm(self._queries[first:last], self._rows.T, out=values)
        bias = self._bias
        if not isinstance(bias, float):
            # float32, as the bias is not to be rounded to bfloat16.
            values = values + torch.from_numpy(bias.astype(np.float32))
            bias = 0.0
        if len(self._removed):
            values[:, self._removed] = -torch.inf
        return TorchScores(values.view(len(values), chunk_rows, -1), self._scale, bias)

    def _make_space(self, shape: tuple[int, int]) -> "Tensor":
        """Give the same memory again, so that the system need not clear new pages."""
        size = shape[0] * shape[1]
        if len(self._space) < size:
            self._space = self._queries.new_empty(size)
        return self._space[:size].view(shape)
