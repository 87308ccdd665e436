"""Self-attention as two batched matrix products, for inference on a CPU.

On short texts torch's fused kernel spends its time between many small products; here all texts of
one length and all heads are one product. The products are float32 in every precision: oneDNN's
in bfloat16 are made anew for each number of texts and tokens and kept, which took 0.1 GB and
a third of the first pass. The formula itself stands in attention.py.
"""

import math
from functools import cache
from typing import Any

import torch
from torch import Tensor

from skencoder.encoder.attention import attend_run, run_attention
from skencoder.encoder.packing import Run
from skencoder.encoder.scope import Scope

# exp2(x log2(e)) = exp(x), and torch's exp2 is several times faster than its exp on a CPU.
LOG2_E = math.log2(math.e)
# Scores computed at once, about what a core's own cache holds; a text of more than the latter
# is left to the fused kernel, which keeps none.
SCORES_AT_ONCE, MOST_SCORES = 2**20, 2**22
# A single text of so few tokens takes longer to call for than to compute, and in float32 both ways
# agree to 1e-7; from so many on, a CPU's matrix tiles make the fused kernel faster (measured: 1.2
# times at 64 tokens, 1.8 times at 128).
FEW_TOKENS, TOKENS_FOR_TILES = 64, 48
# Sums of weights outside of this may have lost an overflowing or a vanishing weight.
LEAST_SUM, LARGEST_SUM = 2.0**-100, 2.0**120

Parts = tuple[Tensor, Tensor, Tensor]


def matmul_attention(
    query: Tensor, key: Tensor, value: Tensor, scope: Scope, dropout: float = 0.0
) -> Tensor:
    """Compute the same as `reference_attention` with large matrix products.

    ``softmax(x)_i = 2^(x_i log2(e)) / sum_j 2^(x_j log2(e))`` needs no maximum taken off as long
    as nothing overflows; where it might, and where windows or biases change the scores, the
    fused kernel of `run_attention` does it.

    Parameters
    ----------
    query : float of shape (tokens, heads, head_dim)
        Projected token vectors, texts packed end to end.
    key, value : float of shape (tokens, key_value_heads, head_dim)
        The same; each head serves ``heads / key_value_heads`` neighbouring query heads.
    scope : Scope
        Where each text begins, who sees whom, and the bias.
    dropout : float, default=0
        Must be 0 for the products; otherwise `run_attention` is called.

    Returns
    -------
    float of shape (tokens, heads, head_dim)
        Weighted sums of the values. It has no gradient.
    """
    if dropout:
        return run_attention(query, key, value, scope, dropout)
    context = query.new_empty(query.shape)
    attend_into(context, (query, key, value), scope, query.dtype)
    return context


def attend_into(context: Tensor, parts: Parts, scope: Scope, fused_in: torch.dtype) -> None:
    """Write what `matmul_attention` gives into a tensor that is there.

    Parameters
    ----------
    context : float of shape (tokens, heads, head_dim)
        Overwritten.
    parts : tuple of three float tensors of shape (tokens, heads, head_dim)
        Query, key and value.
    scope : Scope
        Where each text begins, who sees whom, and the bias.
    fused_in : torch.dtype
        Precision of the texts that are left to the fused kernel.
    """
    runs = scope.boundaries.runs
    sums = [part for run in runs for part in _attend(context, parts, run, scope, fused_in)]
    # Looked at once for all runs: each look waits for a number, which costs as much as a product.
    if sums and not _fit(torch.cat(sums)):
        for run in runs:
            _attend_fused(context, parts, run, scope, fused_in)


def _attend(
    context: Tensor, parts: Parts, run: Run, scope: Scope, fused_in: torch.dtype
) -> list[Tensor]:
    """Write the context of equally long texts; give the sums of weights that were divided by."""
    scores = parts[0].shape[1] * run.sequence**2
    changed = scope.bias is not None or scope.mask(run.sequence) is not None
    if changed or scores > MOST_SCORES or _is_faster_fused(run, fused_in):
        _attend_fused(context, parts, run, scope, fused_in)
        return []
    batch = max(1, SCORES_AT_ONCE // scores)
    pieces = [
        Run(run.start + first * run.sequence, min(batch, run.batch - first), run.sequence)
        for first in range(0, run.batch, batch)
    ]
    return [_multiply(parts, piece, context[piece.start : piece.stop]) for piece in pieces]


def _is_faster_fused(run: Run, fused_in: torch.dtype) -> bool:
    if fused_in == torch.bfloat16:
        # By length alone: if a text's way depended on its company, so would its vector.
        return run.sequence >= TOKENS_FOR_TILES and _has_tiles()
    return run.batch == 1 and run.sequence <= FEW_TOKENS


@cache
def _has_tiles() -> bool:
    """Whether this CPU multiplies tiles of bfloat16 (AMX), as far as this torch tells."""
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16", False))


def _attend_fused(
    context: Tensor, parts: Parts, run: Run, scope: Scope, fused_in: torch.dtype
) -> None:
    rows = slice(run.start, run.stop)
    query, key, value = (part[rows].to(fused_in) for part in parts)
    context[rows] = attend_run((query, key, value), run, scope, 0.0)


def _multiply(parts: Parts, run: Run, target: Tensor) -> Tensor:
    scale = LOG2_E / math.sqrt(parts[0].shape[-1])
    query, key, value = (
        part[run.start : run.stop].float().unflatten(0, (run.batch, run.sequence)).transpose(1, 2)
        for part in parts
    )
    # The heads that share a key stand one below the other: (batch * shared, group * sequence, d).
    shared = (run.batch * key.shape[1], -1, key.shape[-1])
    scaled = torch.mul(query, scale, out=query.new_empty(query.shape)).view(shared)
    keys, values = (part.contiguous().view(shared) for part in (key, value))
    weights = torch.bmm(scaled, keys.transpose(1, 2))
    sums = torch.exp2(weights, out=weights).sum(-1, keepdim=True)
    gathered = torch.bmm(weights, values).div_(sums).view(query.shape)
    target.unflatten(0, (run.batch, run.sequence)).copy_(gathered.transpose(1, 2))
    return sums.flatten()


def _fit(sums: Tensor) -> bool:
    least, largest = torch.aminmax(sums)
    return least.item() > LEAST_SUM and largest.item() < LARGEST_SUM
