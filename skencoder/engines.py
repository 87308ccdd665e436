"""How one device encodes a batch: each engine takes token ids and gives pooled vectors.

What a batch is, is decided in `encoding_pass`; what the encoder itself computes stands in
`skencoder.encoder`.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from skencoder.checkpoints import TransformersEncoder
from skencoder.devices import DTYPES
from skencoder.encoder import (
    Boundaries,
    BucketedEncoder,
    Encoder,
    Readout,
    StaticEncoder,
    can_prepack,
    fuse_for_gpu,
    pool,
    prepack,
    quantize,
    skip_tokens,
)
from skencoder.errors import DeviceError

AnyEncoder = Encoder | TransformersEncoder | StaticEncoder
# glibc learns from a freed block of up to 32 MiB that blocks below that size are worth keeping.
LARGEST_KEPT_BLOCK = 32 * 2**20 - 2**13
# The mean of a static model's one hidden state, by either of its names.
MEANS = {Readout(0), Readout(-1)}


class Engine(Protocol):
    """What encodes batches on one device."""

    def encode(
        self, input_ids: Tensor, lengths: Sequence[int], readouts: Sequence[Readout]
    ) -> list[Tensor]:
        """Encode a batch.

        Parameters
        ----------
        input_ids : int of shape (tokens,)
            Token ids on the host, texts packed end to end.
        lengths : sequence of int of shape (batch,)
            Tokens of each text.
        readouts : sequence of Readout
            What is wanted of the pass.

        Returns
        -------
        list of float32 tensors of shape (batch, hidden * n_poolings)
            One per readout, on the device.
        """


@dataclass(frozen=True)
class DirectEngine:
    """Runs the encoder as it is, pools afterwards.

    Parameters
    ----------
    encoder : Encoder, TransformersEncoder or StaticEncoder
        On its device.
    """

    encoder: AnyEncoder

    def encode(
        self, input_ids: Tensor, lengths: Sequence[int], readouts: Sequence[Readout]
    ) -> list[Tensor]:
        """Encode a batch.

        Parameters
        ----------
        input_ids : int of shape (tokens,)
            Token ids on the host, texts packed end to end.
        lengths : sequence of int of shape (batch,)
            Tokens of each text.
        readouts : sequence of Readout
            What is wanted of the pass.

        Returns
        -------
        list of float32 tensors of shape (batch, hidden * n_poolings)
            One per readout, on the device.
        """
        device = next(self.encoder.parameters()).device
        input_ids, boundaries = input_ids.to(device), Boundaries.from_lengths(lengths, device)
        if isinstance(self.encoder, StaticEncoder) and set(readouts) <= MEANS:
            # Averages rows of its table without writing them down one by one.
            mean = self.encoder.mean_packed(input_ids, boundaries.cu_seqlens)
            return [mean] * len(readouts)
        layers = {readout.layer for readout in readouts}
        states = self._hidden_states(input_ids, boundaries, layers)
        return [
            _pool(states[readout.layer], boundaries.cu_seqlens, readout) for readout in readouts
        ]

    def _hidden_states(
        self, input_ids: Tensor, boundaries: Boundaries, layers: set[int]
    ) -> Mapping[int, Tensor]:
        if len(layers) == 1 or isinstance(self.encoder, TransformersEncoder):
            forward = self.encoder.forward_packed
            return {layer: forward(input_ids, boundaries, layer=layer) for layer in layers}
        traced = self.encoder.trace_packed(input_ids, boundaries, attention=False)
        states = traced.hidden_states or ()
        return {layer: states[layer] for layer in layers}


def _pool(hidden_states: Tensor, cu_seqlens: Tensor, readout: Readout) -> Tensor:
    if readout.skip:
        hidden_states, cu_seqlens = skip_tokens(hidden_states, cu_seqlens, readout.skip)
    return pool(hidden_states, cu_seqlens, readout.poolings)


@dataclass(frozen=True)
class Worker:
    """One device and what is on it.

    Parameters
    ----------
    device : torch.device
        Where it computes.
    encoder : Encoder, TransformersEncoder or StaticEncoder
        On the device, in the precision asked for.
    engine : Engine
        Runs the encoder.
    projection : nn.Sequential or None
        Linear maps of the checkpoint's authors after pooling, float32 on the device.
    """

    device: torch.device
    encoder: AnyEncoder
    engine: Engine
    projection: nn.Sequential | None


def hire_workers(
    encoder: AnyEncoder,
    projection: nn.Sequential | None,
    devices: Sequence[torch.device],
    precision: str,
) -> list[Worker]:
    """Put an encoder on devices, a copy on each.

    Parameters
    ----------
    encoder : Encoder, TransformersEncoder or StaticEncoder
        Float32 on the CPU; the first device takes it as it is.
    projection : nn.Sequential or None
        Float32 on the CPU.
    devices : sequence of torch.device
        At least one.
    precision : str
        A key of `skencoder.devices.DTYPES`.

    Returns
    -------
    list of Worker
        One per device.

    Raises
    ------
    DeviceError
        If the encoder cannot compute in this precision.
    """
    if any(device.type == "cpu" for device in devices):
        keep_freed_memory()
    copies = [(encoder, projection), *(deepcopy((encoder, projection)) for _ in devices[1:])]
    return [_hire(copy, device, precision) for copy, device in zip(copies, devices, strict=True)]


def _hire(
    parts: tuple[AnyEncoder, nn.Sequential | None], device: torch.device, precision: str
) -> Worker:
    encoder = _prepare(parts[0], device, precision)
    projection = parts[1] and parts[1].to(device)
    return Worker(device, encoder, _engine_for(encoder, device), projection)


def _prepare(encoder: AnyEncoder, device: torch.device, precision: str) -> AnyEncoder:
    """Move an encoder to a device and exchange its parts for those that are fast there."""
    dtype = DTYPES[precision]
    if precision == "int8" and not isinstance(encoder, Encoder):
        raise DeviceError(
            "precision='int8' is there for this package's own encoder only; this checkpoint is "
            "computed otherwise. Take 'bfloat16' or 'float32'."
        )
    if isinstance(encoder, TransformersEncoder):
        encoder.to_precision(dtype)
        return encoder.to(device)
    encoder = encoder.to(device=device, dtype=dtype)
    if isinstance(encoder, StaticEncoder):
        return encoder
    if precision == "int8":
        return quantize(encoder)
    if device.type == "cuda":
        return fuse_for_gpu(encoder)
    return prepack(encoder) if device.type == "cpu" and can_prepack(dtype) else encoder


def _engine_for(encoder: AnyEncoder, device: torch.device) -> Engine:
    if isinstance(encoder, Encoder) and device.type == "cuda":
        return BucketedEncoder(encoder)
    return DirectEngine(encoder)


def keep_freed_memory() -> None:
    """Let the C library keep freed blocks for the next batch instead of giving them back.

    It gives large blocks back to the system at once, and the system clears each page again when
    it is next touched: up to a quarter of a batch's time. Nothing is written to the block.
    """
    torch.empty(LARGEST_KEPT_BLOCK, dtype=torch.uint8)
