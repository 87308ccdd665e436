"""Attention while a model is trained; the functions themselves stand in `skencoder.encoder`."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from skencoder.encoder import Scope, SelfAttention, run_attention, varlen_attention

KERNELS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


@contextmanager
def attend_for_training(encoder: nn.Module, *, autocast: bool = False) -> Iterator[None]:
    """Give an encoder the attention that suits its device while it is trained.

    On a GPU that has a gradient and takes all lengths at once. Of torch's fused kernels cuDNN's is
    left out, which is built anew for each shape: on an NVIDIA H200 (torch 2.11) a model of
    all-MiniLM-L6-v2's size learned to guess masks in bfloat16 at 12,000 tokens/s with it, at
    54,000 without. On a CPU that multiplies in bfloat16 it is `single_attention`.

    Parameters
    ----------
    encoder : nn.Module
        On its device; changed in place, and put back.
    autocast : bool, default=False
        Whether matrices are multiplied in bfloat16.
    """
    on_gpu = next(encoder.parameters()).device.type == "cuda"
    attention = varlen_attention if on_gpu else single_attention if autocast else run_attention
    attentions = [m for m in encoder.modules() if isinstance(m, SelfAttention)]
    changed = [module for module in attentions if module.attention is run_attention]
    for module in changed:
        module.attention = attention
    try:
        with sdpa_kernel(KERNELS) if on_gpu else nullcontext():
            yield
    finally:
        for module in changed:
            module.attention = run_attention


def single_attention(
    query: Tensor, key: Tensor, value: Tensor, scope: Scope, dropout: float = 0.0
) -> Tensor:
    """Compute the same as `run_attention`, its products in float32.

    On the way back torch's fused kernel has oneDNN make its products in bfloat16 anew for each
    length of text and keep them, 1.9 MB a length, and is slower: on one core with AMX, 12 heads
    of 32, both ways took 110 ms for 32 texts of 16 tokens and 120 ms for 2 of 512, in float32 17
    and 86 ms. With dropout, where it cannot be used, torch multiplies in float32 by itself.

    Parameters
    ----------
    query : float of shape (tokens, heads, head_dim)
        Projected token vectors, texts packed end to end.
    key, value : float of shape (tokens, key_value_heads, head_dim)
        The same.
    scope : Scope
        Where each text begins, who sees whom, and the bias.
    dropout : float, default=0
        Part of the weights that is zeroed.

    Returns
    -------
    float of shape (tokens, heads, head_dim)
        In the precision of the query.
    """
    with torch.autocast(query.device.type, enabled=False):
        context = run_attention(query.float(), key.float(), value.float(), scope, dropout)
    return context.to(query.dtype)
