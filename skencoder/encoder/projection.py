"""What may follow pooling: a trained linear map with an activation."""

import torch
from torch import Tensor, nn

PROJECTION_ACTIVATIONS = {
    "identity": nn.Identity,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
}


class Projection(nn.Module):
    """Map sentence vectors to another width: ``act(W x + b)``.

    Parameters
    ----------
    in_features, out_features : int
        Widths.
    bias : bool, default=True
        Whether there is a b.
    activation : {"identity", "tanh", "relu", "gelu", "sigmoid", "silu"}, default="tanh"
        Name of the activation.

    References
    ----------
    .. [1] Feng et al. (2022), Language-agnostic BERT Sentence Embedding, arXiv:2007.01852, whose
       published model ends with one.
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, activation: str = "tanh"
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.linear = nn.Linear(in_features, out_features, bias=bias)
        self.activation_name = activation
        self.activation = PROJECTION_ACTIVATIONS[activation]()

    def forward(self, vectors: Tensor) -> Tensor:
        """Map sentence vectors, in float32 as pooling gives them.

        Parameters
        ----------
        vectors : float32 of shape (batch, in_features)
            One vector per text.

        Returns
        -------
        float32 of shape (batch, out_features)
            One vector per text.
        """
        mapped: Tensor = self.activation(self.linear(vectors.to(torch.float32)))
        return mapped


def projection_widths(projection: nn.Sequential) -> list[tuple[int, int]]:
    """Say what each of several projections takes and gives.

    Parameters
    ----------
    projection : nn.Sequential of Projection
        In order.

    Returns
    -------
    list of pairs of int
        ``in_features`` and ``out_features`` of each.
    """
    return [
        (layer.in_features, layer.out_features)
        for layer in projection
        if isinstance(layer, Projection)
    ]
