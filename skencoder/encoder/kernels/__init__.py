"""Steps of an encoder as single kernels for a GPU, each with its twin in plain torch.

Reading order: inputs, plain (the twins, which say what is computed), choice (which of the two),
then row_norms, pooling and short_attention, which need Triton and are loaded by choice only.
Where in an encoder they stand is said elsewhere (`skencoder.encoder.fused`).
"""

from skencoder.encoder.kernels.choice import PLAIN, Kernels, kernels_for, triton_is_there
from skencoder.encoder.kernels.inputs import (
    LONGEST_SHORT,
    WIDEST_SHORT_HEAD,
    Lookup,
    Norm,
    Sight,
)
from skencoder.encoder.kernels.plain import first_kept, reduce_kept

__all__ = [
    "LONGEST_SHORT",
    "PLAIN",
    "WIDEST_SHORT_HEAD",
    "Kernels",
    "Lookup",
    "Norm",
    "Sight",
    "first_kept",
    "kernels_for",
    "reduce_kept",
    "triton_is_there",
]
