"""Whole batches as CUDA graphs: all launches of a forward pass recorded once and replayed.

A small encoder's kernels take less time than the host needs to launch them one by one. A graph
has fixed shapes, so batches are filled up to buckets (buckets.py); what is pooled and how stands
in readout.py. Without a GPU the same code runs step by step.
"""

import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from skencoder.encoder.attention import SelfAttention
from skencoder.encoder.buckets import Bucket
from skencoder.encoder.fused import gpu_attention
from skencoder.encoder.packing import Boundaries
from skencoder.encoder.positions import AlibiPositions
from skencoder.encoder.readout import Readout, read_out
from skencoder.encoder.stack import Encoder, resolve_layer

# From what `Bucket.pack` gave to vectors.
Step = Callable[[Tensor], list[Tensor]]
# From a step and one input to the same step, recorded.
Capture = Callable[[Step, Tensor], Step]
Key = tuple[Bucket, tuple[Readout, ...]]
# Shapes that are remembered as seen, for each graph that may be kept.
SEEN_PER_GRAPH = 16


class BucketedEncoder:
    """An encoder that encodes batches in few shapes, and replays a shape that comes again.

    Threads may share it; they take turns. The encoder's weights may change in place, but not
    move: a graph reads them where they were.

    Parameters
    ----------
    encoder : Encoder
        On its device, in evaluation mode, its parts exchanged by `fuse_for_gpu`.
    most_graphs : int, default=64
        Graphs that are kept; the one used longest ago goes first.
    capture : callable, optional
        Records a step; CUDA graphs where the encoder is on a CUDA device, else nothing is
        recorded.

    Raises
    ------
    ValueError
        If the encoder's attention needs to know each text's length on the host.
    """

    def __init__(
        self, encoder: Encoder, *, most_graphs: int = 64, capture: Capture | None = None
    ) -> None:
        _check_attention(encoder)
        self.encoder = encoder
        self.most_graphs = most_graphs
        self._capture = capture or _capture_for(encoder)
        self._graphs: OrderedDict[Key, Step] = OrderedDict()
        self._seen: OrderedDict[Key, None] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def device(self) -> torch.device:
        """Where the encoder's weights are."""
        return self.encoder.embeddings.token.weight.device

    @torch.no_grad()
    def encode(
        self, input_ids: Tensor, lengths: Sequence[int], readouts: Sequence[Readout]
    ) -> list[Tensor]:
        """Encode texts packed end to end and pool them; the device is not waited for.

        Parameters
        ----------
        input_ids : int of shape (tokens,)
            Token ids on the host, below ``vocab_size``.
        lengths : sequence of int of shape (batch,)
            Tokens of each text, at least 1.
        readouts : sequence of Readout
            What is wanted of the pass.

        Returns
        -------
        list of float32 tensors of shape (batch, hidden * len(poolings))
            One for each of the readouts, on the encoder's device, not normalised.

        Raises
        ------
        ValueError
            If there is no text, a text has no token or more than the positions reach, or there
            is no such layer.
        """
        limit = self.encoder.config.max_position_embeddings
        if not lengths or min(lengths) < 1 or max(lengths) > limit:
            raise ValueError(
                f"Every text needs 1 to {limit} tokens; got lengths {list(lengths)[:10]}."
            )
        with self._lock:
            try:
                return self._encode(input_ids, lengths, tuple(readouts))
            except torch.OutOfMemoryError:
                if not self._graphs:
                    raise
                # The graphs' own memory may be what is missing; nothing is recorded again at once.
                self._graphs.clear()
                self._seen.clear()
            return self._encode(input_ids, lengths, tuple(readouts))

    def _encode(
        self, input_ids: Tensor, lengths: Sequence[int], readouts: tuple[Readout, ...]
    ) -> list[Tensor]:
        bucket = Bucket.around(lengths, self.encoder.config.max_position_embeddings)
        if bucket is None:
            boundaries = Boundaries.from_lengths(lengths, self.device)
            return self._compute(input_ids.to(self.device), boundaries, readouts)
        packed = bucket.pack(input_ids, lengths, pinned=self.device.type == "cuda")
        return [part[: len(lengths)] for part in self._step((bucket, readouts), packed)]

    def _step(self, key: Key, packed: Tensor) -> list[Tensor]:
        def step(packed: Tensor) -> list[Tensor]:
            input_ids, boundaries = key[0].unpack(packed)
            return self._compute(input_ids, boundaries, key[1])

        recorded = self._graphs.get(key)
        # A shape met for the first time may be the only one of its kind, and recording takes
        # longer than computing; that first time also readies what must not be recorded.
        if recorded is None and self._capture is not None and self._was_seen(key):
            recorded = self._record(self._capture, key, step, packed)
        if recorded is None:
            return step(packed.to(self.device, non_blocking=True))
        self._graphs.move_to_end(key)
        return recorded(packed)

    def _was_seen(self, key: Key) -> bool:
        seen = key in self._seen
        self._seen[key] = None
        self._seen.move_to_end(key)
        if len(self._seen) > SEEN_PER_GRAPH * self.most_graphs:
            self._seen.popitem(last=False)
        return seen

    def _record(self, capture: Capture, key: Key, step: Step, packed: Tensor) -> Step | None:
        # One goes before one comes, so that their memory is never needed at once.
        while len(self._graphs) >= self.most_graphs:
            gone, _ = self._graphs.popitem(last=False)
            self._seen.pop(gone, None)
        try:
            self._graphs[key] = capture(step, packed)
        except RuntimeError as error:
            self._capture = None
            self._graphs.clear()
            warnings.warn(
                f"This encoder goes on without CUDA graphs, with the same results; recording "
                f"{key[0]} failed: {error}",
                UserWarning,
                stacklevel=4,
            )
        return self._graphs.get(key)

    def _compute(
        self, input_ids: Tensor, boundaries: Boundaries, readouts: tuple[Readout, ...]
    ) -> list[Tensor]:
        depth = self.encoder.config.num_hidden_layers
        layers = [resolve_layer(readout.layer, depth) for readout in readouts]
        if len(set(layers)) == 1:
            last = self.encoder.forward_packed(input_ids, boundaries, layer=layers[0])
            states = {layers[0]: last}
        else:
            traced = self.encoder.trace_packed(input_ids, boundaries, attention=False)
            states = dict(enumerate(traced.hidden_states or ()))
        return [
            read_out(states[layer], boundaries.cu_seqlens, readout)
            for layer, readout in zip(layers, readouts, strict=True)
        ]


