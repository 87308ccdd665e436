"""How a token knows its place: added at the input, or looked at inside attention.

Two kinds: modules of (input_ids, boundaries) that give a vector per token, and modules that fill
a `Scope` for attention.
"""

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from skencoder.encoder.config import Rotary
from skencoder.encoder.packing import Boundaries
from skencoder.encoder.scope import Scope


def empty_table(rows: int, columns: int) -> nn.Embedding:
    """Make a trainable table without drawing random numbers for what is set later anyway.

    Parameters
    ----------
    rows, columns : int
        Its shape.

    Returns
    -------
    nn.Embedding
        Its weights are not initialised yet.
    """
    weight = torch.empty(rows, columns)
    table: nn.Embedding = nn.Embedding.from_pretrained(weight, freeze=False)
    return table


class LearnedPositions(nn.Module):
    """A trained vector per position (Devlin et al. 2019, arXiv:1810.04805).

    Parameters
    ----------
    num_positions : int
        Longest text in tokens.
    hidden_size : int
        Width of a vector.
    pad_token_id : int or None, default=None
        Count from ``pad_token_id + 1`` and skip this token, as RoBERTa does (Liu et al. 2019,
        arXiv:1907.11692); None counts from 0.
    """

    def __init__(
        self, num_positions: int, hidden_size: int, pad_token_id: int | None = None
    ) -> None:
        super().__init__()
        self.pad_token_id = pad_token_id
        offset = 0 if pad_token_id is None else pad_token_id + 1
        self.table = empty_table(num_positions + offset, hidden_size)

    def forward(self, input_ids: Tensor, boundaries: Boundaries) -> Tensor:
        """Look the vectors up.

        Parameters
        ----------
        input_ids : int of shape (tokens,)
            Token ids, texts packed end to end.
        boundaries : Boundaries
            Where each text begins.

        Returns
        -------
        float of shape (tokens, hidden)
            One vector per token.
        """
        if self.pad_token_id is None:
            position_ids = boundaries.position_ids()
        else:
            position_ids = positions_after_padding(input_ids, boundaries, self.pad_token_id)
        vectors: Tensor = self.table(position_ids)
        return vectors


def positions_after_padding(
    input_ids: Tensor, boundaries: Boundaries, pad_token_id: int
) -> Tensor:
    """Count each text's tokens from ``pad_token_id + 1``; padding has position pad_token_id.

    ``pad + (tokens up to here that are not padding)``, or ``pad`` for padding itself, as
    RoBERTa's code does (Liu et al. 2019, arXiv:1907.11692).

    Parameters
    ----------
    input_ids : int of shape (tokens,)
        Token ids, texts packed end to end.
    boundaries : Boundaries
        Where each text begins.
    pad_token_id : int
        The token that is not counted; a text may hold it literally.

    Returns
    -------
    int of shape (tokens,)
        Rows of a table of learned positions.
    """
    counted = (input_ids != pad_token_id).int()
    up_to = counted.cumsum(0)
    before = (up_to - counted)[boundaries.cu_seqlens[:-1]]
    within = up_to - before.repeat_interleave(boundaries.lengths, output_size=len(input_ids))
    return within * counted + pad_token_id


class SinusoidalPositions(nn.Module):
    """Fixed waves of geometrically growing length (Vaswani et al. 2017, section 3.5).

    Parameters
    ----------
    num_positions : int
        Longest text in tokens.
    hidden_size : int
        Width of a vector.
    """

    table: Tensor

    def __init__(self, num_positions: int, hidden_size: int) -> None:
        super().__init__()
        table = sinusoidal_table(num_positions, hidden_size)
        self.register_buffer("table", table, persistent=False)

    def forward(self, input_ids: Tensor, boundaries: Boundaries) -> Tensor:
        """Look the waves up.

        Parameters
        ----------
        input_ids : int of shape (tokens,)
            Not looked at.
        boundaries : Boundaries
            Where each text begins.

        Returns
        -------
        float of shape (tokens, hidden)
            One vector per token.
        """
        return self.table[boundaries.position_ids()]


