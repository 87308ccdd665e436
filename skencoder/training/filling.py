"""Few sizes for many batches: rows that nobody asked for fill a pass up.

On a CPU oneDNN makes the kernels of a multiplication in bfloat16 anew for each number of rows, and
keeps them: 9 multiplications of 0.65 MB each, and batches drawn by chance hardly ever have as many
tokens as one before. Filling is made of texts of one token: attention to them costs next to nothing,
no other text sees them, and since nothing is asked of their vectors, they have no gradient.
"""

import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor

from skencoder.encoder import Boundaries, round_up
from skencoder.training.batches import PackedTexts

# Sizes from one power of two to the next.
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
