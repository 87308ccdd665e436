"""How a token knows its place: a vector per position, learned or computed, added at the input."""

import torch
from torch import Tensor, nn


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


def learned_positions(num_positions: int, hidden_size: int) -> nn.Embedding:
    """Make a trained vector per position (Devlin et al. 2019, arXiv:1810.04805).

    Parameters
    ----------
    num_positions : int
        Rows of the table.
    hidden_size : int
        Width of a vector.

    Returns
    -------
    nn.Embedding
        Called with int ``position_ids`` of shape (tokens,); gives (tokens, hidden). Its weights
        are not initialised yet.
    """
    return empty_table(num_positions, hidden_size)


class SinusoidalPositions(nn.Module):
    """Fixed waves of geometrically growing length (Vaswani et al. 2017, section 3.5).

    ``PE(pos, 2i) = sin(pos / 10000^(2i/d))`` and ``PE(pos, 2i+1) = cos(pos / 10000^(2i/d))``.

    Parameters
    ----------
    num_positions : int
        Positions in the table.
    hidden_size : int
        Width d of a vector.

    References
    ----------
    .. [1] Vaswani et al. (2017), Attention Is All You Need, arXiv:1706.03762.
    """

    table: Tensor

    def __init__(self, num_positions: int, hidden_size: int) -> None:
        super().__init__()
        table = sinusoidal_table(num_positions, hidden_size)
        self.register_buffer("table", table, persistent=False)

    def forward(self, position_ids: Tensor) -> Tensor:
        """Look the waves up.

        Parameters
        ----------
        position_ids : int of shape (tokens,)
            Place of each token in its text, counted from 0.

        Returns
        -------
        float of shape (tokens, hidden)
            One vector per token.
        """
        return self.table[position_ids]


def sinusoidal_table(num_positions: int, hidden_size: int) -> Tensor:
    """Compute the sines and cosines of every position.

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
    """
    # In float64: a float32 angle of some thousand radians has lost digits that the sine needs.
    positions = torch.arange(num_positions, dtype=torch.float64, device="cpu")[:, None]
    even = torch.arange(0, hidden_size, 2, dtype=torch.float64, device="cpu")
    angles = positions / 10000 ** (even / hidden_size)
    table = torch.empty(num_positions, hidden_size, dtype=torch.float64, device="cpu")
    table[:, 0::2] = angles.sin()
    table[:, 1::2] = angles.cos()[:, : hidden_size // 2]
    return table.float()
