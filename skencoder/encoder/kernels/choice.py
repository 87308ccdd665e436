"""Which kernels compute: Triton's on a GPU where it is installed, else plain torch.

What they compute stands in plain.py.
"""

import functools
import importlib.util
import os
from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from skencoder.encoder.kernels import plain
from skencoder.encoder.kernels.inputs import Lookup, Norm, Sight


class Kernels(NamedTuple):
    """One way to compute each step; the signatures are those of plain.py.

    Parameters
    ----------
    compiled : bool
        True for Triton's, which have no gradient.
    residual_norm : callable
        Of (hidden_states, added, norm).
    embed_norm : callable
        Of (tokens, positions, types, norm).
    mean_pool : callable
        Of (hidden_states, cu_seqlens, skip, normalize).
    short_attention : callable
        Of (query, key, value, sight).
    """

    compiled: bool
    residual_norm: Callable[[Tensor, Tensor, Norm], Tensor]
    embed_norm: Callable[[Lookup, Lookup | None, Lookup | None, Norm], Tensor]
    mean_pool: Callable[[Tensor, Tensor, int, bool], Tensor]
    short_attention: Callable[[Tensor, Tensor, Tensor, Sight], Tensor]


PLAIN = Kernels(
    False, plain.residual_norm, plain.embed_norm, plain.mean_pool, plain.short_attention
)


def kernels_for(device_type: str) -> Kernels:
    """Give the fastest kernels for a device.

    Parameters
    ----------
    device_type : str
        "cuda", "cpu", ...

    Returns
    -------
    Kernels
        Triton's on a CUDA device, or anywhere in Triton's interpreter (``TRITON_INTERPRET=1``),
        where it is installed; else plain torch's.
    """
    wanted = device_type == "cuda" or os.environ.get("TRITON_INTERPRET") == "1"
    return _compiled() if wanted and triton_is_there() else PLAIN


@functools.cache
def triton_is_there() -> bool:
    """Tell whether Triton is installed.

    Returns
    -------
    bool
        False where plain torch has to do.
    """
    return importlib.util.find_spec("triton") is not None


@functools.cache
def _compiled() -> Kernels:
    from skencoder.encoder.kernels.pooling import mean_pool
    from skencoder.encoder.kernels.row_norms import embed_norm, residual_norm
    from skencoder.encoder.kernels.short_attention import short_attention

    return Kernels(True, residual_norm, embed_norm, mean_pool, short_attention)
