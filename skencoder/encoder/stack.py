"""The whole encoder: embeddings, a stack of layers, and the ways to call it.

Which parts a configuration names stands in build.py; a head on top in masked_lm.py.
"""

from typing import Literal, NamedTuple, overload

import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from skencoder.encoder.build import (
    build_attention_positions,
    build_embeddings,
    build_layer,
    build_norm,
)
from skencoder.encoder.config import EncoderConfig
from skencoder.encoder.packing import Boundaries
from skencoder.encoder.scope import Scope

INITIALIZER_RANGE = 0.02


class EncoderOutput(NamedTuple):
    """What an encoder computed on the way.

    Parameters
    ----------
    last_hidden_state : float of shape (tokens, hidden) or (batch, sequence, hidden)
        Output of the last layer, after the final norm where there is one.
    hidden_states : tuple of float tensors of that shape, or None
        The embeddings and each layer's output, ``num_hidden_layers + 1`` in all; the last one is
        ``last_hidden_state``.
    attentions : tuple of lists of float tensors of shape (heads, sequence, sequence), or None
        Per layer and text: how much each token (row) gathers from each other (column).
    """

    last_hidden_state: Tensor
    hidden_states: tuple[Tensor, ...] | None
    attentions: tuple[list[Tensor], ...] | None


