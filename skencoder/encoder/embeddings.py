"""The bottom of the stack: ids become vectors. What happens to them next stands in layer.py."""

from torch import Tensor, nn

from skencoder.encoder.packing import Boundaries


class Embeddings(nn.Module):
    """Sum of token, segment and position vectors, a norm, and a map to the layers' width.

    ``h = W norm(E_token[id] + E_type[type] + E_position[pos])`` (Devlin et al. 2019,
    arXiv:1810.04805, figure 2; the map W of narrow tables is ALBERT's, Lan et al. 2020,
    arXiv:1909.11942, section 3.1).

    Parameters
    ----------
    token : nn.Embedding
        Table of shape (vocab_size, embedding_size).
    token_type : nn.Embedding or None
        Table of shape (type_vocab_size, embedding_size); None leaves segments out.
    positions : nn.Module or None
        Gives (tokens, embedding_size) for (input_ids, boundaries); None adds nothing.
    norm : nn.Module
        Applied to the sum.
    projection : nn.Module
        From embedding_size to hidden.
    dropout : nn.Module
        Applied in training, before the projection.
    """

    def __init__(
        self,
        token: nn.Embedding,
        token_type: nn.Embedding | None,
        positions: nn.Module | None,
        norm: nn.Module,
        projection: nn.Module,
        dropout: nn.Module,
    ) -> None:
        super().__init__()
        self.token = token
        self.token_type = token_type
        self.positions = positions
        self.norm = norm
        self.projection = projection
        self.dropout = dropout

    def forward(
        self, input_ids: Tensor, boundaries: Boundaries, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """Embed a packed batch.

        Parameters
        ----------
        input_ids : int of shape (tokens,)
            Token ids, texts packed end to end.
        boundaries : Boundaries
            Where each text begins.
        token_type_ids : int of shape (tokens,), optional
            Segment of each token; without it all are segment 0.

        Returns
        -------
        float of shape (tokens, hidden)
            Input of the first layer.
        """
        hidden_states: Tensor = self.token(input_ids)
        if self.positions is not None:
            hidden_states = hidden_states + self.positions(input_ids, boundaries)
        if self.token_type is not None:
            segments = (
                self.token_type.weight[0]
                if token_type_ids is None
                else self.token_type(token_type_ids)
            )
            hidden_states = hidden_states + segments
        embedded: Tensor = self.projection(self.dropout(self.norm(hidden_states)))
        return embedded
