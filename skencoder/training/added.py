"""What was learned beside frozen weights, apart from them: small enough to be sent around."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from skencoder.encoder import Encoder, MaskedLM, StaticEncoder
from skencoder.errors import CheckpointError, ParameterError
from skencoder.training.adapters import add_adapters, merge_adapters
from skencoder.training.optimizer import trained_parameters
from skencoder.training.options import AdapterOptions
from skencoder.training.parts import Parts


@dataclass(frozen=True)
class Added:
    """Adapters, and whatever else was trained while the encoder's own weights were frozen.

    Parameters
    ----------
    options : AdapterOptions
        Where the adapters are.
    weights : mapping of str to float32 array
        What was trained, by name.
    """

    options: AdapterOptions
    weights: Mapping[str, NDArray[np.float32]]


def add_to_model(
    model: Encoder | MaskedLM | StaticEncoder, options: AdapterOptions, generator: torch.Generator
) -> None:
    """Freeze an encoder and put adapters on it; a head above it is trained as it was.

    Parameters
    ----------
    model : Encoder, MaskedLM or StaticEncoder
        Changed in place.
    options : AdapterOptions
        Where.
    generator : torch.Generator
        Draws the adapters.

    Raises
    ------
    ParameterError
        If the adapters do not fit the model, or it is static.
    """
    encoder = model.encoder if isinstance(model, MaskedLM) else model
    if isinstance(encoder, StaticEncoder):
        raise ParameterError("A static model has no linear maps; lora_rank must be None for it.")
    add_adapters(
        encoder,
        rank=options.rank,
        alpha=options.alpha,
        targets=options.targets,
        generator=generator,
    )


def take_added(model: nn.Module, options: AdapterOptions) -> Added:
    """Copy what was trained of a model with adapters.

    Parameters
    ----------
    model : Encoder or MaskedLM
        After training, before its adapters are merged.
    options : AdapterOptions
        Where they are.

    Returns
    -------
    Added
        On the host; further training leaves it as it is.
    """
    trained = trained_parameters({"model": model})
    weights = {name: p.detach().cpu().numpy().copy() for name, p in trained.items()}
    return Added(options, weights)


def put_added(parts: Parts, added: Added) -> Parts:
    """Make a tuned model again, of the one it began as; the parts given are used up.

    Parameters
    ----------
    parts : Parts
        As they were before the first step.
    added : Added
        What was learned.

    Returns
    -------
    Parts
        The tuned model, its adapters merged.

    Raises
    ------
    CheckpointError
        If what was learned belongs to another model.
    """
    model = parts.model.requires_grad_(True)
    add_to_model(model, added.options, torch.Generator())
    places = trained_parameters({"model": model})
    _check_fit(places, added.weights)
    with torch.no_grad():
        for name, place in places.items():
            place.copy_(torch.from_numpy(added.weights[name]))
    merge_adapters(model)
    return replace(parts, model=model.requires_grad_(False), added=added)


def _check_fit(
    places: Mapping[str, nn.Parameter], weights: Mapping[str, NDArray[np.float32]]
) -> None:
    expected = {name: tuple(place.shape) for name, place in places.items()}
    found = {name: value.shape for name, value in weights.items()}
    wrong = sorted({name for name, _ in expected.items() ^ found.items()})
    if wrong:
        raise CheckpointError(
            f"What was learned beside frozen weights does not fit this model, in "
            f"{', '.join(wrong)}. Give back the model that it was learned beside."
        )