def _check_attention(encoder: Encoder) -> None:
    attentions = [m.attention for m in encoder.modules() if isinstance(m, SelfAttention)]
    if any(attention is not gpu_attention for attention in attentions):
        raise ValueError(
            "A bucket's texts have lengths that only the device knows, and this encoder's "
            "attention reads them on the host; call fuse_for_gpu(encoder) first."
        )


def _capture_for(encoder: Encoder) -> Capture | None:
    # Alibi's slopes are sent from the host in each pass, which cannot be recorded.
    sends = isinstance(encoder.attention_positions, AlibiPositions)
    device = encoder.embeddings.token.weight.device
    return None if sends or device.type != "cuda" else CudaGraphs(device)


class CudaGraphs:
    """Records steps on one CUDA device; all share one memory pool and run one after another.

    Parameters
    ----------
    device : torch.device
        A CUDA device.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.done = torch.cuda.Event()
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, step: Step, packed: Tensor) -> Step:
        """Record a step; it has run once before, outside.

        Parameters
        ----------
        step : callable
            From the packed input on the device to vectors.
        packed : int32 of shape (tokens + texts + 1,)
            One input, on the host.

        Returns
        -------
        callable
            From a packed input on the host to vectors of one's own.
        """
        graph = torch.cuda.CUDAGraph()
        static = packed.to(self.device)
        outputs = self._record(graph, step, static)

        def replay(packed: Tensor) -> list[Tensor]:
            with torch.cuda.device(self.device):
                stream = torch.cuda.current_stream()
                # Another thread's stream may still be reading what is about to be overwritten.
                stream.wait_event(self.done)
                static.copy_(packed, non_blocking=True)
                graph.replay()
                vectors = [output.clone() for output in outputs]
                self.done.record(stream)
            return vectors

        return replay

    def _record(self, graph: torch.cuda.CUDAGraph, step: Step, static: Tensor) -> list[Tensor]:
        with torch.cuda.device(self.device):
            before = torch.cuda.current_stream()
            # thread_local: other threads may allocate memory meanwhile.
            recording = torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local")
            try:
                with recording:
                    return step(static)
            finally:
                # torch leaves its own stream in place where recording fails.
                torch.cuda.set_stream(before)
