"""Self-attention on packed texts: the one place that looks at where a text ends.

``reference_attention`` is the formula and nothing else; ``run_attention`` is the fast one,
tested against it. The projections around them stand in ``SelfAttention``.
"""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor, nn

from skencoder.encoder.packing import Boundaries, Run

Attention = Callable[[Tensor, Tensor, Tensor, Boundaries], Tensor]


def reference_attention(
    query: Tensor, key: Tensor, value: Tensor, boundaries: Boundaries
) -> Tensor:
    """Let every token gather from the tokens of its own text, one text at a time.

    ``softmax(Q K^T / sqrt(d_k)) V`` per head, computed in the inputs' precision.

    Parameters
    ----------
    query, key, value : float of shape (tokens, heads, head_dim)
        Projected token vectors, texts packed end to end.
    boundaries : Boundaries
        Where each text begins.

    Returns
    -------
    float of shape (tokens, heads, head_dim)
        Weighted sums of the values.

    References
    ----------
    .. [1] Vaswani et al. (2017), Attention Is All You Need, arXiv:1706.03762, equation 1.
    """
    context = torch.empty_like(value)
    for start, stop in pairwise(boundaries.cu_seqlens.tolist()):
        # (sequence, heads, head_dim) -> (heads, sequence, head_dim)
        q, k, v = (part[start:stop].transpose(0, 1) for part in (query, key, value))
        weights = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]), dim=-1)
        context[start:stop] = (weights @ v).transpose(0, 1)
    return context


def run_attention(query: Tensor, key: Tensor, value: Tensor, boundaries: Boundaries) -> Tensor:
    """Compute the same as `reference_attention`, all texts of one length in one call.

    Neighbours of equal length form a full rectangle, so torch's fused kernel needs no mask.

    Parameters
    ----------
    query, key, value : float of shape (tokens, heads, head_dim)
        Projected token vectors, texts packed end to end.
    boundaries : Boundaries
        Where each text begins.

    Returns
    -------
    float of shape (tokens, heads, head_dim)
        Weighted sums of the values.
    """
    blocks = [_attend_run(query, key, value, run) for run in boundaries.runs]
    return blocks[0] if len(blocks) == 1 else torch.cat(blocks)


def _attend_run(query: Tensor, key: Tensor, value: Tensor, run: Run) -> Tensor:
    # (batch * sequence, heads, head_dim) -> (batch, heads, sequence, head_dim)
    q, k, v = (
        part[run.start : run.stop].unflatten(0, (run.batch, run.sequence)).transpose(1, 2)
        for part in (query, key, value)
    )
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(0, 1)


class SelfAttention(nn.Module):
    """Multi-head self-attention: project, attend in each head, join, project.

    ``MultiHead(h) = concat(head_1, ..., head_n) W_O`` with
    ``head_i = attention(h W_Q_i, h W_K_i, h W_V_i)`` (Vaswani et al. 2017, section 3.2.2).

    Parameters
    ----------
    hidden_size : int
        Width of a token vector.
    num_attention_heads : int
        Heads, which share the width equally.
    attention : callable, default=run_attention
        The attention function itself.
    """

    def __init__(
        self, hidden_size: int, num_attention_heads: int, attention: Attention = run_attention
    ) -> None:
        super().__init__()
        self.num_attention_heads = num_attention_heads
        self.attention = attention
        self.query = nn.Linear(hidden_size, hidden_size)
        self.key = nn.Linear(hidden_size, hidden_size)
        self.value = nn.Linear(hidden_size, hidden_size)
        self.output = nn.Linear(hidden_size, hidden_size)

    def forward(self, hidden_states: Tensor, boundaries: Boundaries) -> Tensor:
        """Mix the tokens of each text.

        Parameters
        ----------
        hidden_states : float of shape (tokens, hidden)
            Texts packed end to end.
        boundaries : Boundaries
            Where each text begins.

        Returns
        -------
        float of shape (tokens, hidden)
            What each token gathered from its text.
        """
        # (tokens, hidden) -> (tokens, heads, head_dim)
        query, key, value = (
            project(hidden_states).unflatten(1, (self.num_attention_heads, -1))
            for project in (self.query, self.key, self.value)
        )
        context = self.attention(query, key, value, boundaries)
        mixed: Tensor = self.output(context.flatten(1))
        return mixed
