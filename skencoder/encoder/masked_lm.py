"""The head that guesses masked tokens, and an encoder with it on top.

What is masked and how the loss is taken stands elsewhere (training, perplexity).
"""

from dataclasses import dataclass

from torch import Tensor, nn

from skencoder.encoder.build import build_norm
from skencoder.encoder.config import EncoderConfig
from skencoder.encoder.feed_forward import ACTIVATIONS
from skencoder.encoder.packing import Boundaries
from skencoder.encoder.stack import Encoder, initialise


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """What a masked-language-model head is made of.

    Parameters
    ----------
    activation : {"gelu", "gelu_tanh", "relu", "silu"} or None, default="gelu"
        Of the transform before the decoder; None leaves the transform out.
    transform_bias : bool, default=True
        Whether the transform's linear map has a bias.
    decoder_bias : bool, default=True
        Whether each token of the vocabulary has a bias.
    tied : bool, default=True
        Whether the decoder's weights are the token embeddings (Press & Wolf 2017,
        arXiv:1608.05859).
    """

    activation: str | None = "gelu"
    transform_bias: bool = True
    decoder_bias: bool = True
    tied: bool = True

    def __post_init__(self) -> None:
        if self.activation is not None and self.activation not in ACTIVATIONS:
            raise ValueError(
                f"activation must be one of {', '.join(ACTIVATIONS)}, or None; "
                f"got {self.activation!r}."
            )


class MaskedLMHead(nn.Module):
    """From token vectors to a score for each token of the vocabulary.

    ``E norm(act(W h + b)) + c``, E the decoder's weights (Devlin et al. 2019, arXiv:1810.04805,
    section 3.1 and its code; RoBERTa and ModernBERT differ in biases and activation only).

    Parameters
    ----------
    config : EncoderConfig
        Of the encoder below.
    head : HeadConfig
        Which parts there are.
    """

    def __init__(self, config: EncoderConfig, head: HeadConfig) -> None:
        super().__init__()
        width = config.embedding_size or config.hidden_size
        self.transform: nn.Module = nn.Identity()
        self.norm: nn.Module = nn.Identity()
        self.activation = ACTIVATIONS[head.activation] if head.activation else nn.Identity()
        if head.activation:
            self.transform = nn.Linear(config.hidden_size, width, bias=head.transform_bias)
            self.norm = build_norm(config, width)
        self.decoder = nn.Linear(width, config.vocab_size, bias=head.decoder_bias)

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Score every token of the vocabulary at every place.

        Parameters
        ----------
        hidden_states : float of shape (..., hidden)
            Output of the encoder.

        Returns
        -------
        float of shape (..., vocab_size)
            Logits.
        """
        transformed = self.norm(self.activation(self.transform(hidden_states)))
        logits: Tensor = self.decoder(transformed)
        return logits


class MaskedLM(nn.Module):
    """An encoder that guesses tokens.

    Parameters
    ----------
    encoder : Encoder
        Below the head.
    head : HeadConfig
        What the head is made of.

    Attributes
    ----------
    encoder : Encoder
        As given.
    head : MaskedLMHead
        Its decoder shares the encoder's token embeddings if ``head.tied``.

    Examples
    --------
    >>> import torch
    >>> from skencoder.encoder import Encoder, EncoderConfig, HeadConfig, MaskedLM
    >>> encoder = Encoder(EncoderConfig(vocab_size=100, hidden_size=48))
    >>> MaskedLM(encoder, HeadConfig())(torch.tensor([[5, 6, 7]])).shape
    torch.Size([1, 3, 100])
    """

    def __init__(self, encoder: Encoder, head: HeadConfig) -> None:
        super().__init__()
        self.encoder = encoder
        self.head_config = head
        self.head = MaskedLMHead(encoder.config, head)
        self.head.apply(initialise)
        if head.tied:
            self.head.decoder.weight = encoder.embeddings.token.weight

    def forward_packed(
        self, input_ids: Tensor, boundaries: Boundaries, *, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """Score texts packed end to end.

        Parameters
        ----------
        input_ids : int of shape (tokens,)
            Token ids, below ``vocab_size``.
        boundaries : Boundaries
            Where each text begins.
        token_type_ids : int of shape (tokens,), optional
            Segment of each token; without it all are segment 0.

        Returns
        -------
        float of shape (tokens, vocab_size)
            Logits.
        """
        hidden_states = self.encoder.forward_packed(
            input_ids, boundaries, token_type_ids=token_type_ids
        )
        logits: Tensor = self.head(hidden_states)
        return logits

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
    ) -> Tensor:
        """Score a padded batch.

        Parameters
        ----------
        input_ids : int of shape (batch, sequence)
            Token ids.
        attention_mask : int or bool of shape (batch, sequence), optional
            Not 0 where a token is; without it there is no padding.
        token_type_ids : int of shape (batch, sequence), optional
            Segment of each token.

        Returns
        -------
        float of shape (batch, sequence, vocab_size)
            Logits; what stands at padding means nothing.
        """
        logits: Tensor = self.head(self.encoder(input_ids, attention_mask, token_type_ids))
        return logits
