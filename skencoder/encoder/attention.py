"""Self-attention on packed texts: the one place that looks at where a text ends.

``reference_attention`` is the formula and nothing else; ``run_attention`` is the fast one,
tested against it. The projections around them stand in ``SelfAttention``.
"""

import math
from itertools import pairwise
from typing import Protocol

import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor, nn

from skencoder.encoder.packing import Run
from skencoder.encoder.scope import Scope, near

# A text this many times longer than its window is attended to piece by piece.
LONG_FOR_ITS_WINDOW = 4


class Attention(Protocol):
    """What both attention functions are: `reference_attention` says it in full."""

    def __call__(
        self, query: Tensor, key: Tensor, value: Tensor, scope: Scope, dropout: float = 0.0
    ) -> Tensor:
        """Let every token gather from the tokens it sees."""


def reference_attention(
    query: Tensor, key: Tensor, value: Tensor, scope: Scope, dropout: float = 0.0
) -> Tensor:
    """Let every token gather from the tokens it sees, one text at a time.

    ``softmax(Q K^T / sqrt(d_k) + B) V`` per head. The source has no B; it is what relative
    positions and windows add.

    Parameters
    ----------
    query : float of shape (tokens, heads, head_dim)
        Projected token vectors, texts packed end to end.
    key, value : float of shape (tokens, key_value_heads, head_dim)
        The same; each head serves ``heads / key_value_heads`` neighbouring query heads.
    scope : Scope
        Where each text begins, who sees whom, and the bias B.
    dropout : float, default=0
        Part of the weights that is zeroed, the others raised to make up for it.

    Returns
    -------
    float of shape (tokens, heads, head_dim)
        Weighted sums of the values.

    References
    ----------
    .. [1] Vaswani et al. (2017), Attention Is All You Need, arXiv:1706.03762, equation 1.
    """
    texts = list(pairwise(scope.boundaries.cu_seqlens.tolist()))
    context = torch.empty_like(query)
    for weights, (start, stop) in zip(attention_weights(query, key, scope), texts, strict=True):
        v = _by_head(value[start:stop], query.shape[1])
        context[start:stop] = (F.dropout(weights, dropout) @ v).transpose(0, 1)
    return context


def attention_weights(query: Tensor, key: Tensor, scope: Scope) -> list[Tensor]:
    """Say how much every token gathers from every other of its text.

    ``softmax(Q K^T / sqrt(d_k) + B)``, minus infinity in B where a token is not seen.

    Parameters
    ----------
    query : float of shape (tokens, heads, head_dim)
        Projected token vectors, texts packed end to end.
    key : float of shape (tokens, key_value_heads, head_dim)
        The same.
    scope : Scope
        Where each text begins, who sees whom, and the bias B.

    Returns
    -------
    list of float tensors of shape (heads, sequence, sequence)
        One per text; each row sums to 1.

    References
    ----------
    .. [1] Vaswani et al. (2017), Attention Is All You Need, arXiv:1706.03762, equation 1.
    """
    weights = []
    for start, stop in pairwise(scope.boundaries.cu_seqlens.tolist()):
        q, k = (_by_head(part[start:stop], query.shape[1]) for part in (query, key))
        scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
        if scope.bias is not None:
            scores = scores + scope.bias[:, : stop - start, : stop - start]
        seen = scope.mask(stop - start)
        if seen is not None:
            scores = scores.masked_fill(~seen, -math.inf)
        weights.append(torch.softmax(scores, dim=-1).to(query.dtype))
    return weights


