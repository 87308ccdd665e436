"""The kernels' twins in plain torch: what is computed, and what computes it without Triton.

The kernels themselves stand in row_norms.py, pooling.py and short_attention.py.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor

from skencoder.encoder.kernels.inputs import Lookup, Norm, Sight

# A vector shorter than this is not stretched to unit length; torch's own limit.
SHORTEST = 1e-12


def residual_norm(hidden_states: Tensor, added: Tensor, norm: Norm) -> Tensor:
    """Add two, then layer norm: ``(x - mean(x)) / sqrt(var(x) + eps) * g + b``.

    Parameters
    ----------
    hidden_states, added : float of shape (tokens, hidden)
        Input and output of a sublayer.
    norm : Norm
        Of width hidden.

    Returns
    -------
    float of shape (tokens, hidden)
        Normalised sums.

    References
    ----------
    .. [1] Ba et al. (2016), Layer Normalization, arXiv:1607.06450, equation 4.
    """
    return F.layer_norm(hidden_states + added, norm.weight.shape, norm.weight, norm.bias, norm.eps)


def embed_norm(
    tokens: Lookup, positions: Lookup | None, types: Lookup | None, norm: Norm
) -> Tensor:
    """Look token, position and segment vectors up, add them, then layer norm.

    Parameters
    ----------
    tokens : Lookup
        Table and ids; the ids must be below its length, which nobody checks.
    positions, types : Lookup or None
        The same for positions and segments; None adds nothing.
    norm : Norm
        Of the tables' width.

    Returns
    -------
    float of shape (tokens, hidden)
        Normalised sums.

    References
    ----------
    .. [1] Devlin et al. (2019), BERT, arXiv:1810.04805, figure 2.
    """
    hidden_states = _look_up(tokens)
    for lookup in (positions, types):
        if lookup is not None:
            hidden_states = hidden_states + _look_up(lookup)
    return F.layer_norm(hidden_states, norm.weight.shape, norm.weight, norm.bias, norm.eps)


def _look_up(lookup: Lookup) -> Tensor:
    return lookup.table[0] if lookup.rows is None else F.embedding(lookup.rows, lookup.table)


def mean_pool(
    hidden_states: Tensor, cu_seqlens: Tensor, skip: int = 0, normalize: bool = False
) -> Tensor:
    """Average each text's token vectors without asking the device for its length.

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
    means = reduce_kept(hidden_states.float(), cu_seqlens, skip, "mean")
    return F.normalize(means, dim=1, eps=SHORTEST) if normalize else means


def first_kept(cu_seqlens: Tensor, skip: int) -> Tensor:
    """Say where each text begins when its first tokens are left out.

    Parameters
    ----------
    cu_seqlens : int32 of shape (batch + 1,)
        Where each text begins, in tokens.
    skip : int
        Tokens to leave out; a text that has no more keeps its last one.

    Returns
    -------
    int64 of shape (batch,)
        Index of its first token that is kept.
    """
    starts, stops = cu_seqlens[:-1].long(), cu_seqlens[1:].long()
    return torch.minimum(starts + skip, stops - 1)


def reduce_kept(values: Tensor, cu_seqlens: Tensor, skip: int, reduction: str) -> Tensor:
    """Reduce what is kept of each text, over its tokens.

    Parameters
    ----------
    values : float32 of shape (tokens, hidden)
        Texts packed end to end.
    cu_seqlens : int32 of shape (batch + 1,)
        Where each text begins, in tokens.
    skip : int
        First tokens of each text that are left out; a text that has no more keeps its last one.
    reduction : {"mean", "sum", "max"}
        As torch's ``segment_reduce`` names it.

    Returns
    -------
    float32 of shape (batch, hidden)
        One vector per text.
    """
    first = first_kept(cu_seqlens, skip)
    # What is left out is a segment of its own before each text, so that no shape depends on it.
    lengths = torch.stack((first - cu_seqlens[:-1], cu_seqlens[1:] - first), dim=1).flatten()
    # unsafe: torch would read the lengths back to check them.
    return torch.segment_reduce(values, reduction, lengths=lengths, unsafe=True)[1::2]


def short_attention(query: Tensor, key: Tensor, value: Tensor, sight: Sight) -> Tensor:
    """Let every token gather from its text: ``softmax(Q K^T / sqrt(d) + B) V``, in one pass.

    Parameters
    ----------
    query : float of shape (tokens, heads, head_dim)
        Projected token vectors, texts packed end to end.
    key, value : float of shape (tokens, key_value_heads, head_dim)
        The same; each head serves ``heads / key_value_heads`` neighbouring query heads.
    sight : Sight
        Where each text begins, who sees whom, and the bias.

    Returns
    -------
    float of shape (tokens, heads, head_dim)
        Weighted sums of the values.

    References
    ----------
    .. [1] Vaswani et al. (2017), Attention Is All You Need, arXiv:1706.03762, equation 1.
    """
    places = torch.arange(sight.longest, device=query.device)
    starts, lengths = sight.cu_seqlens[:-1, None], sight.cu_seqlens.diff()[:, None]
    rows = starts + torch.minimum(places, lengths - 1)
    # (tokens, heads, head_dim) -> (batch, heads, longest, head_dim)
    q, k, v = (
        part[rows].repeat_interleave(query.shape[1] // part.shape[1], 2).transpose(1, 2).float()
        for part in (query, key, value)
    )
    scores = q @ k.transpose(2, 3) / math.sqrt(query.shape[2])
    if sight.bias is not None:
        scores = scores + sight.bias[:, : sight.longest, : sight.longest]
    seen = (places < lengths)[:, None, None]
    if sight.window is not None:
        seen = seen & ((places[:, None] - places).abs() <= sight.window)
    # Padding may see nothing; its rows are not taken below, so nothing reads their 0 / 0.
    weights = scores.masked_fill(~seen, -math.inf).softmax(-1)
    context = (weights @ v).transpose(1, 2).to(query.dtype)
    texts = torch.arange(len(lengths), device=query.device)
    texts = texts.repeat_interleave(lengths[:, 0], output_size=len(query))
    return context[texts, torch.arange(len(query), device=query.device) - starts[texts, 0]]
