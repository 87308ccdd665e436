"""Linear maps that multiply 8-bit integers: a quarter of the bytes, twice bfloat16's rate.

Weights have one scale per output channel, activations one per token, so that a text's vector does
not depend on its neighbours and no calibration data are needed. Attention is not quantized.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skencoder.encoder.feed_forward import ACTIVATIONS
from skencoder.encoder.packed.maps import EXPECTED_TOKENS, join

# The largest integer of a weight or activation, on both sides of 0.
LARGEST = 127
# The kernels multiply unsigned by signed bytes; this byte stands for an activation of 0.
ZERO_POINT = 128
# Half a step, so that cutting the fraction off rounds to the nearest.
ROUNDED_ZERO = ZERO_POINT + 0.5
# Scale of a row of zeros.
TINY = 1e-30


class QuantizedMap:
    """``act(s_x s_w (q_x q_w) + b)`` with integers ``q = round(x / s)``, ``s = max|x| / 127``.

    Parameters
    ----------
    linears : sequence of nn.Linear
        With the same input, float32; their outputs are put side by side.
    activation : {"gelu", "gelu_tanh", "relu", "silu"} or None, default=None
        What is applied to the result, without a residual.

    References
    ----------
    .. [1] Dettmers et al. (2022), LLM.int8(), arXiv:2208.07339, section 2.1 (vector-wise
       quantization).
    """

    def __init__(self, linears: Sequence[nn.Linear], activation: str | None = None) -> None:
        weight, self.bias = join(linears)
        self.scales = weight.abs().amax(1).clamp_(min=TINY) / LARGEST
        integers = (weight / self.scales[:, None]).round().to(torch.int8)
        shape = [EXPECTED_TOKENS, weight.shape[1]]
        self.weight = torch.ops.onednn.qlinear_prepack(integers, shape)
        self.zero_points = torch.zeros(len(weight), dtype=torch.int32)
        # A whole row of it, because torch adds a single number outside its vector loop.
        self.rounded_zero = torch.full((weight.shape[1],), ROUNDED_ZERO)
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
        # Two reductions read less than absolute values that are written down first.
        most, least = vectors.amax(1, keepdim=True), vectors.amin(1, keepdim=True)
        largest = torch.maximum(most, -least).clamp_(min=TINY)
        shifted = torch.addcmul(self.rounded_zero, vectors, LARGEST / largest)
        # Straight from float to byte, torch converts one number at a time.
        integers = shifted.to(torch.int32).to(torch.uint8)
        products: Tensor = _multiply_integers(integers, self.weight, self.scales, self.zero_points)
        steps = largest / LARGEST
        if self.bias is None:
            return products.mul_(steps)
        return torch.addcmul(self.bias, products, steps, out=products)


def _multiply_integers(
    integers: Tensor, weight: Tensor, scales: Tensor, zero_points: Tensor
) -> Tensor:
    products: Tensor = torch.ops.onednn.qlinear_pointwise(
        integers, 1.0, ZERO_POINT, weight, scales, zero_points, None,
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
    if not hasattr(torch.ops.onednn, "qlinear_pointwise"):
        return f"torch {torch.__version__} has no 8-bit linear map for this CPU"
    try:
        products = _try_extremes()
    except RuntimeError as error:
        return f"the 8-bit kernels refuse this CPU ({str(error).splitlines()[0]})"
    if not torch.equal(products, torch.full_like(products, 64.0 * LARGEST * LARGEST)):
        return "this CPU has no exact 8-bit dot product (AVX512-VNNI, AVX-VNNI or AMX)"
    return None


def _try_extremes() -> Tensor:
    largest = torch.full((16, 64), LARGEST, dtype=torch.int8)
    weight = torch.ops.onednn.qlinear_prepack(largest, [16, 64])
    integers = torch.full((16, 64), ZERO_POINT + LARGEST, dtype=torch.uint8)
    return _multiply_integers(integers, weight, torch.ones(16), torch.zeros(16, dtype=torch.int32))
