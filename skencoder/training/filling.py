"""Few sizes for many passes: rows that nobody asked for fill them up.

On a CPU oneDNN makes the kernels of a product in bfloat16 anew for each number of rows and keeps
them, about 0.7 MB each. A model's maps, forward and backward, are nine products, and batches
drawn by chance hardly ever have as many tokens as one before: memory grew with every fit.
Filling is made of texts of one token. Attention to them costs next to nothing, no other text sees
them, and as nothing is asked of their vectors, they add nothing to a gradient.
"""

import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor

from skencoder.encoder import Boundaries
from skencoder.encoder.buckets import round_up
from skencoder.training.batches import PackedTexts

# Sizes from one power of two to the next: fewer make fewer kernels and more filling.
STEPS = 8


def fill_texts(texts: PackedTexts) -> PackedTexts:
    """Put texts of one token behind a pass, up to one of a few numbers of tokens.

    Parameters
    ----------
    texts : PackedTexts
        On the host.

    Returns
    -------
    PackedTexts
        The same, and behind them up to an eighth more.
    """
    tokens = len(texts.input_ids)
    missing = round_up(tokens, STEPS) - tokens
    lengths = [*texts.boundaries.lengths.tolist(), *[1] * missing]
    return PackedTexts(F.pad(texts.input_ids, (0, missing)), Boundaries.from_lengths(lengths))


def fill_places(places: Tensor) -> Tensor:
    """Put the first token's place behind places, up to one of a few numbers of them.

    Parameters
    ----------
    places : int64 of shape (n_places,)
        Which tokens, at least one.

    Returns
    -------
    int64 of shape (n_filled,)
        The same, and behind them up to an eighth more.
    """
    return F.pad(places, (0, round_up(len(places), STEPS) - len(places)))
