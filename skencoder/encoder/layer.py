"""One layer: two sublayers, each with a residual connection and a norm around it."""

from typing import Any, Protocol

from torch import Tensor, nn

from skencoder.encoder.scope import Scope


class Add(Protocol):
    """How a block's sublayer is run and its residual added: `add_apart` says it in full."""

    def __call__(
        self, block: "PostNorm | PreNorm", seen: Tensor, residual: Tensor, *context: Any
    ) -> Tensor:
        """Run the sublayer on what it sees and add the residual, both (tokens, hidden)."""


def add_apart(
    block: "PostNorm | PreNorm", seen: Tensor, residual: Tensor, *context: Any
) -> Tensor:
    """Run a block's sublayer, then add: ``residual + dropout(sublayer(seen))``.

    Parameters
    ----------
    block : PostNorm or PreNorm
        Whose sublayer.
    seen : float of shape (tokens, hidden)
        What the sublayer sees.
    residual : float of shape (tokens, hidden)
        What is added.
    *context : object
        What else the sublayer takes.

    Returns
    -------
    float of shape (tokens, hidden)
        The sum.
    """
    added: Tensor = block.dropout(block.sublayer(seen, *context))
    return residual + added


class PostNorm(nn.Module):
    """The original residual: ``norm(h + dropout(sublayer(h)))``.

    Parameters
    ----------
    sublayer : nn.Module
        Attention or feed-forward, (tokens, hidden) to (tokens, hidden).
    norm : nn.Module
        Norm of width hidden.
    dropout : float, default=0
        Part of the sublayer's output zeroed in training.

    References
    ----------
    .. [1] Vaswani et al. (2017), Attention Is All You Need, arXiv:1706.03762, sections 3.1
       and 5.4.
    """

    def __init__(self, sublayer: nn.Module, norm: nn.Module, dropout: float = 0.0) -> None:
        super().__init__()
        self.sublayer = sublayer
        self.norm = norm
        self.dropout = nn.Dropout(dropout)
        self.add: Add = add_apart

    def prepare(self, hidden_states: Tensor) -> Tensor:
        """Give what the sublayer sees.

        Parameters
        ----------
        hidden_states : float of shape (tokens, hidden)
            Input of the residual.

        Returns
        -------
        float of shape (tokens, hidden)
            The same.
        """
        return hidden_states

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
        normed: Tensor = self.norm(self.add(self, hidden_states, hidden_states, *context))
        return normed


class PreNorm(nn.Module):
    """The residual that trains without warm-up: ``h + dropout(sublayer(norm(h)))``.

    Parameters
    ----------
    sublayer : nn.Module
        Attention or feed-forward, (tokens, hidden) to (tokens, hidden).
    norm : nn.Module
        Norm of width hidden.
    dropout : float, default=0
        Part of the sublayer's output zeroed in training.

    References
    ----------
    .. [1] Xiong et al. (2020), On Layer Normalization in the Transformer Architecture,
       arXiv:2002.04745.
    """

    def __init__(self, sublayer: nn.Module, norm: nn.Module, dropout: float = 0.0) -> None:
        super().__init__()
        self.sublayer = sublayer
        self.norm = norm
        self.dropout = nn.Dropout(dropout)
        self.add: Add = add_apart

    def prepare(self, hidden_states: Tensor) -> Tensor:
        """Give what the sublayer sees.

        Parameters
        ----------
        hidden_states : float of shape (tokens, hidden)
            Input of the residual.

        Returns
        -------
        float of shape (tokens, hidden)
            Normalised.
        """
        normed: Tensor = self.norm(hidden_states)
        return normed

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
        return self.add(self, self.prepare(hidden_states), hidden_states, *context)


class EncoderLayer(nn.Module):
    """Attention between the tokens of a text, then feed-forward on each token.

    ``feed_forward(attention(h))``, each in its residual (Vaswani et al. 2017, arXiv:1706.03762,
    section 3.1).

    Parameters
    ----------
    attention : PostNorm or PreNorm
        Self-attention in its residual; called with (hidden_states, scope).
    feed_forward : PostNorm or PreNorm
        Feed-forward in its residual; called with hidden_states.
    """

    def __init__(self, attention: PostNorm | PreNorm, feed_forward: PostNorm | PreNorm) -> None:
        super().__init__()
        self.attention = attention
        self.feed_forward = feed_forward

    def forward(self, hidden_states: Tensor, scope: Scope) -> Tensor:
        """Pass a packed batch through the layer.

        Parameters
        ----------
        hidden_states : float of shape (tokens, hidden)
            Texts packed end to end.
        scope : Scope
            Where each text begins, who sees whom, and how distance counts.

        Returns
        -------
        float of shape (tokens, hidden)
            Input of the next layer.
        """
        output: Tensor = self.feed_forward(self.attention(hidden_states, scope))
        return output

    def attention_weights(self, hidden_states: Tensor, scope: Scope) -> list[Tensor]:
        """Say how much every token gathers from every other in this layer.

        Parameters
        ----------
        hidden_states : float of shape (tokens, hidden)
            Input of the layer.
        scope : Scope
            Where each text begins, who sees whom, and how distance counts.

        Returns
        -------
        list of float tensors of shape (heads, sequence, sequence)
            One per text.
        """
        seen = self.attention.prepare(hidden_states)
        weights: list[Tensor] = self.attention.sublayer.weights(seen, scope)  # type: ignore[operator]
        return weights
