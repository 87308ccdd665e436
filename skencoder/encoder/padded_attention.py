"""Attention for GPUs on rectangles of nearly equal length: few calls, a little padding.

The formula it is tested against stands in attention.py; so does the form without padding, which
makes more calls and suits a CPU. What a GPU does where it can stands in varlen_attention.py.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor

from skencoder.encoder.packing import Run
from skencoder.encoder.ragged import RaggedRun, Rectangle, merge_runs
from skencoder.encoder.scope import Scope


def padded_attention(
    query: Tensor, key: Tensor, value: Tensor, scope: Scope, dropout: float = 0.0
) -> Tensor:
    """Compute the same as `reference_attention`, neighbours of similar length in one call.

    How the texts are grouped follows from what the host knows, and no device is waited for.
    Texts sorted by length need the fewest calls.

    Parameters
    ----------
    query : float of shape (tokens, heads, head_dim)
        Projected token vectors, texts packed end to end.
    key, value : float of shape (tokens, key_value_heads, head_dim)
        The same; each head serves ``heads / key_value_heads`` neighbouring query heads.
    scope : Scope
        Where each text begins, who sees whom, and the bias.
    dropout : float, default=0
        Part of the weights that is zeroed, the others raised to make up for it.

    Returns
    -------
    float of shape (tokens, heads, head_dim)
        Weighted sums of the values.
    """
    contexts, first = [], 0
    for block in merge_runs(scope.boundaries.runs):
        parts = [part[block.start : block.stop] for part in (query, key, value)]
        if isinstance(block, RaggedRun):
            lengths = scope.boundaries.lengths[first : first + block.batch]
            rectangle = Rectangle.of(lengths, block.sequence, block.tokens)
            contexts.append(_attend_ragged(parts, rectangle, scope, dropout))
        else:
            contexts.append(_attend_equal(parts, block, scope, dropout))
        first += block.batch
    return contexts[0] if len(contexts) == 1 else torch.cat(contexts)


def _attend_equal(parts: list[Tensor], run: Run, scope: Scope, dropout: float) -> Tensor:
    # (batch * sequence, heads, head_dim) -> (batch, heads, sequence, head_dim)
    q, k, v = (part.unflatten(0, (run.batch, run.sequence)).transpose(1, 2) for part in parts)
    mask = _with_bias(scope, scope.mask(run.sequence), run.sequence, q.dtype)
    return _fused(q, k, v, mask, dropout).transpose(1, 2).flatten(0, 1)


def _attend_ragged(
    parts: list[Tensor], rectangle: Rectangle, scope: Scope, dropout: float
) -> Tensor:
    # (tokens, heads, head_dim) -> (batch, heads, sequence, head_dim)
    shape = rectangle.real.shape
    q, k, v = (part[rectangle.rows].unflatten(0, shape).transpose(1, 2) for part in parts)
    mask = _with_bias(scope, _seen(rectangle.real, scope), shape[1], q.dtype)
    context = _fused(q, k, v, mask, dropout).transpose(1, 2).flatten(0, 1)
    return context[rectangle.places]


def _seen(real: Tensor, scope: Scope) -> Tensor:
    # (batch, 1, queries or 1, keys): True where a key is seen
    keys = real[:, None, None, :]
    near = scope.mask(real.shape[1])
    if near is None:
        return keys
    # A query of padding sees its whole text: were it to see nothing, its sum would be 0 / 0.
    return keys & (near | ~real[:, None, :, None])


def _with_bias(
    scope: Scope, seen: Tensor | None, sequence: int, dtype: torch.dtype
) -> Tensor | None:
    if scope.bias is None:
        return seen
    bias = scope.bias[:, :sequence, :sequence].to(dtype)
    return bias if seen is None else torch.where(seen, bias, -math.inf)


def _fused(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    grouped = q.shape[1] != k.shape[1]
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, dropout_p=dropout, enable_gqa=grouped
    )
