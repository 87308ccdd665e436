"""The same encoder with its weights laid out once for the matrix kernels of a CPU (oneDNN).

Reading order: maps, quantized, sublayers, prepack. It serves inference only; how the parts
compute without it stands one folder up.
"""

from skencoder.encoder.packed.maps import PackedMap, can_prepack
from skencoder.encoder.packed.prepack import is_packed, plain_state, prepack, quantize
from skencoder.encoder.packed.quantized import QuantizedMap, why_not_int8

__all__ = [
    "PackedMap",
    "QuantizedMap",
    "can_prepack",
    "is_packed",
    "plain_state",
    "prepack",
    "quantize",
    "why_not_int8",
]