def sinusoidal_table(num_positions: int, hidden_size: int) -> Tensor:
    """Compute the sines and cosines of every position.

    ``PE(pos, 2i) = sin(pos / 10000^(2i/d))`` and ``PE(pos, 2i+1) = cos(pos / 10000^(2i/d))``.

    Parameters
    ----------
    num_positions : int
        Rows.
    hidden_size : int
        Columns d; an odd width ends with a sine.

    Returns
    -------
    float32 of shape (num_positions, hidden_size)
        Sines in the even columns, cosines in the odd ones.

    References
    ----------
    .. [1] Vaswani et al. (2017), Attention Is All You Need, arXiv:1706.03762, section 3.5.
    """
    # In float64: a float32 angle of some thousand radians has lost digits that the sine needs.
    positions = torch.arange(num_positions, dtype=torch.float64, device="cpu")[:, None]
    even = torch.arange(0, hidden_size, 2, dtype=torch.float64, device="cpu")
    angles = positions / 10000 ** (even / hidden_size)
    table = torch.empty(num_positions, hidden_size, dtype=torch.float64, device="cpu")
    table[:, 0::2] = angles.sin()
    table[:, 1::2] = angles.cos()[:, : hidden_size // 2]
    return table.float()


class RotaryPositions(nn.Module):
    """Queries and keys turned by an angle that grows with the position.

    Their product then depends on the distance only. Pair i of token m is turned by
    ``m theta^(-2i/d) / scale`` (Su et al. 2021, arXiv:2104.09864, equations 15 and 34; the scale
    is position interpolation, Chen et al. 2023, arXiv:2306.15595).

    Parameters
    ----------
    rotary : Rotary
        Base, turned dimensions and scale.
    head_dim : int
        Dimensions of a head.
    """

    def __init__(self, rotary: Rotary, head_dim: int) -> None:
        super().__init__()
        self.rotary = rotary
        self.dim = rotary.dim or head_dim

    def forward(self, scope: Scope) -> Scope:
        """Work the angles out for one batch.

        Parameters
        ----------
        scope : Scope
            Of layers with or without a window.

        Returns
        -------
        Scope
            With its rotation.
        """
        local_theta = None if scope.window is None else self.rotary.local_theta
        theta = local_theta or self.rotary.theta
        positions = scope.boundaries.position_ids()
        # In float32 and in this order, as the published models were trained.
        exponents = torch.arange(0, self.dim, 2, device=positions.device).float() / self.dim
        frequencies = 1.0 / theta**exponents / self.rotary.scale
        angles = (positions[:, None].float() * frequencies)[:, None]
        return replace(scope, rotation=(angles.cos(), angles.sin()))


class RelativePositions(nn.Module):
    """A trained number per head and bucket of distances, ``B_hij = t_h[bucket(j - i)]``.

    Parameters
    ----------
    num_buckets : int
        Numbers per head.
    max_distance : int
        From this distance on all share one bucket, in tokens.
    num_heads : int
        Heads.

    References
    ----------
    .. [1] Raffel et al. (2020), T5, arXiv:1910.10683, section 2.1.
    .. [2] Song et al. (2020), MPNet, arXiv:2004.09297.
    """

    def __init__(self, num_buckets: int, max_distance: int, num_heads: int) -> None:
        super().__init__()
        self.max_distance = max_distance
        self.table = empty_table(num_buckets, num_heads)

    def forward(self, scope: Scope) -> Scope:
        """Look the numbers up for the longest text of a batch.

        Parameters
        ----------
        scope : Scope
            Of one batch.

        Returns
        -------
        Scope
            With its bias.
        """
        longest = scope.boundaries.longest
        distances = torch.arange(1 - longest, longest, device=self.table.weight.device)
        buckets = distance_buckets(distances, self.table.num_embeddings, self.max_distance)
        return replace(scope, bias=_by_distance(self.table(buckets).T))


def distance_buckets(distances: Tensor, num_buckets: int, max_distance: int) -> Tensor:
    """Sort distances into buckets: each near one its own, far ones ever wider.

    Half of the buckets are for keys before the query, half for those after. Of each half h, the
    distances below h/2 have their own; distance n from there on has
    ``h/2 + floor(log(n / (h/2)) / log(max_distance / (h/2)) * h/2)``, at most h - 1.

    Parameters
    ----------
    distances : int of shape (n,)
        Key place minus query place, in tokens.
    num_buckets : int
        Buckets of both halves.
    max_distance : int
        Where the last bucket is reached, in tokens.

    Returns
    -------
    int of shape (n,)
        Bucket of each distance.

    References
    ----------
    .. [1] Raffel et al. (2020), T5, arXiv:1910.10683, section 2.1.
    """
    half = num_buckets // 2
    exact = half // 2
    size = distances.abs()
    # Distance 0 would be log 0; its bucket is an exact one.
    growth = torch.log(size.clamp(min=1).float() / exact) / math.log(max_distance / exact)
    far = (exact + (growth * (half - exact)).long()).clamp(max=half - 1)
    return torch.where(size < exact, size, far) + half * (distances > 0)


class AlibiPositions(nn.Module):
    """Scores minus a head's slope times the distance, ``B_hij = -m_h |i - j|``.

    Longer texts than in training are fine. The source looks back only; an encoder takes the
    distance to both sides.

    Parameters
    ----------
    num_heads : int
        Heads.

    References
    ----------
    .. [1] Press et al. (2022), Train Short, Test Long, arXiv:2108.12409, section 3.
    """

    def __init__(self, num_heads: int) -> None:
        super().__init__()
        self.slopes = alibi_slopes(num_heads)

    def forward(self, scope: Scope) -> Scope:
        """Work the penalties out for the longest text of a batch.

        Parameters
        ----------
        scope : Scope
            Of one batch.

        Returns
        -------
        Scope
            With its bias.
        """
        longest, device = scope.boundaries.longest, scope.boundaries.cu_seqlens.device
        distances = torch.arange(1 - longest, longest, device=device).abs()
        slopes = torch.tensor(self.slopes, device=device)
        return replace(scope, bias=_by_distance(-slopes[:, None] * distances))


def alibi_slopes(num_heads: int) -> list[float]:
    """Give each head its slope: ``2^(-8k/n)`` for head k = 1 ... n, n a power of two.

    Other numbers of heads take the slopes of the power below, then every other one of the power
    above.

    Parameters
    ----------
    num_heads : int
        Heads.

    Returns
    -------
    list of float of length num_heads
        Per token of distance.

    References
    ----------
    .. [1] Press et al. (2022), Train Short, Test Long, arXiv:2108.12409, section 3.
    """
    below = 2 ** int(math.log2(num_heads))
    slopes = [2 ** (-8 * k / below) for k in range(1, below + 1)]
    between = [2 ** (-8 * k / (2 * below)) for k in range(1, 2 * below + 1, 2)]
    return slopes + between[: num_heads - below]


def _by_distance(values: Tensor) -> Tensor:
    """Lay (heads, 2 n - 1) values by distance 1 - n ... n - 1 out as (heads, n, n)."""
    # Row k of the unfolded is values[k : k + n]; query i needs the one that begins at n - 1 - i.
    return values.unfold(-1, (values.shape[-1] + 1) // 2, 1).flip(1)
