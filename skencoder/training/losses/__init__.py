"""Losses as pure functions of tensors: no model, no state, no wait for the device.

`ranking` knows what belongs together, `similarity` how much, `distillation` a teacher's vectors,
`tokens` the masked tokens. All of them compute in float32, or in float64 where that came, also
within autocast. Where the vectors come from is the business of the objectives.
"""

from skencoder.training.losses.distillation import similarity_matrix_loss, vector_loss
from skencoder.training.losses.ranking import ranking_loss, supervised_contrastive_loss
from skencoder.training.losses.similarity import angle_loss, cosent_loss
from skencoder.training.losses.tokens import masked_token_loss

__all__ = [
    "angle_loss",
    "cosent_loss",
    "masked_token_loss",
    "ranking_loss",
    "similarity_matrix_loss",
    "supervised_contrastive_loss",
    "vector_loss",
]
