"""What matrix multiplication alone reaches on this machine: the limit that engines are held to.

It is measured between the engines of the same run, in each round, with the same threads.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor

from .speed_model import ModelFacts

TOKENS = 2048  # a batch
SQUARE = 2048
MAX_WEIGHTS = 24  # linear maps of the model that are multiplied in turn
TRIALS = 3
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

Multiply = Callable[[], Any]
# From a batch and a weight to something to call, or an error where torch cannot.
Path = Callable[[Tensor, Tensor], Multiply]


@dataclass(frozen=True)
class GemmProbe:
    """Multiplications of one precision on one set of shapes, ready to be timed.

    Parameters
    ----------
    path : str
        The fastest of torch's ways to do them here.
    operations : float
        Multiplications and additions of one call.
    run : callable
        Does them all once.
    """

    path: str
    operations: float
    run: Callable[[], None]


def _plain(batch: Tensor, weight: Tensor) -> Multiply:
    return partial(F.linear, batch, weight)


def _prepacked(batch: Tensor, weight: Tensor) -> Multiply:
    packed = torch.ops.mkldnn._reorder_linear_weight(weight, batch.shape[0])
    run = torch.ops.mkldnn._linear_pointwise
    return partial(run, batch, packed, None, "none", [], "")


def _int_mm(batch: Tensor, weight: Tensor) -> Multiply:
    return partial(torch._int_mm, batch, weight.T)


def _int_mm_contiguous(batch: Tensor, weight: Tensor) -> Multiply:
    return partial(torch._int_mm, batch, weight.T.contiguous())


def _qlinear(batch: Tensor, weight: Tensor) -> Multiply:
    packed = torch.ops.onednn.qlinear_prepack(weight, list(batch.shape))
    scales = torch.ones(weight.shape[0])
    zeros = torch.zeros(weight.shape[0], dtype=torch.int64)
    shifted = (batch.to(torch.int16) + 128).to(torch.uint8)
    return partial(
        torch.ops.onednn.qlinear_pointwise, shifted, 1.0, 128, packed, scales, zeros, None,
        1.0, 0, torch.bfloat16, "none", [], "",
    )  # fmt: skip


PATHS: dict[str, dict[str, Path]] = {
    "float32": {"linear": _plain, "oneDNN prepacked": _prepacked},
    "bfloat16": {"linear": _plain, "oneDNN prepacked": _prepacked},
    "int8": {
        "_int_mm": _int_mm,
        "_int_mm, weights turned": _int_mm_contiguous,
        "oneDNN qlinear": _qlinear,
    },
}


def model_shapes(facts: ModelFacts) -> list[tuple[int, int, int]]:
    """List the multiplications of a batch of 2,048 tokens.

    Parameters
    ----------
    facts : ModelFacts
        Of the model.

    Returns
    -------
    list of (tokens, inputs, outputs)
        Of the linear maps of the first layers.
    """
    return [(TOKENS, inputs, outputs) for inputs, outputs in facts.linears[:MAX_WEIGHTS]]


def square_shapes() -> list[tuple[int, int, int]]:
    """List one large square multiplication.

    Returns
    -------
    list of (rows, inputs, outputs)
        A single entry.
    """
    return [(SQUARE, SQUARE, SQUARE)]


def make_probe(
    precision: str, shapes: list[tuple[int, int, int]], *, device: str = "cpu"
) -> GemmProbe | None:
    """Find torch's fastest way to multiply some shapes in a precision.

    Parameters
    ----------
    precision : str
        ``"float32"``, ``"bfloat16"`` or ``"int8"``.
    shapes : list of (rows, inputs, outputs)
        At least one; each with a weight of its own.
    device : str, default="cpu"
        Where.

    Returns
    -------
    GemmProbe or None
        None where torch has no way.
    """
    probes = {}
    for name, path in PATHS[precision].items():
        try:
            calls = [path(*_matrices(shape, precision, device)) for shape in shapes]
            probes[name] = partial(_run_all, calls, device)
            probes[name]()
        except (RuntimeError, AttributeError, NotImplementedError, TypeError):
            # This torch, processor or device has no such kernel.
            probes.pop(name, None)
    if not probes:
        return None
    best = min(probes, key=lambda name: min(_seconds(probes[name]) for _ in range(TRIALS)))
    operations = float(sum(2 * rows * inputs * outputs for rows, inputs, outputs in shapes))
    return GemmProbe(best, operations, probes[best])


def _matrices(shape: tuple[int, int, int], precision: str, device: str) -> tuple[Tensor, Tensor]:
    rows, inputs, outputs = shape
    if precision == "int8":
        make = partial(torch.randint, -127, 128, dtype=torch.int8, device=device)
        return make((rows, inputs)), make((outputs, inputs))
    dtype = DTYPES[precision]
    batch = torch.randn(rows, inputs, device=device, dtype=dtype)
    return batch, torch.randn(outputs, inputs, device=device, dtype=dtype)


@torch.inference_mode()
def _run_all(calls: list[Multiply], device: str) -> None:
    for call in calls:
        call()
    if device != "cpu":
        torch.cuda.synchronize()


def _seconds(run: Callable[[], None]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
