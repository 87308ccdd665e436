"""From hidden states to vectors without asking the device anything, as a GPU needs it.

The formulas stand in pooling.py, whose functions check their input and may therefore wait for
the device; these trust `Boundaries` and give the same.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from skencoder.encoder.kernels import first_kept, kernels_for, reduce_kept

DevicePooling = Callable[[Tensor, Tensor, int], Tensor]


@dataclass(frozen=True)
class Readout:
    """What is wanted of one pass through an encoder.

    Parameters
    ----------
    layer : int, default=-1
        Which hidden state is pooled: 0 is the embeddings, -1 the last.
    poolings : tuple of str, default=("mean",)
        Names in `POOLINGS`; their vectors stand side by side.
    skip : int, default=0
        First tokens of each text that are not pooled, such as a prompt's; a text that has no
        more keeps its last one.
    """

    layer: int = -1
    poolings: tuple[str, ...] = ("mean",)
    skip: int = 0


def read_out(hidden_states: Tensor, cu_seqlens: Tensor, readout: Readout) -> Tensor:
    """Pool one layer's output; nothing is read back from the device.

    Parameters
    ----------
    hidden_states : float of shape (tokens, hidden)
        Output of the layer, texts packed end to end.
    cu_seqlens : int32 of shape (batch + 1,)
        Where each text begins, in tokens; every text has at least one.
    readout : Readout
        How to pool.

    Returns
    -------
    float32 of shape (batch, hidden * len(poolings))
        One vector per text, not normalised.
    """
    vectors = [
        DEVICE_POOLINGS[name](hidden_states, cu_seqlens, readout.skip) for name in readout.poolings
    ]
    return vectors[0] if len(vectors) == 1 else torch.cat(vectors, dim=1)


def _mean(hidden_states: Tensor, cu_seqlens: Tensor, skip: int) -> Tensor:
    return kernels_for(hidden_states.device.type).mean_pool(hidden_states, cu_seqlens, skip, False)


def _mean_sqrt_len(hidden_states: Tensor, cu_seqlens: Tensor, skip: int) -> Tensor:
    kept = cu_seqlens[1:] - first_kept(cu_seqlens, skip)
    return _mean(hidden_states, cu_seqlens, skip) * kept.sqrt()[:, None]


def _weighted_mean(hidden_states: Tensor, cu_seqlens: Tensor, skip: int) -> Tensor:
    first, tokens = first_kept(cu_seqlens, skip), len(hidden_states)
    before = first.repeat_interleave(cu_seqlens.diff(), output_size=tokens)
    weights = torch.arange(1, tokens + 1, device=first.device) - before
    weighted = hidden_states.float() * weights[:, None]
    kept = cu_seqlens[1:] - first
    sums = reduce_kept(weighted, cu_seqlens, skip, "sum")
    return sums / (kept * (kept + 1) / 2)[:, None]


def _max(hidden_states: Tensor, cu_seqlens: Tensor, skip: int) -> Tensor:
    return reduce_kept(hidden_states.float(), cu_seqlens, skip, "max")


def _first(hidden_states: Tensor, cu_seqlens: Tensor, skip: int) -> Tensor:
    return hidden_states[first_kept(cu_seqlens, skip)].float()


def _last(hidden_states: Tensor, cu_seqlens: Tensor, _: int) -> Tensor:
    return hidden_states[cu_seqlens[1:].long() - 1].float()


DEVICE_POOLINGS: dict[str, DevicePooling] = {
    "mean": _mean,
    "cls": _first,
    "max": _max,
    "last": _last,
    "weighted_mean": _weighted_mean,
    "mean_sqrt_len": _mean_sqrt_len,
}
