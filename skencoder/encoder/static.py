"""A lookup-table encoder: every token has one vector, whatever stands beside it.

How such a table is made of a Transformer stands in `skencoder.distillation`.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects
from torch import Tensor, nn

from skencoder.encoder.packing import Boundaries
from skencoder.encoder.stack import EncoderOutput, resolve_layer

# Stands alone for a text without any known token; its vector is zero.
NO_TOKEN = -1
# Nothing in a table depends on where a token stands, so there is no limit but that of the counts.
UNLIMITED = 2**30


@dataclass(frozen=True, kw_only=True)
class StaticConfig:
    """Sizes of a lookup table, under the names that `EncoderConfig` has.

    Parameters
    ----------
    vocab_size : int
        Tokens that have a vector.
    hidden_size : int
        Width of every token vector.
    num_hidden_layers : int, default=0
        There are none above the table.
    max_position_embeddings : int, default=2**30
        Longest text in tokens; more than any has.
    """

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int = 0
    max_position_embeddings: int = UNLIMITED


class StaticEncoder(nn.Module):
    """A table of token vectors behind the interface of `Encoder`.

    Parameters
    ----------
    vectors : float of shape (vocab_size, hidden)
        One for each token, weights of tokens multiplied in.

    Attributes
    ----------
    config : StaticConfig
        Sizes.
    table : float of shape (vocab_size + 1, hidden)
        The same and a last row of zeros, which `NO_TOKEN` finds.

    Raises
    ------
    ValueError
        If the vectors are no table.

    References
    ----------
    .. [1] Tulkens & van Dongen (2024), Model2Vec, doi:10.5281/zenodo.17270888.

    Examples
    --------
    >>> import torch
    >>> from skencoder.encoder import StaticEncoder
    >>> encoder = StaticEncoder(torch.eye(3)).requires_grad_(False)
    >>> encoder.mean_packed(torch.tensor([0, 1, 2]), torch.tensor([0, 2, 3]))
    tensor([[0.5000, 0.5000, 0.0000],
            [0.0000, 0.0000, 1.0000]])
    """

    def __init__(self, vectors: Tensor) -> None:
        super().__init__()
        if vectors.dim() != 2 or not vectors.numel():  # noqa: PLR2004 - (vocab_size, hidden)
            raise ValueError(
                f"vectors must have shape (vocab_size, hidden); got {tuple(vectors.shape)}."
            )
        self.config = StaticConfig(vocab_size=vectors.shape[0], hidden_size=vectors.shape[1])
        self.table = nn.Parameter(torch.cat([vectors, vectors.new_zeros(1, vectors.shape[1])]))

    def forward_packed(
        self,
        input_ids: Tensor,
        boundaries: Boundaries,
        *,
        layer: int = -1,
        token_type_ids: Tensor | None = None,
    ) -> Tensor:
        """Look up the tokens of texts packed end to end.

        Parameters
        ----------
        input_ids : int of shape (tokens,)
            Token ids, below ``vocab_size``, or `NO_TOKEN`.
        boundaries : Boundaries
            Where each text begins; no vector depends on it.
        layer : int, default=-1
            0 or -1: there is only the table.
        token_type_ids : int of shape (tokens,), optional
            Not looked at.

        Returns
        -------
        float of shape (tokens, hidden)
            One vector per token.

        Raises
        ------
        ValueError
            If another layer is asked for.
        """
        resolve_layer(layer, self.config.num_hidden_layers)
        # The row of zeros learns nothing: it is no token's, and is not written.
        rows = self._rows(input_ids)
        return F.embedding(rows, self.table, padding_idx=self.config.vocab_size)

    def trace_packed(
        self,
        input_ids: Tensor,
        boundaries: Boundaries,
        *,
        attention: bool = True,
        token_type_ids: Tensor | None = None,
    ) -> EncoderOutput:
        """Look up the tokens of texts, with all hidden states: the one.

        Parameters
        ----------
        input_ids : int of shape (tokens,)
            Token ids, below ``vocab_size``, or `NO_TOKEN`.
        boundaries : Boundaries
            Where each text begins; no vector depends on it.
        attention : bool, default=True
            Whether to return attention weights, of which there are none.
        token_type_ids : int of shape (tokens,), optional
            Not looked at.

        Returns
        -------
        EncoderOutput
            One hidden state of shape (tokens, hidden).
        """
        state = self.forward_packed(input_ids, boundaries, token_type_ids=token_type_ids)
        return EncoderOutput(state, (state,), () if attention else None)

    def mean_packed(self, input_ids: Tensor, cu_seqlens: Tensor) -> Tensor:
        """Average the vectors of each text's tokens, without writing them down one by one.

        Parameters
        ----------
        input_ids : int of shape (tokens,)
            Token ids, below ``vocab_size``, or `NO_TOKEN`.
        cu_seqlens : int of shape (batch + 1,)
            Where each text begins, in tokens; the last entry is ``tokens``.

        Returns
        -------
        float32 of shape (batch, hidden)
            The same as `mean_pool` of `forward_packed`.
        """
        rows = self._rows(input_ids)
        starts = cu_seqlens[:-1].to(rows.dtype)
        return F.embedding_bag(rows, self.table, starts, mode="mean").float()

    def _rows(self, input_ids: Tensor) -> Tensor:
        # NO_TOKEN counts from the end, as anywhere in Python; lookups of torch do not.
        return torch.where(input_ids < 0, self.config.vocab_size, input_ids)
