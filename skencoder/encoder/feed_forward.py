"""The position-wise feed-forward block: each token on its own, plain or gated."""

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor, nn

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
}


class FeedForward(nn.Module):
    """Two linear maps with an activation between: ``W_2 act(W_1 h + b_1) + b_2``.

    Parameters
    ----------
    expand : nn.Linear
        From hidden to intermediate.
    contract : nn.Linear
        From intermediate to hidden.
    activation : {"gelu", "gelu_tanh", "relu", "silu"}
        Name of the activation; "gelu" is ``x (1 + erf(x / sqrt(2))) / 2``, "gelu_tanh" its
        approximation ``x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2``, "silu" is
        ``x / (1 + exp(-x))``.

    References
    ----------
    .. [1] Vaswani et al. (2017), Attention Is All You Need, arXiv:1706.03762, equation 2.
    .. [2] Hendrycks & Gimpel (2016), Gaussian Error Linear Units, arXiv:1606.08415.
    """

    def __init__(self, expand: nn.Linear, contract: nn.Linear, activation: str) -> None:
        super().__init__()
        self.expand: nn.Module = expand
        self.contract: nn.Module = contract
        self.activation_name = activation
        self.activation = ACTIVATIONS[activation]

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


class GatedFeedForward(nn.Module):
    """An activated map that gates a linear one: ``W_2 (act(W_g h) * W_1 h)``.

    GEGLU with a GELU, SwiGLU with a SiLU; biases where the maps have them.

    Parameters
    ----------
    gate : nn.Linear
        From hidden to intermediate, activated.
    expand : nn.Linear
        From hidden to intermediate, linear.
    contract : nn.Linear
        From intermediate to hidden.
    activation : {"gelu", "gelu_tanh", "relu", "silu"}
        Name of the activation.

    References
    ----------
    .. [1] Shazeer (2020), GLU Variants Improve Transformer, arXiv:2002.05202, equation 6.
    """

    def __init__(
        self, gate: nn.Linear, expand: nn.Linear, contract: nn.Linear, activation: str
    ) -> None:
        super().__init__()
        self.gate: nn.Module = gate
        self.expand: nn.Module = expand
        self.contract: nn.Module = contract
        self.activation_name = activation
        self.activation = ACTIVATIONS[activation]

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
        gated = self.activation(self.gate(hidden_states)) * self.expand(hidden_states)
        contracted: Tensor = self.contract(gated)
        return contracted