class Encoder(nn.Module):
    """The encoder of the original Transformer, on packed texts.

    ``h_0 = embeddings(ids)``, ``h_i = layer_i(h_(i-1))``, and a last norm where the layers are
    pre-norm.

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
    attention_positions : nn.Module
        From a `Scope` to a `Scope` in which distance counts.
    layers : nn.ModuleList of EncoderLayer
        The layers with weights of their own; with ``num_hidden_groups`` each serves several.
    final_norm : nn.Module
        After the last layer: a norm where the layers are pre-norm, else nothing.
    gradient_checkpointing : bool
        Set it to True to keep only each layer's input in training and compute the rest again on
        the way back: less memory, a third more time (Chen et al. 2016, arXiv:1604.06174).
    row_multiple : int
        Rows of zeros are put below the tokens up to a multiple of it and left out of the result;
        1, none, unless the layers' kernels are made anew for each number of rows.

    References
    ----------
    .. [1] Vaswani et al. (2017), Attention Is All You Need, arXiv:1706.03762.
    .. [2] Devlin et al. (2019), BERT, arXiv:1810.04805.

    Examples
    --------
    >>> import torch
    >>> from skencoder.encoder import Encoder, EncoderConfig
    >>> encoder = Encoder(EncoderConfig(vocab_size=100, hidden_size=48)).eval()
    >>> input_ids = torch.tensor([[5, 6, 7], [8, 9, 0]])
    >>> mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    >>> encoder(input_ids, mask).shape
    torch.Size([2, 3, 48])

    What each head of each layer looks at:

    >>> output = encoder(input_ids, mask, return_attention=True, return_layers=True)
    >>> len(output.hidden_states), len(output.attentions)
    (7, 6)
    >>> [weights.shape for weights in output.attentions[0]]
    [torch.Size([12, 3, 3]), torch.Size([12, 2, 2])]
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.gradient_checkpointing = False
        self.row_multiple = 1
        self.embeddings = build_embeddings(config)
        self.attention_positions = build_attention_positions(config)
        groups = config.num_hidden_groups or config.num_hidden_layers
        self.layers = nn.ModuleList(build_layer(config, index) for index in range(groups))
        # A pre-norm stack normalises on the way into each block, so its sum needs one at the end.
        pre_norm = config.norm_position == "pre"
        self.final_norm = build_norm(config, config.hidden_size) if pre_norm else nn.Identity()
        self.apply(initialise)

    def forward_packed(
        self,
        input_ids: Tensor,
        boundaries: Boundaries,
        *,
        layer: int = -1,
        token_type_ids: Tensor | None = None,
        places: Tensor | None = None,
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
        places : int of shape (n_places,), optional
            The tokens whose vectors are wanted, at least one; by default all. What the topmost
            layer does to each token by itself is then done to these only.

        Returns
        -------
        float of shape (tokens, hidden) or (n_places, hidden)
            One vector per token.

        Raises
        ------
        ValueError
            If there is no such layer or a text is longer than the positions reach.
        """
        depth = resolve_layer(layer, self.config.num_hidden_layers)
        self._check_lengths(boundaries)
        hidden_states = self._embed(input_ids, boundaries, token_type_ids)
        scopes = self._scopes(boundaries)
        whole = depth if places is None else depth - 1
        for index in range(whole):
            hidden_states = self._pass(index, hidden_states, scopes)
        if places is None or not depth:
            kept = hidden_states[: len(input_ids)] if places is None else hidden_states[places]
            return self._finish(depth, kept)
        top = self._pass_at(whole, hidden_states, scopes, places)
        return self._finish(depth, top[: len(places)])

    def trace_packed(
        self,
        input_ids: Tensor,
        boundaries: Boundaries,
        *,
        attention: bool = True,
        token_type_ids: Tensor | None = None,
    ) -> EncoderOutput:
        """Encode texts packed end to end and keep what every layer computed.

        Parameters
        ----------
        input_ids : int of shape (tokens,)
            Token ids, below ``vocab_size``.
        boundaries : Boundaries
            Where each text begins.
        attention : bool, default=True
            Whether attention weights are computed too, by the plain formula: memory grows with
            the square of a text's length.
        token_type_ids : int of shape (tokens,), optional
            Segment of each token; without it all are segment 0.

        Returns
        -------
        EncoderOutput
            Hidden states of shape (tokens, hidden).

        Raises
        ------
        ValueError
            If a text is longer than the positions reach.
        """
        self._check_lengths(boundaries)
        states = [self._embed(input_ids, boundaries, token_type_ids)]
        weights: list[list[Tensor]] = []
        scopes = self._scopes(boundaries)
        for index in range(self.config.num_hidden_layers):
            if attention:
                scope = scopes[self.config.window(index)]
                weights.append(self.layer(index).attention_weights(states[-1], scope))  # type: ignore[operator]
            states.append(self._pass(index, states[-1], scopes))
        states = [state[: len(input_ids)] for state in states]
        states[-1] = self._finish(self.config.num_hidden_layers, states[-1])
        return EncoderOutput(states[-1], tuple(states), tuple(weights) if attention else None)

    @overload
    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = ...,
        token_type_ids: Tensor | None = ...,
        *,
        return_attention: Literal[False] = ...,
        return_layers: Literal[False] = ...,
    ) -> Tensor: ...

    @overload
    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = ...,
        token_type_ids: Tensor | None = ...,
        *,
        return_attention: bool = ...,
        return_layers: bool = ...,
    ) -> EncoderOutput: ...

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        *,
        return_attention: bool = False,
        return_layers: bool = False,
    ) -> Tensor | EncoderOutput:
        """Encode a padded batch: pack it, encode, and put the vectors back in place.

        Parameters
        ----------
        input_ids : int of shape (batch, sequence)
            Token ids.
        attention_mask : int or bool of shape (batch, sequence), optional
            Not 0 where a token is, on any side; without it there is no padding.
        token_type_ids : int of shape (batch, sequence), optional
            Segment of each token.
        return_attention : bool, default=False
            Whether to return attention weights too, per layer and text, without padding.
        return_layers : bool, default=False
            Whether to return the hidden states of every layer too.

        Returns
        -------
        float of shape (batch, sequence, hidden), or EncoderOutput
            One vector per token, zeros at padding; an `EncoderOutput` of such if more was asked
            for.

        Raises
        ------
        ValueError
            If the shapes differ or a row has no token.
        """
        mask = _check_padded(input_ids, attention_mask)
        boundaries = Boundaries.from_lengths(mask.sum(1).tolist(), input_ids.device)
        packed_types = None if token_type_ids is None else token_type_ids[mask]
        if not (return_attention or return_layers):
            packed = self.forward_packed(input_ids[mask], boundaries, token_type_ids=packed_types)
            return _pad(packed, mask)
        traced = self.trace_packed(
            input_ids[mask], boundaries, attention=return_attention, token_type_ids=packed_types
        )
        states = tuple(_pad(state, mask) for state in traced.hidden_states or ())
        return EncoderOutput(states[-1], states if return_layers else None, traced.attentions)

    def layer(self, index: int) -> nn.Module:
        """Give the module that computes one layer.

        Parameters
        ----------
        index : int
            Place in the stack, counted from 0.

        Returns
        -------
        EncoderLayer
            With shared weights, the same one for several places.
        """
        return self.layers[index * len(self.layers) // self.config.num_hidden_layers]

    def _embed(
        self, input_ids: Tensor, boundaries: Boundaries, token_type_ids: Tensor | None
    ) -> Tensor:
        hidden_states: Tensor = self.embeddings(input_ids, boundaries, token_type_ids)
        missing = -len(hidden_states) % self.row_multiple
        return F.pad(hidden_states, (0, 0, 0, missing)) if missing else hidden_states

    def _scopes(self, boundaries: Boundaries) -> dict[int | None, Scope]:
        windows = set(self.config.windows or (None,))
        return {window: self.attention_positions(Scope(boundaries, window)) for window in windows}

    def _pass(self, index: int, hidden_states: Tensor, scopes: dict[int | None, Scope]) -> Tensor:
        scope = scopes[self.config.window(index)]
        output: Tensor
        if self.gradient_checkpointing and self.training and torch.is_grad_enabled():
            output = checkpoint(self.layer(index), hidden_states, scope, use_reentrant=False)
        else:
            output = self.layer(index)(hidden_states, scope)
        return output

    def _pass_at(
        self,
        index: int,
        hidden_states: Tensor,
        scopes: dict[int | None, Scope],
        places: Tensor,
    ) -> Tensor:
        """Pass through a layer, but let only some tokens through its second half."""
        layer = self.layer(index)
        attended = layer.attention(hidden_states, scopes[self.config.window(index)])  # type: ignore[operator]
        missing = -len(places) % self.row_multiple
        output: Tensor = layer.feed_forward(attended[F.pad(places, (0, missing))])  # type: ignore[operator]
        return output

    def _finish(self, depth: int, hidden_states: Tensor) -> Tensor:
        if depth < self.config.num_hidden_layers:
            return hidden_states
        finished: Tensor = self.final_norm(hidden_states)
        return finished

    def _check_lengths(self, boundaries: Boundaries) -> None:
        if boundaries.longest > self.config.max_position_embeddings:
            raise ValueError(
                f"A text has {boundaries.longest} tokens, but the encoder has positions for "
                f"{self.config.max_position_embeddings}; cut the text or split it."
            )


def resolve_layer(layer: int, num_hidden_layers: int) -> int:
    """Count a hidden state from the embeddings.

    Parameters
    ----------
    layer : int
        0 is the embeddings; negative numbers count from the last layer, -1.
    num_hidden_layers : int
        Layers in the stack.

    Returns
    -------
    int
        Layers below it, from 0 to ``num_hidden_layers``.

    Raises
    ------
    ValueError
        If there is no such hidden state.
    """
    states = num_hidden_layers + 1
    if not -states <= layer < states:
        raise ValueError(
            f"layer must lie between {-states} and {states - 1} for {states - 1} layers; "
            f"got {layer}."
        )
    return layer % states


def initialise(module: nn.Module, deviation: float = INITIALIZER_RANGE) -> None:
    """Draw a module's own weights: normal with mean 0, biases 0.

    Parameters
    ----------
    module : nn.Module
        Changed in place where it is a linear map or a table.
    deviation : float, default=0.02
        Of the weights.

    References
    ----------
    .. [1] The code of Devlin et al. (2019), BERT, arXiv:1810.04805, which cuts the normal
       distribution at two deviations; transformers does not, nor does this.
    """
    # Parameters on the meta device are about to be replaced by a checkpoint's.
    if not isinstance(module, nn.Linear | nn.Embedding) or module.weight.is_meta:
        return
    nn.init.normal_(module.weight, std=deviation)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def _check_padded(input_ids: Tensor, attention_mask: Tensor | None) -> Tensor:
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
    return mask.bool()


def _pad(packed: Tensor, mask: Tensor) -> Tensor:
    # (tokens, hidden) -> (batch, sequence, hidden)
    padded = packed.new_zeros(*mask.shape, packed.shape[-1])
    padded[mask] = packed
    return padded
