"""Attention for GPUs through torch's kernel for packed texts, where it has one and it fits.

What does without it stands in padded_attention.py.
"""

import functools
import inspect
from typing import Any

import torch
from torch import Tensor

from skencoder.encoder.padded_attention import padded_attention
from skencoder.encoder.scope import Scope

# What flash attention multiplies: precision, width of a head, and since which GPU (Ampere).
HALF_PRECISION = (torch.float16, torch.bfloat16)
WIDEST_HEAD, HEAD_MULTIPLE = 256, 8
OLDEST_GPU = (8, 0)


def varlen_attention(
    query: Tensor, key: Tensor, value: Tensor, scope: Scope, dropout: float = 0.0
) -> Tensor:
    """Compute the same as `reference_attention` in one call for the whole batch.

    Where torch's ``varlen_attn`` does not fit (no CUDA device, single precision, a bias), it is
    `padded_attention`.

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

    References
    ----------
    .. [1] Dao (2023), FlashAttention-2, arXiv:2307.08691.
    """
    known = varlen_parameters()
    if dropout or not (_kernel_there(query) and fits_varlen(query, key, scope, known)):
        return padded_attention(query, key, value, scope, dropout)
    from torch.nn.attention.varlen import varlen_attn

    context: Tensor = varlen_attn(query, key, value, **varlen_arguments(query, key, scope))  # type: ignore[assignment]
    return context


def fits_varlen(query: Tensor, key: Tensor, scope: Scope, known: frozenset[str]) -> bool:
    """Tell whether the kernel computes this case, apart from the device.

    Parameters
    ----------
    query : float of shape (tokens, heads, head_dim)
        Projected token vectors.
    key : float of shape (tokens, key_value_heads, head_dim)
        The same.
    scope : Scope
        Where each text begins, who sees whom, and the bias.
    known : frozenset of str
        Parameters of the kernel, see `varlen_parameters`.

    Returns
    -------
    bool
        False where it is too new for this torch or no case for it.
    """
    head_dim = query.shape[-1]
    return (
        bool(known)
        and scope.bias is None
        and query.dtype in HALF_PRECISION
        and head_dim <= WIDEST_HEAD
        and head_dim % HEAD_MULTIPLE == 0
        and (scope.window is None or "window_size" in known)
        and (query.shape[1] == key.shape[1] or "enable_gqa" in known)
    )


def varlen_arguments(query: Tensor, key: Tensor, scope: Scope) -> dict[str, Any]:
    """Say in the kernel's words where each text begins and who sees whom.

    Parameters
    ----------
    query : float of shape (tokens, heads, head_dim)
        Projected token vectors.
    key : float of shape (tokens, key_value_heads, head_dim)
        The same.
    scope : Scope
        Without a bias.

    Returns
    -------
    dict of str to object
        Keyword arguments of ``varlen_attn`` beside query, key and value.
    """
    cu_seqlens, longest = scope.boundaries.cu_seqlens, scope.boundaries.longest
    arguments: dict[str, Any] = {
        "cu_seq_q": cu_seqlens,
        "cu_seq_k": cu_seqlens,
        "max_q": longest,
        "max_k": longest,
    }
    if scope.window is not None:
        arguments["window_size"] = (scope.window, scope.window)
    if query.shape[1] != key.shape[1]:
        arguments["enable_gqa"] = True
    return arguments


@functools.cache
def varlen_parameters() -> frozenset[str]:
    """List what the installed torch's kernel can be told.

    Returns
    -------
    frozenset of str
        Names of the parameters of ``varlen_attn``; none where torch has no such kernel.
    """
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return frozenset()
    return frozenset(inspect.signature(varlen_attn).parameters)


def _kernel_there(query: Tensor) -> bool:
    return query.is_cuda and _has_flash(query.device.index)


@functools.cache
def _has_flash(index: int) -> bool:
    if not torch.backends.cuda.is_flash_attention_available():
        return False
    return torch.cuda.get_device_capability(index) >= OLDEST_GPU
