"""The mean of each text's tokens, and its unit length, in one pass over memory, in Triton.

What is computed stands in plain.py. One program makes one text's vector.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from skencoder.encoder.kernels.plain import SHORTEST

# Numbers that a program holds at a time: about as many as its registers.
TILE = 4096


def mean_pool(
    hidden_states: Tensor, cu_seqlens: Tensor, skip: int = 0, normalize: bool = False
) -> Tensor:
    """Average each text's token vectors; the twin says it in full.

    Parameters
    ----------
    hidden_states : float of shape (tokens, hidden)
        Texts packed end to end.
    cu_seqlens : int32 of shape (batch + 1,)
        Where each text begins, in tokens; every text has at least one.
    skip : int, default=0
        First tokens of each text that are left out; a text that has no more keeps its last one.
    normalize : bool, default=False
        Whether to scale the vectors to unit length.

    Returns
    -------
    float32 of shape (batch, hidden)
        One vector per text.
    """
    hidden_states = hidden_states.contiguous()
    width, batch = hidden_states.shape[1], len(cu_seqlens) - 1
    means = hidden_states.new_empty(batch, width, dtype=torch.float32)
    block = triton.next_power_of_2(width)
    # Triton launches on the current device, which need not be the tensors'.
    with torch.cuda.device_of(hidden_states):
        _mean_pool[(batch,)](
            *(hidden_states, cu_seqlens, means, width, skip, SHORTEST),
            normalize=normalize,
            rows=max(1, TILE // block),
            block=block,
        )
    return means


@triton.jit
def _mean_pool(  # noqa: PLR0913, PLR0917 - as all in Triton, one argument per number
    hidden_states: tl.tensor,
    cu_seqlens: tl.tensor,
    means: tl.tensor,
    width: tl.tensor,
    skip: tl.tensor,
    shortest: tl.tensor,
    normalize: tl.constexpr,
    rows: tl.constexpr,
    block: tl.constexpr,
) -> None:
    text = tl.program_id(0).to(tl.int64)
    stop = tl.load(cu_seqlens + text + 1)
    first = tl.minimum(tl.load(cu_seqlens + text) + skip, stop - 1)
    columns = tl.arange(0, block)
    within = columns < width
    total = tl.zeros((block,), tl.float32)
    start = first
    while start < stop:
        tokens = start + tl.arange(0, rows)
        places = tokens.to(tl.int64)[:, None] * width + columns[None, :]
        there = (tokens < stop)[:, None] & within[None, :]
        tile = tl.load(hidden_states + places, mask=there, other=0.0)
        total += tl.sum(tile.to(tl.float32), axis=0)
        start += rows
    mean = total / (stop - first)
    if normalize:
        mean = mean / tl.maximum(tl.sqrt(tl.sum(mean * mean, axis=0)), shortest)
    tl.store(means + text * width + columns, mean, mask=within)
