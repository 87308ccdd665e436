"""From token vectors to one vector per text. Every function has the same shape."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Pooling = Callable[[Tensor, Tensor], Tensor]


def mean_pool(hidden_states: Tensor, cu_seqlens: Tensor) -> Tensor:
    """Average each text's token vectors: ``(h_1 + ... + h_n) / n``.

    Parameters
    ----------
    hidden_states : float of shape (tokens, hidden)
        Output of one encoder layer, texts packed end to end.
    cu_seqlens : int32 of shape (batch + 1,)
        Where each text begins, in tokens; the last entry is ``tokens``.

    Returns
    -------
    float32 of shape (batch, hidden)
        One vector per text, not normalised.

    Raises
    ------
    ValueError
        If a text has no token.

    References
    ----------
    .. [1] Reimers & Gurevych (2019), Sentence-BERT, arXiv:1908.10084.
    """
    lengths = _lengths(cu_seqlens)
    return torch.segment_reduce(hidden_states.float(), "mean", lengths=lengths, unsafe=True)


def weighted_mean_pool(hidden_states: Tensor, cu_seqlens: Tensor) -> Tensor:
    """Average each text's token vectors, later tokens counting more.

    ``(1 h_1 + 2 h_2 + ... + n h_n) / (1 + 2 + ... + n)``.

    Parameters
    ----------
    hidden_states : float of shape (tokens, hidden)
        Output of one encoder layer, texts packed end to end.
    cu_seqlens : int32 of shape (batch + 1,)
        Where each text begins, in tokens; the last entry is ``tokens``.

    Returns
    -------
    float32 of shape (batch, hidden)
        One vector per text, not normalised.

    Raises
    ------
    ValueError
        If a text has no token.

    References
    ----------
    .. [1] Muennighoff (2022), SGPT, arXiv:2202.08904.
    """
    lengths = _lengths(cu_seqlens)
    starts = cu_seqlens[:-1].repeat_interleave(lengths)
    places = torch.arange(1, len(hidden_states) + 1, device=starts.device) - starts
    weighted = hidden_states.float() * places[:, None]
    sums = torch.segment_reduce(weighted, "sum", lengths=lengths, unsafe=True)
    return sums / (lengths * (lengths + 1) / 2)[:, None]


def mean_sqrt_len_pool(hidden_states: Tensor, cu_seqlens: Tensor) -> Tensor:
    """Divide the sum of each text's token vectors by the root of their number.

    ``(h_1 + ... + h_n) / sqrt(n)``.

    Parameters
    ----------
    hidden_states : float of shape (tokens, hidden)
        Output of one encoder layer, texts packed end to end.
    cu_seqlens : int32 of shape (batch + 1,)
        Where each text begins, in tokens; the last entry is ``tokens``.

    Returns
    -------
    float32 of shape (batch, hidden)
        One vector per text, not normalised.

    Raises
    ------
    ValueError
        If a text has no token.

    References
    ----------
    .. [1] Cer et al. (2018), Universal Sentence Encoder, arXiv:1803.11175, section 3.1.
    """
    lengths = _lengths(cu_seqlens)
    return mean_pool(hidden_states, cu_seqlens) * lengths.sqrt()[:, None]


def max_pool(hidden_states: Tensor, cu_seqlens: Tensor) -> Tensor:
    """Take the largest value of each dimension: ``max(h_1, ..., h_n)``.

    Parameters
    ----------
    hidden_states : float of shape (tokens, hidden)
        Output of one encoder layer, texts packed end to end.
    cu_seqlens : int32 of shape (batch + 1,)
        Where each text begins, in tokens; the last entry is ``tokens``.

    Returns
    -------
    float32 of shape (batch, hidden)
        One vector per text, not normalised.

    Raises
    ------
    ValueError
        If a text has no token.
    """
    lengths = _lengths(cu_seqlens)
    return torch.segment_reduce(hidden_states.float(), "max", lengths=lengths, unsafe=True)


def cls_pool(hidden_states: Tensor, cu_seqlens: Tensor) -> Tensor:
    """Take each text's first token, where BERT-like encoders put their summary.

    Parameters
    ----------
    hidden_states : float of shape (tokens, hidden)
        Output of one encoder layer, texts packed end to end.
    cu_seqlens : int32 of shape (batch + 1,)
        Where each text begins, in tokens; the last entry is ``tokens``.

    Returns
    -------
    float32 of shape (batch, hidden)
        One vector per text, not normalised.

    Raises
    ------
    ValueError
        If a text has no token.

    References
    ----------
    .. [1] Devlin et al. (2019), BERT, arXiv:1810.04805, section 3.
    """
    _lengths(cu_seqlens)
    return hidden_states[cu_seqlens[:-1]].float()


def last_pool(hidden_states: Tensor, cu_seqlens: Tensor) -> Tensor:
    """Take each text's last token, ``h_n``: the only one that has seen all in a decoder.

    Parameters
    ----------
    hidden_states : float of shape (tokens, hidden)
        Output of one encoder layer, texts packed end to end.
    cu_seqlens : int32 of shape (batch + 1,)
        Where each text begins, in tokens; the last entry is ``tokens``.

    Returns
    -------
    float32 of shape (batch, hidden)
        One vector per text, not normalised.

    Raises
    ------
    ValueError
        If a text has no token.
    """
    _lengths(cu_seqlens)
    return hidden_states[cu_seqlens[1:] - 1].float()


POOLINGS: dict[str, Pooling] = {
    "mean": mean_pool,
    "cls": cls_pool,
    "max": max_pool,
    "last": last_pool,
    "weighted_mean": weighted_mean_pool,
    "mean_sqrt_len": mean_sqrt_len_pool,
}


def pool(hidden_states: Tensor, cu_seqlens: Tensor, poolings: Sequence[str]) -> Tensor:
    """Pool in one or several ways and put the vectors side by side.

    Parameters
    ----------
    hidden_states : float of shape (tokens, hidden)
        Output of one encoder layer, texts packed end to end.
    cu_seqlens : int32 of shape (batch + 1,)
        Where each text begins, in tokens; the last entry is ``tokens``.
    poolings : sequence of str
        Names in `POOLINGS`.

    Returns
    -------
    float32 of shape (batch, hidden * len(poolings))
        One vector per text, not normalised.
    """
    return torch.cat([POOLINGS[name](hidden_states, cu_seqlens) for name in poolings], dim=1)


def skip_tokens(hidden_states: Tensor, cu_seqlens: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Leave the first tokens of each text out, such as a prompt that is not to be pooled.

    Parameters
    ----------
    hidden_states : float of shape (tokens, hidden)
        Texts packed end to end.
    cu_seqlens : int32 of shape (batch + 1,)
        Where each text begins, in tokens.
    count : int
        Tokens to leave out; a text that has no more keeps its last one.

    Returns
    -------
    float of shape (kept, hidden)
        The rest.
    int32 of shape (batch + 1,)
        Where each text begins in it.
    """
    lengths = _lengths(cu_seqlens)
    skipped = (lengths - 1).clamp(max=count)
    places = torch.arange(len(hidden_states), device=lengths.device)
    first = (cu_seqlens[:-1] + skipped).repeat_interleave(lengths)
    starts = torch.zeros_like(cu_seqlens)
    starts[1:] = (lengths - skipped).cumsum(0)
    return hidden_states[places >= first], starts


def _lengths(cu_seqlens: Tensor) -> Tensor:
    lengths = cu_seqlens.diff().long()
    if bool((lengths < 1).any()):
        raise ValueError("A text without tokens has no vector; every text needs at least one.")
    return lengths
