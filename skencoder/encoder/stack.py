"""The whole encoder: embeddings, a stack of layers, and the two ways to call it.

Which parts a configuration names is decided here, once; the parts know nothing of each other.
"""

import torch
from torch import Tensor, nn

from skencoder.encoder.attention import SelfAttention
from skencoder.encoder.config import EncoderConfig
from skencoder.encoder.embeddings import Embeddings
from skencoder.encoder.feed_forward import FeedForward
from skencoder.encoder.layer import EncoderLayer, PostNorm, PreNorm
from skencoder.encoder.packing import Boundaries
from skencoder.encoder.positions import SinusoidalPositions, empty_table, learned_positions

POSITIONS = {"learned": learned_positions, "sinusoidal": SinusoidalPositions}
RESIDUALS = {"post": PostNorm, "pre": PreNorm}
INITIALIZER_RANGE = 0.02


class Encoder(nn.Module):
    """The encoder of the original Transformer, on packed texts.

    New weights are drawn from a normal distribution with deviation 0.02, biases are 0 (BERT's
    choice); seed torch to repeat them.

    Parameters
    ----------
    config : EncoderConfig
        Sizes and choices.

    Attributes
    ----------
    embeddings : Embeddings
        From ids to vectors.
    layers : nn.ModuleList of EncoderLayer
        The stack.
    final_norm : nn.Module
        After the last layer: a layer norm where the layers are pre-norm, else nothing.

    References
    ----------
    .. [1] Vaswani et al. (2017), Attention Is All You Need, arXiv:1706.03762.
    .. [2] Devlin et al. (2019), BERT, arXiv:1810.04805.

    Examples
    --------
    >>> import torch
    >>> from skencoder.encoder import Encoder, EncoderConfig
    >>> encoder = Encoder(EncoderConfig(vocab_size=100, hidden_size=48))
    >>> input_ids = torch.tensor([[5, 6, 7], [8, 9, 0]])
    >>> encoder(input_ids, attention_mask=torch.tensor([[1, 1, 1], [1, 1, 0]])).shape
    torch.Size([2, 3, 48])
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        pre_norm = config.norm_position == "pre"
        # A pre-norm stack normalises on the way into each block, so its sum needs one at the end.
        self.embeddings = _build_embeddings(config, nn.Identity() if pre_norm else _norm(config))
        self.layers = nn.ModuleList(_build_layer(config) for _ in range(config.num_hidden_layers))
        self.final_norm = _norm(config) if pre_norm else nn.Identity()
        self.apply(_initialise)

    def forward_packed(
        self,
        input_ids: Tensor,
        boundaries: Boundaries,
        *,
        layer: int = -1,
        token_type_ids: Tensor | None = None,
    ) -> Tensor:
        """Encode texts packed end to end.

        Parameters
        ----------
        input_ids : int of shape (tokens,)
            Token ids, below ``vocab_size``.
        boundaries : Boundaries
            Where each text begins.
        layer : int, default=-1
            Which hidden state to return: 0 is the embeddings, ``num_hidden_layers`` or -1 the
            last. The layers above it are not computed.
        token_type_ids : int of shape (tokens,), optional
            Segment of each token; without it all are segment 0.

        Returns
        -------
        float of shape (tokens, hidden)
            One vector per token.

        Raises
        ------
        ValueError
            If there is no such layer or a text is longer than the positions reach.
        """
        depth = self._resolve_layer(layer)
        self._check_lengths(boundaries)
        hidden_states: Tensor = self.embeddings(input_ids, boundaries, token_type_ids)
        for block in self.layers[:depth]:
            hidden_states = block(hidden_states, boundaries)
        if depth == len(self.layers):
            hidden_states = self.final_norm(hidden_states)
        return hidden_states

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
    ) -> Tensor:
        """Encode a padded batch: pack it, encode, and put the vectors back in place.

        Parameters
        ----------
        input_ids : int of shape (batch, sequence)
            Token ids.
        attention_mask : int or bool of shape (batch, sequence), optional
            Not 0 where a token is, on any side; without it there is no padding.
        token_type_ids : int of shape (batch, sequence), optional
            Segment of each token.

        Returns
        -------
        float of shape (batch, sequence, hidden)
            One vector per token, zeros at padding.

        Raises
        ------
        ValueError
            If the shapes differ or a row has no token.
        """
        if input_ids.dim() != 2:  # noqa: PLR2004 - (batch, sequence)
            raise ValueError(
                f"input_ids must have shape (batch, sequence); got {tuple(input_ids.shape)}."
            )
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        if mask.shape != input_ids.shape:
            raise ValueError(
                f"attention_mask must have the shape of input_ids, {tuple(input_ids.shape)}; "
                f"got {tuple(mask.shape)}."
            )
        mask = mask.bool()
        boundaries = Boundaries.from_lengths(mask.sum(1).tolist(), input_ids.device)
        packed_types = None if token_type_ids is None else token_type_ids[mask]
        packed = self.forward_packed(input_ids[mask], boundaries, token_type_ids=packed_types)
        padded = packed.new_zeros(*input_ids.shape, packed.shape[-1])
        padded[mask] = packed
        return padded

    def _resolve_layer(self, layer: int) -> int:
        states = len(self.layers) + 1
        if not -states <= layer < states:
            raise ValueError(
                f"layer must lie between {-states} and {states - 1} for {states - 1} layers; "
                f"got {layer}."
            )
        return layer % states

    def _check_lengths(self, boundaries: Boundaries) -> None:
        longest = max(run.sequence for run in boundaries.runs)
        if longest > self.config.max_position_embeddings:
            raise ValueError(
                f"A text has {longest} tokens, but the encoder has positions for "
                f"{self.config.max_position_embeddings}; cut the text or split it."
            )


def _initialise(module: nn.Module) -> None:
    # Parameters on the meta device are about to be replaced by a checkpoint's.
    if not isinstance(module, nn.Linear | nn.Embedding) or module.weight.is_meta:
        return
    nn.init.normal_(module.weight, std=INITIALIZER_RANGE)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


def _norm(config: EncoderConfig) -> nn.Module:
    return nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)


def _build_embeddings(config: EncoderConfig, norm: nn.Module) -> Embeddings:
    types = config.type_vocab_size
    return Embeddings(
        token=empty_table(config.vocab_size, config.hidden_size),
        token_type=empty_table(types, config.hidden_size) if types else None,
        positions=POSITIONS[config.positions](config.max_position_embeddings, config.hidden_size),
        norm=norm,
    )


def _build_layer(config: EncoderConfig) -> EncoderLayer:
    residual = RESIDUALS[config.norm_position]
    attention = SelfAttention(config.hidden_size, config.num_attention_heads)
    feed_forward = FeedForward(config.hidden_size, config.intermediate_size, config.hidden_act)
    return EncoderLayer(
        attention=residual(attention, _norm(config)),
        feed_forward=residual(feed_forward, _norm(config)),
    )
