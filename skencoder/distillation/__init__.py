"""A loaded model becomes a smaller or faster one.

Static models are made in `static`: their vectors in `token_vectors` and `weighting`, their
tokenizer in `vocabulary`. What they compute stands in `skencoder.encoder`.
"""

from skencoder.distillation.static import distill_static

__all__ = ["distill_static"]
