"""What published files store although it is computed: the table of sinusoidal positions."""

from dataclasses import replace

import torch
from torch import Tensor

from skencoder.checkpoints.family import Family
from skencoder.encoder import EncoderConfig
from skencoder.encoder.positions import sinusoidal_table

_OURS = "embeddings.positions.table.weight"
# Other libraries round their sines from other digits.
_TOLERANCE = 1e-6


def settle_positions(
    config: EncoderConfig, family: Family, tensors: dict[str, Tensor]
) -> EncoderConfig:
    """Decide by the stored table whether positions still are the sines they began as.

    Other libraries let training change the table, or round it otherwise.

    Parameters
    ----------
    config : EncoderConfig
        As ``config.json`` says.
    family : Family
        How the files name their tensors.
    tensors : dict of str to Tensor
        By published name; a table that is computed here is taken out.

    Returns
    -------
    EncoderConfig
        With learned positions where the table holds something else than sines.
    """
    if config.positions != "sinusoidal":
        return config
    name = family.places([_OURS])[_OURS].name
    stored = tensors.get(name)
    if stored is not None and not _are_sines(stored, config):
        return replace(config, positions="learned")
    tensors.pop(name, None)
    return config


def position_tensors(
    config: EncoderConfig, family: Family, dtype: torch.dtype
) -> dict[str, Tensor]:
    """Give the table as other libraries look for it.

    Parameters
    ----------
    config : EncoderConfig
        Of the encoder.
    family : Family
        How the files name their tensors.
    dtype : torch.dtype
        Precision of the other tensors.

    Returns
    -------
    dict of str to Tensor
        By published name, without prefix; nothing where positions are of another kind.
    """
    if config.positions != "sinusoidal":
        return {}
    return {family.places([_OURS])[_OURS].name: _sines(config).to(dtype)}


def _sines(config: EncoderConfig) -> Tensor:
    width = config.embedding_size or config.hidden_size
    return sinusoidal_table(config.max_position_embeddings, width)


def _are_sines(stored: Tensor, config: EncoderConfig) -> bool:
    sines = _sines(config).to(stored.dtype)
    return stored.shape == sines.shape and torch.allclose(
        stored.float(), sines.float(), rtol=0, atol=_TOLERANCE
    )
