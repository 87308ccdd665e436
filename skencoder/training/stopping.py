"""The best weights so far, by the loss on held-out rows."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from skencoder.training.optimizer import trained_parameters


class Best:
    """Weights at the lowest loss that was seen.

    Attributes
    ----------
    loss : float
        The lowest; infinite before the first.
    age : int
        Losses seen since, none of them lower.
    weights : dict of str to tensor
        On the host, by name.
    """

    def __init__(self) -> None:
        self.loss = math.inf
        self.age = 0
        self.weights: dict[str, Tensor] = {}

    def see(self, loss: float, modules: Mapping[str, nn.Module]) -> None:
        """Hear of a loss; its weights are kept where it is the lowest.

        Parameters
        ----------
        loss : float
            On the held-out rows.
        modules : mapping of str to nn.Module
            With the weights it was taken with.
        """
        if loss < self.loss:
            parameters = trained_parameters(modules)
            self.weights = {name: p.detach().cpu().clone() for name, p in parameters.items()}
            self.loss, self.age = loss, 0
        else:
            self.age += 1

    @torch.no_grad()
    def restore(self, modules: Mapping[str, nn.Module]) -> None:
        """Give the modules the weights of the lowest loss.

        Parameters
        ----------
        modules : mapping of str to nn.Module
            Changed in place; left alone where no loss was seen.
        """
        for name, parameter in trained_parameters(modules).items():
            if name in self.weights:
                parameter.copy_(self.weights[name])
