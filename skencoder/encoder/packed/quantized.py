"""Linear maps that multiply 8-bit integers: a quarter of the bytes, twice bfloat16's rate.

Weights have one scale per output channel, activations a scale and an offset per token, so that a
text's vector does not depend on its neighbours and no calibration data are needed. Attention is
not quantized.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skencoder.encoder.feed_forward import ACTIVATIONS
from skencoder.encoder.packed.maps import EXPECTED_TOKENS, join

# The largest integer of a weight, on both sides of 0, and of an activation.
LARGEST, LARGEST_BYTE = 127, 255
# Scale of a row of zeros.
TINY = 1e-30


class QuantizedMap:
    """``act(s_x s_w (q_x q_w) + m sum(w) + b)`` with ``q_x = round((x - m) / s_x)``.

    ``m = min(x)`` and ``s_x = (max(x) - m) / 255`` of each row; ``q_w = round(w / s_w)`` with
    ``s_w = max|w| / 127`` of each output channel, and ``w`` as it is after rounding.

    Parameters
    ----------
    linears : sequence of nn.Linear
        With the same input, float32; their outputs are put side by side.
    activation : {"gelu", "gelu_tanh", "relu", "silu"} or None, default=None
        What is applied to the result, without a residual.

    References
    ----------
    .. [1] Dettmers et al. (2022), LLM.int8(), arXiv:2208.07339, section 2.1 (vector-wise
       quantization, with and without offsets).
    """

    def __init__(self, linears: Sequence[nn.Linear], activation: str | None = None) -> None:
        weight, self.bias = join(linears)
        self.scales = weight.abs().amax(1).clamp_(min=TINY) / LARGEST
        integers = (weight / self.scales[:, None]).round()
        self.sums = integers.sum(1) * self.scales
        shape = [EXPECTED_TOKENS, weight.shape[1]]
        self.weight = torch.ops.onednn.qlinear_prepack(integers.to(torch.int8), shape)
        self.zero_points = torch.zeros(len(weight), dtype=torch.int32)
        self.activate = ACTIVATIONS[activation] if activation else None

    def __call__(self, vectors: Tensor) -> Tensor:
        """Map every row.

        Parameters
        ----------
        vectors : float of shape (tokens, in_features)
            Any precision.

        Returns
        -------
        float32 of shape (tokens, out_features)
            Activated.
        """
        mapped = self._multiply(vectors.float())
        return mapped if self.activate is None else self.activate(mapped)

    def add(self, vectors: Tensor, residual: Tensor) -> Tensor:
        """Map every row and add another.

        Parameters
        ----------
        vectors : float of shape (tokens, in_features)
            Any precision.
        residual : float32 of shape (tokens, out_features)
            Not changed.

        Returns
        -------
        float32 of shape (tokens, out_features)
            The sum.
        """
        return self._multiply(vectors.float()).add_(residual)

    def _multiply(self, vectors: Tensor) -> Tensor:
        integers, steps, least = quantize_rows(vectors)
        products: Tensor = _multiply_integers(integers, self.weight, self.scales, self.zero_points)
        # Written over the products, which nobody else sees: memory is what limits these passes.
        if self.bias is None:
            products.mul_(steps)
        else:
            torch.addcmul(self.bias, products, steps, out=products)
        return products.addcmul_(self.sums, least)


def quantize_rows(vectors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Round each row to bytes between its least and its largest number.

    The kernel is the one that embedding tables are stored with: it finds the ends and rounds in
    one pass, where steps of torch's own take six.

    Parameters
    ----------
    vectors : float32 of shape (tokens, width)
        Finite.

    Returns
    -------
    integers : uint8 of shape (tokens, width)
        ``x`` is about ``integer * step + least``.
    steps : float32 of shape (tokens, 1)
        A 255th of the way from the least to the largest.
    least : float32 of shape (tokens, 1)
        What a byte of 0 stands for.
    """
    # Each row is followed by two float32 numbers.
    width = vectors.shape[1]
    rows: Tensor = torch.ops.quantized.embedding_bag_byte_prepack(vectors)
    steps, least = rows[:, width:].contiguous().view(torch.float32).split(1, dim=1)
    return rows[:, :width], steps, least


def _multiply_integers(
    integers: Tensor, weight: Tensor, scales: Tensor, zero_points: Tensor
) -> Tensor:
    products: Tensor = torch.ops.onednn.qlinear_pointwise(
        integers, 1.0, 0, weight, scales, zero_points, None,
        1.0, 0, torch.float32, "none", [], "",
    )  # fmt: skip
    return products


def why_not_int8() -> str | None:
    """Say why this torch or this CPU cannot multiply 8-bit integers.

    The kernels are tried on the largest integers, because a CPU without the dot-product
    instructions adds neighbours in 16 bits and lets them overflow in silence.

    Returns
    -------
    str or None
        The reason; None where it can.
    """
    if not torch.backends.mkldnn.is_available():
        return "this torch was built without oneDNN"
    rounds = hasattr(torch.ops.quantized, "embedding_bag_byte_prepack")
    if not rounds or not hasattr(torch.ops.onednn, "qlinear_pointwise"):
        return f"torch {torch.__version__} has no 8-bit linear map for this CPU"
    try:
        products = _try_extremes()
    except RuntimeError as error:
        return f"the 8-bit kernels refuse this CPU ({str(error).splitlines()[0]})"
    if not torch.equal(products, torch.full_like(products, 64.0 * LARGEST_BYTE * LARGEST)):
        return "this CPU has no exact 8-bit dot product (AVX512-VNNI, AVX-VNNI or AMX)"
    return None


def _try_extremes() -> Tensor:
    largest = torch.full((16, 64), LARGEST, dtype=torch.int8)
    weight = torch.ops.onednn.qlinear_prepack(largest, [16, 64])
    integers = torch.full((16, 64), LARGEST_BYTE, dtype=torch.uint8)
    return _multiply_integers(integers, weight, torch.ones(16), torch.zeros(16, dtype=torch.int32))
