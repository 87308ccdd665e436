"""What attention has to know beside the vectors: who sees whom, and how distance counts.

Made once per batch and shared by all layers. How positions fill it stands in positions.py.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from skencoder.encoder.packing import Boundaries

Rotation = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Scope:
    """What the layers of one kind look at in one packed batch.

    Parameters
    ----------
    boundaries : Boundaries
        Where each text begins; no token sees another text.
    window : int or None, default=None
        Tokens further apart than this do not see each other; None is the whole text.
    rotation : pair of float32 tensors of shape (tokens, 1, turned / 2), or None, default=None
        Cosine and sine of each token's angles, for rotary positions.
    bias : float tensor of shape (heads, longest, longest) or None, default=None
        Added to the scores of every text; a shorter text takes the top left corner.
    """

    boundaries: Boundaries
    window: int | None = None
    rotation: Rotation | None = None
    bias: Tensor | None = None

    def rotate(self, vectors: Tensor) -> Tensor:
        """Turn pairs of dimensions by each token's angles; the rest stays.

        ``(x, y) -> (x cos a - y sin a, y cos a + x sin a)``. The source pairs neighbours;
        published encoders pair the two halves of the turned dimensions, which is the same network
        with its dimensions in another order.

        Parameters
        ----------
        vectors : float of shape (tokens, heads, head_dim)
            Queries or keys.

        Returns
        -------
        float of shape (tokens, heads, head_dim)
            The same where there is no rotation.

        References
        ----------
        .. [1] Su et al. (2021), RoFormer, arXiv:2104.09864, equation 34.
        """
        if self.rotation is None:
            return vectors
        cosine, sine = self.rotation
        half = cosine.shape[-1]
        x, y, rest = vectors.tensor_split((half, 2 * half), dim=-1)
        # cos and sin are float32, so that half precision is rounded once, at the end.
        turned = torch.cat((x * cosine - y * sine, y * cosine + x * sine), dim=-1)
        return torch.cat((turned.to(vectors.dtype), rest), dim=-1)

    def mask(self, sequence: int) -> Tensor | None:
        """Say which tokens of one text see each other.

        Parameters
        ----------
        sequence : int
            Length of the text, in tokens.

        Returns
        -------
        bool of shape (sequence, sequence), or None
            True where they do; None where all do.
        """
        if self.window is None or sequence <= self.window + 1:
            return None
        places = torch.arange(sequence, device=self.boundaries.cu_seqlens.device)
        return near(places, places, self.window)


def near(query_places: Tensor, key_places: Tensor, window: int) -> Tensor:
    """Compare distances with a window, ``|i - j| <= window``; the source's is both sides of it.

    Parameters
    ----------
    query_places, key_places : int of shape (queries,) and (keys,)
        Places in the text, in tokens.
    window : int
        Largest distance, in tokens.

    Returns
    -------
    bool of shape (queries, keys)
        True where query and key see each other.

    References
    ----------
    .. [1] Beltagy et al. (2020), Longformer, arXiv:2004.05150, section 3.1.
    """
    return (query_places[:, None] - key_places).abs() <= window
