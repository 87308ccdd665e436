"""Attention within texts that fit into one tile, in a single pass, in Triton.

What is computed stands in plain.py. One program makes one head of one text: all its scores are
there at once, so there is no running softmax and no loop.
"""

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

from skencoder.encoder.kernels.inputs import LONGEST_SHORT, WIDEST_SHORT_HEAD, Sight

# A matrix instruction takes no fewer rows or columns.
LEAST = 16


def short_attention(query: Tensor, key: Tensor, value: Tensor, sight: Sight) -> Tensor:
    """Let every token gather from its text; the twin says it in full.

    Parameters
    ----------
    query : float of shape (tokens, heads, head_dim)
        Projected token vectors, texts packed end to end; ``head_dim`` at most 128.
    key, value : float of shape (tokens, key_value_heads, head_dim)
        The same; each head serves ``heads / key_value_heads`` neighbouring query heads.
    sight : Sight
        Where each text begins, who sees whom, and the bias; no text has more than 64 tokens.

    Returns
    -------
    float of shape (tokens, heads, head_dim)
        Weighted sums of the values, contiguous.

    Raises
    ------
    ValueError
        If a text or a head does not fit into a tile.
    """
    heads, head_dim = query.shape[1:]
    if sight.longest > LONGEST_SHORT or head_dim > WIDEST_SHORT_HEAD:
        raise ValueError(
            f"short_attention takes texts of at most {LONGEST_SHORT} tokens and heads of at most "
            f"{WIDEST_SHORT_HEAD} dimensions; got {sight.longest} and {head_dim}."
        )
    query, key, value = (_dense(part) for part in (query, key, value))
    context = query.new_empty(query.shape)
    bias = query if sight.bias is None else sight.bias
    # Triton launches on the current device, which need not be the tensors'.
    with torch.cuda.device_of(query):
        _short_attention[(len(sight.cu_seqlens) - 1, heads)](
            *(query, key, value, context, sight.cu_seqlens, bias),
            *(query.stride(0), key.stride(0), value.stride(0), *bias.stride()),
            *(heads, heads // key.shape[1], head_dim, 1 / math.sqrt(head_dim)),
            -1 if sight.window is None else sight.window,
            windowed=sight.window is not None,
            biased=sight.bias is not None,
            sequence=max(LEAST, triton.next_power_of_2(sight.longest)),
            width=max(LEAST, triton.next_power_of_2(head_dim)),
        )
    return context


def _dense(part: Tensor) -> Tensor:
    # Rows may stand apart, as in a joint projection; within a row all is end to end.
    return part if part.stride()[1:] == (part.shape[2], 1) else part.contiguous()


@triton.jit
def _short_attention(  # noqa: PLR0913, PLR0917 - as all in Triton, one argument per number
    query: tl.tensor,
    key: tl.tensor,
    value: tl.tensor,
    context: tl.tensor,
    cu_seqlens: tl.tensor,
    bias: tl.tensor,
    query_row: tl.tensor,
    key_row: tl.tensor,
    value_row: tl.tensor,
    bias_head: tl.tensor,
    bias_query: tl.tensor,
    bias_key: tl.tensor,
    heads: tl.tensor,
    group: tl.tensor,
    head_dim: tl.tensor,
    scale: tl.tensor,
    window: tl.tensor,
    windowed: tl.constexpr,
    biased: tl.constexpr,
    sequence: tl.constexpr,
    width: tl.constexpr,
) -> None:
    start = tl.load(cu_seqlens + tl.program_id(0))
    length = tl.load(cu_seqlens + tl.program_id(0) + 1) - start
    head = tl.program_id(1)
    places = tl.arange(0, sequence)
    columns = tl.arange(0, width)[None, :]
    rows = (start + places).to(tl.int64)[:, None]
    there = (places < length)[:, None] & (columns < head_dim)
    shared = (head // group) * head_dim + columns
    q = tl.load(query + rows * query_row + head * head_dim + columns, mask=there, other=0.0)
    k = tl.load(key + rows * key_row + shared, mask=there, other=0.0)
    v = tl.load(value + rows * value_row + shared, mask=there, other=0.0)
    # ieee: float32 is not rounded to fewer digits on the way.
    scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
    real = (places < length)[:, None]
    seen = (places < length)[None, :]
    if biased:
        pairs = places[:, None] * bias_query + places[None, :] * bias_key
        numbers = tl.load(bias + head * bias_head + pairs, mask=real & seen, other=0.0)
        scores += numbers.to(tl.float32)
    if windowed:
        near = tl.abs(places[:, None] - places[None, :]) <= window
        # A row of padding sees the whole text: were it to see nothing, its sum would be 0 / 0.
        seen = seen & (near | ~real)
    scores = tl.where(seen, scores, float("-inf"))
    weights = tl.exp(scores - tl.max(scores, axis=1)[:, None])
    weights = weights / tl.sum(weights, axis=1)[:, None]
    gathered = tl.dot(weights.to(v.dtype), v, input_precision="ieee")
    place = (rows * heads + head) * head_dim + columns
    tl.store(context + place, gathered.to(context.dtype.element_ty), mask=there)