def _by_head(part: Tensor, heads: int) -> Tensor:
    # (sequence, key_value_heads, head_dim) -> (heads, sequence, head_dim)
    return part.repeat_interleave(heads // part.shape[1], dim=1).transpose(0, 1)


def run_attention(
    query: Tensor, key: Tensor, value: Tensor, scope: Scope, dropout: float = 0.0
) -> Tensor:
    """Compute the same as `reference_attention`, all texts of one length in one call.

    Neighbours of equal length form a full rectangle, so torch's fused kernel needs no padding
    mask; a text much longer than its window is cut into pieces with their surroundings.

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
    runs = scope.boundaries.runs
    # Split once: a slice for each run would each add a gradient as large as the whole.
    sizes = [run.batch * run.sequence for run in runs]
    cut = zip(*(part.split(sizes) for part in (query, key, value)), strict=True)
    blocks = [
        attend_run((q, k, v), run, scope, dropout)
        for (q, k, v), run in zip(cut, runs, strict=True)
    ]
    return blocks[0] if len(blocks) == 1 else torch.cat(blocks)


def attend_run(
    parts: tuple[Tensor, Tensor, Tensor], run: Run, scope: Scope, dropout: float
) -> Tensor:
    """Attend in texts of one length with torch's fused kernel.

    Parameters
    ----------
    parts : tuple of three float tensors of shape (batch * sequence, heads, head_dim)
        Their query, key and value.
    run : Run
        How many texts, and how long.
    scope : Scope
        Who sees whom, and the bias.
    dropout : float
        Part of the weights that is zeroed.

    Returns
    -------
    float of shape (batch * sequence, heads, head_dim)
        Weighted sums of the values.
    """
    # (batch * sequence, heads, head_dim) -> (batch, heads, sequence, head_dim)
    q, k, v = (part.unflatten(0, (run.batch, run.sequence)).transpose(1, 2) for part in parts)
    window = scope.window
    if window is not None and scope.bias is None and run.sequence > LONG_FOR_ITS_WINDOW * window:
        context = _attend_pieces(q, k, v, window, dropout)
    else:
        context = _fused(q, k, v, _score_mask(scope, run.sequence, q.dtype), dropout)
    return context.transpose(1, 2).flatten(0, 1)


def _attend_pieces(q: Tensor, k: Tensor, v: Tensor, window: int, dropout: float) -> Tensor:
    sequence, piece = q.shape[2], 2 * window
    places = torch.arange(sequence, device=q.device)
    contexts = []
    for start in range(0, sequence, piece):
        queries = slice(start, start + piece)
        around = slice(max(0, start - window), start + piece + window)
        seen = near(places[queries], places[around], window)
        contexts.append(_fused(q[:, :, queries], k[:, :, around], v[:, :, around], seen, dropout))
    return torch.cat(contexts, dim=2)


def _score_mask(scope: Scope, sequence: int, dtype: torch.dtype) -> Tensor | None:
    seen = scope.mask(sequence)
    if scope.bias is None:
        return seen
    bias = scope.bias[:, :sequence, :sequence].to(dtype)
    return bias if seen is None else bias.masked_fill(~seen, -math.inf)


def _fused(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    grouped = q.shape[1] != k.shape[1]
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, dropout_p=dropout, enable_gqa=grouped
    )


class SelfAttention(nn.Module):
    """Multi-head self-attention: project, attend in each head, join, project.

    ``MultiHead(h) = concat(head_1, ..., head_n) W_O`` with
    ``head_i = attention(h W_Q_i, h W_K_i, h W_V_i)`` (Vaswani et al. 2017, section 3.2.2). With
    fewer heads of keys and values each serves a group of query heads (Ainslie et al. 2023,
    arXiv:2305.13245).

    Parameters
    ----------
    hidden_size : int
        Width of a token vector.
    num_attention_heads : int
        Heads, which share the width equally.
    num_key_value_heads : int or None, default=None
        Heads of keys and values; None is ``num_attention_heads``.
    bias : bool, default=True
        Whether the projections have one.
    dropout : float, default=0
        Part of the weights zeroed in training.
    attention : callable, default=run_attention
        The attention function itself.
    """

    def __init__(
        self,
        hidden_size: int,
        num_attention_heads: int,
        *,
        num_key_value_heads: int | None = None,
        bias: bool = True,
        dropout: float = 0.0,
        attention: Attention = run_attention,
    ) -> None:
        super().__init__()
        self.head_dim = hidden_size // num_attention_heads
        self.dropout = dropout
        self.attention = attention
        shared = self.head_dim * (num_key_value_heads or num_attention_heads)
        self.query = nn.Linear(hidden_size, hidden_size, bias=bias)
        self.key = nn.Linear(hidden_size, shared, bias=bias)
        self.value = nn.Linear(hidden_size, shared, bias=bias)
        self.output = nn.Linear(hidden_size, hidden_size, bias=bias)

    def forward(self, hidden_states: Tensor, scope: Scope) -> Tensor:
        """Mix the tokens of each text.

        Parameters
        ----------
        hidden_states : float of shape (tokens, hidden)
            Texts packed end to end.
        scope : Scope
            Where each text begins, who sees whom, and how distance counts.

        Returns
        -------
        float of shape (tokens, hidden)
            What each token gathered from its text.
        """
        query, key = self._query_key(hidden_states, scope)
        value = self._project(self.value, hidden_states)
        dropout = self.dropout if self.training else 0.0
        context = self.attention(query, key, value, scope, dropout)
        mixed: Tensor = self.output(context.flatten(1))
        return mixed

    def weights(self, hidden_states: Tensor, scope: Scope) -> list[Tensor]:
        """Say how much every token gathers from every other, by the plain formula.

        Parameters
        ----------
        hidden_states : float of shape (tokens, hidden)
            Texts packed end to end.
        scope : Scope
            Where each text begins, who sees whom, and how distance counts.

        Returns
        -------
        list of float tensors of shape (heads, sequence, sequence)
            One per text.
        """
        query, key = self._query_key(hidden_states, scope)
        return attention_weights(query, key, scope)

    def _query_key(self, hidden_states: Tensor, scope: Scope) -> tuple[Tensor, Tensor]:
        query, key = (
            scope.rotate(self._project(linear, hidden_states)) for linear in (self.query, self.key)
        )
        return query, key

    def _project(self, linear: nn.Module, hidden_states: Tensor) -> Tensor:
        # (tokens, hidden) -> (tokens, heads, head_dim)
        projected: Tensor = linear(hidden_states)
        return projected.view(len(hidden_states), -1, self.head_dim)
