"""Smaller models that begin with some of a larger one's weights."""

from dataclasses import replace

import numpy as np
import torch

from skencoder.checkpoints.writable import check_can_be_written
from skencoder.encoder import Encoder, EncoderConfig, plain_state
from skencoder.errors import CheckpointError, ParameterError
from skencoder.parameter_checks import check_count


def fewer_layers(encoder: Encoder, num_hidden_layers: int) -> Encoder:
    """Keep some layers of an encoder, spread evenly from the first to the last.

    Parameters
    ----------
    encoder : Encoder
        Left as it is.
    num_hidden_layers : int
        Layers to keep, at most its own.

    Returns
    -------
    Encoder
        With copies of the weights.

    Raises
    ------
    CheckpointError
        If its layers share weights, so that leaving some out makes nothing smaller.
    ParameterError
        If there are not as many layers.

    References
    ----------
    .. [1] Sanh et al. (2019), DistilBERT, arXiv:1910.01108, section 3.
    """
    config = encoder.config
    check_count("num_hidden_layers", num_hidden_layers, at_least=1)
    if num_hidden_layers > config.num_hidden_layers:
        raise ParameterError(
            f"num_hidden_layers={num_hidden_layers}, but the model has "
            f"{config.num_hidden_layers}; choose fewer."
        )
    if config.num_hidden_groups is not None:
        raise CheckpointError(
            "The model's layers share their weights; leaving some out makes it no smaller."
        )
    kept = np.linspace(0, config.num_hidden_layers - 1, num_hidden_layers).round().astype(int)
    windows = tuple(config.window(place) for place in kept)
    # Where no layer with a window is kept, there are none to write.
    smaller = replace(
        config,
        num_hidden_layers=num_hidden_layers,
        windows=windows if any(windows) else None,
    )
    check_can_be_written(smaller)
    student = _new(smaller)
    student.load_state_dict(_renumbered(encoder, kept.tolist()))
    return student


def narrower(encoder: Encoder, hidden_size: int) -> Encoder:
    """Keep as many layers and the first dimensions of everything.

    The feed-forward blocks and the number of heads shrink with the width, so that a head stays as
    wide as it is. What is cut out of a trained model is no trained model: it has to be distilled.

    Parameters
    ----------
    encoder : Encoder
        Left as it is.
    hidden_size : int
        A multiple of the width of a head, below the encoder's own width.

    Returns
    -------
    Encoder
        With copies of the weights' first rows and columns.

    Raises
    ------
    CheckpointError
        If keys and values have fewer heads than queries.
    ParameterError
        If the width does not fit.
    """
    config = encoder.config
    head_dim = config.head_dim
    if not 0 < check_count("hidden_size", hidden_size, at_least=1) < config.hidden_size or (
        hidden_size % head_dim
    ):
        raise ParameterError(
            f"hidden_size must be a multiple of {head_dim}, the width of a head, and below "
            f"{config.hidden_size}; got {hidden_size}."
        )
    if config.num_key_value_heads is not None or config.embedding_size is not None:
        raise CheckpointError("Only models with one width and as many heads of all kinds shrink.")
    smaller = replace(
        config,
        hidden_size=hidden_size,
        num_attention_heads=hidden_size // head_dim,
        intermediate_size=config.intermediate_size * hidden_size // config.hidden_size,
    )
    check_can_be_written(smaller)
    student = _new(smaller)
    with torch.no_grad():
        wide = plain_state(encoder)
        for name, value in student.state_dict().items():
            value.copy_(wide[name][tuple(slice(size) for size in value.shape)])
    return student


def _new(config: EncoderConfig) -> Encoder:
    # Its weights are drawn, though none of them is kept.
    with torch.random.fork_rng(devices=[]):
        return Encoder(config)


def _renumbered(encoder: Encoder, kept: list[int]) -> dict[str, torch.Tensor]:
    state = {}
    for name, value in plain_state(encoder).items():
        if not name.startswith("layers."):
            state[name] = value
            continue
        _, place, rest = name.split(".", 2)
        if int(place) in kept:
            state[f"layers.{kept.index(int(place))}.{rest}"] = value
    return state
