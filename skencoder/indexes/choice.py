"""Which scans a search tries, from the quickest to the one whose error is small enough."""

import sys
from collections.abc import Callable

import numpy as np

from skencoder.indexes.numpy_scan import NumpyScan
from skencoder.indexes.scan import Scan
from skencoder.indexes.scoring import Double

# Makes a scan of prepared queries.
MakeScan = Callable[[Double], Scan]

# Lengths whose products neither overflow nor vanish in float32.
SHORTEST, LONGEST = 1e-12, 1e12
# Measured at 384 features on two cores: from so many queries on, torch's product is faster than
# numpy's, and rounding all rows to bfloat16 first pays.
QUERIES_FOR_TORCH, QUERIES_FOR_BFLOAT16 = 16, 128
# Multiplications after which loading torch, which takes seconds, has paid.
PRODUCTS_WORTH_TORCH = 5e10


def choose_scans(query_norms: Double, row_norms: Double, n_features: int) -> list[MakeScan]:
    """Choose how to compare queries with rows.

    Parameters
    ----------
    query_norms : float64 of shape (n_queries,)
        Lengths of the queries that are compared together.
    row_norms : float64 of shape (n_rows,)
        Lengths of the rows.
    n_features : int
        Width of both.

    Returns
    -------
    list of callable
        At least one; each later one has a smaller error.
    """
    if not (_fit_float32(query_norms) and _fit_float32(row_norms)):
        return [_numpy_float64]
    n_queries, n_products = len(query_norms), float(n_features) * len(query_norms) * len(row_norms)
    with_torch = "torch" in sys.modules or n_products > PRODUCTS_WORTH_TORCH
    if n_queries < QUERIES_FOR_TORCH or not with_torch:
        return [_numpy_float32, _numpy_float64]
    from skencoder.indexes.torch_scan import multiplies_bfloat16, multiplies_float32

    quick = n_queries >= QUERIES_FOR_BFLOAT16 and multiplies_bfloat16()
    return [
        *([_torch_bfloat16] if quick else []),
        _torch_float32 if multiplies_float32() else _numpy_float32,
        _numpy_float64,
    ]


def _fit_float32(norms: Double) -> bool:
    lengths = norms[norms > 0]
    return not lengths.size or bool(lengths.min() >= SHORTEST and lengths.max() <= LONGEST)


def _numpy_float64(queries: Double) -> Scan:
    return NumpyScan(queries, np.float64)


def _numpy_float32(queries: Double) -> Scan:
    return NumpyScan(queries, np.float32)


def _torch_float32(queries: Double) -> Scan:
    from skencoder.indexes.torch_scan import TorchScan

    return TorchScan(queries, "float32")


def _torch_bfloat16(queries: Double) -> Scan:
    from skencoder.indexes.torch_scan import TorchScan

    return TorchScan(queries, "bfloat16")
