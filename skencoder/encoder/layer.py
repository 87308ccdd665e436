"""One layer: two sublayers, each with a residual connection and a norm around it."""

from typing import Any

from torch import Tensor, nn

from skencoder.encoder.packing import Boundaries


class PostNorm(nn.Module):
    """The original residual: ``norm(h + sublayer(h))``.

    Parameters
    ----------
    sublayer : nn.Module
        Attention or feed-forward, (tokens, hidden) to (tokens, hidden).
    norm : nn.Module
        Layer norm of width hidden.

    References
    ----------
    .. [1] Vaswani et al. (2017), Attention Is All You Need, arXiv:1706.03762, section 3.1.
    """

    def __init__(self, sublayer: nn.Module, norm: nn.Module) -> None:
        super().__init__()
        self.sublayer = sublayer
        self.norm = norm

    def forward(self, hidden_states: Tensor, *context: Any) -> Tensor:
        """Run the sublayer, add what came in, normalise.

        Parameters
        ----------
        hidden_states : float of shape (tokens, hidden)
            One vector per token.
        *context : object
            What else the sublayer takes.

        Returns
        -------
        float of shape (tokens, hidden)
            One vector per token.
        """
        normed: Tensor = self.norm(hidden_states + self.sublayer(hidden_states, *context))
        return normed


class PreNorm(nn.Module):
    """The residual that trains without warm-up: ``h + sublayer(norm(h))``.

    Parameters
    ----------
    sublayer : nn.Module
        Attention or feed-forward, (tokens, hidden) to (tokens, hidden).
    norm : nn.Module
        Layer norm of width hidden.

    References
    ----------
    .. [1] Xiong et al. (2020), On Layer Normalization in the Transformer Architecture,
       arXiv:2002.04745.
    """

    def __init__(self, sublayer: nn.Module, norm: nn.Module) -> None:
        super().__init__()
        self.sublayer = sublayer
        self.norm = norm

    def forward(self, hidden_states: Tensor, *context: Any) -> Tensor:
        """Normalise, run the sublayer, add what came in.

        Parameters
        ----------
        hidden_states : float of shape (tokens, hidden)
            One vector per token.
        *context : object
            What else the sublayer takes.

        Returns
        -------
        float of shape (tokens, hidden)
            One vector per token.
        """
        added: Tensor = self.sublayer(self.norm(hidden_states), *context)
        return hidden_states + added


class EncoderLayer(nn.Module):
    """Attention between the tokens of a text, then feed-forward on each token.

    Parameters
    ----------
    attention : nn.Module
        Self-attention in its residual; called with (hidden_states, boundaries).
    feed_forward : nn.Module
        Feed-forward in its residual; called with hidden_states.
    """

    def __init__(self, attention: nn.Module, feed_forward: nn.Module) -> None:
        super().__init__()
        self.attention = attention
        self.feed_forward = feed_forward

    def forward(self, hidden_states: Tensor, boundaries: Boundaries) -> Tensor:
        """Pass a packed batch through the layer.

        Parameters
        ----------
        hidden_states : float of shape (tokens, hidden)
            Texts packed end to end.
        boundaries : Boundaries
            Where each text begins.

        Returns
        -------
        float of shape (tokens, hidden)
            Input of the next layer.
        """
        output: Tensor = self.feed_forward(self.attention(hidden_states, boundaries))
        return output
