"""The position-wise feed-forward block: each token on its own."""

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor, nn

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
}


class FeedForward(nn.Module):
    """Two linear maps with an activation between: ``W_2 act(W_1 h + b_1) + b_2``.

    Parameters
    ----------
    hidden_size : int
        Width of a token vector.
    intermediate_size : int
        Width between the two maps.
    activation : {"gelu", "gelu_tanh", "relu"}
        Name of the activation.

    References
    ----------
    .. [1] Vaswani et al. (2017), Attention Is All You Need, arXiv:1706.03762, equation 2.
    .. [2] Hendrycks & Gimpel (2016), Gaussian Error Linear Units, arXiv:1606.08415.
    """

    def __init__(self, hidden_size: int, intermediate_size: int, activation: str) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        self.expand: nn.Module = nn.Linear(hidden_size, intermediate_size)
        self.contract = nn.Linear(intermediate_size, hidden_size)

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Transform every token vector by the same map.

        Parameters
        ----------
        hidden_states : float of shape (tokens, hidden)
            One vector per token.

        Returns
        -------
        float of shape (tokens, hidden)
            One vector per token.
        """
        contracted: Tensor = self.contract(self.activation(self.expand(hidden_states)))
        return contracted
