"""Static models: a folder's table becomes a `StaticEncoder`, and back.

Which folders hold one is told in `skencoder.static_files`; how a table is made of a Transformer in
`skencoder.distillation`.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skencoder.checkpoints.tensors import is_usable, read_tensors
from skencoder.encoder import StaticEncoder
from skencoder.errors import CheckpointError
from skencoder.static_files import MODEL_TYPE, TABLE_NAMES, StaticLayout


def load_static_encoder(folder: Path) -> StaticEncoder:
    """Load a table of token vectors, with each token's weight and shared rows multiplied out.

    Parameters
    ----------
    folder : Path
        Where ``model.safetensors`` lies, by model2vec or by sentence-transformers.

    Returns
    -------
    StaticEncoder
        In evaluation mode, float32, on the CPU.

    Raises
    ------
    CheckpointError
        If the file is missing or damaged, or holds no such table.
    """
    path, tensors = read_tensors(folder)
    names = [name for name in TABLE_NAMES.values() if name in tensors]
    unknown = sorted(tensors.keys() - {*TABLE_NAMES.values(), "weights", "mapping"})
    if len(names) != 1 or unknown:
        raise CheckpointError(
            f"{path} holds {', '.join(sorted(tensors))}; the folder is of a static model, which "
            f"has either {' or '.join(TABLE_NAMES.values())}, and may have weights and mapping."
        )
    table = _fold(tensors[names[0]], tensors.get("mapping"), tensors.get("weights"), path)
    return StaticEncoder(table).eval().requires_grad_(False)


def _fold(table: Tensor, mapping: Tensor | None, weights: Tensor | None, path: Path) -> Tensor:
    _check_numbers(table, "the table of vectors", 2, path)
    table = table.float()
    if mapping is not None:
        table = table[_check_mapping(mapping, len(table), path)]
    if weights is not None:
        _check_numbers(weights, "weights", 1, path)
        if len(weights) != len(table):
            raise CheckpointError(
                f"{path} has {len(weights)} weights for {len(table)} tokens; one for each was "
                f"expected."
            )
        table = (table.double() * weights.double()[:, None]).float()
    return table


def _check_mapping(mapping: Tensor, rows: int, path: Path) -> Tensor:
    whole = mapping.dim() == 1 and not (mapping.is_floating_point() or mapping.is_complex())
    if not whole or not len(mapping) or not 0 <= int(mapping.min()) <= int(mapping.max()) < rows:
        raise CheckpointError(
            f"{path} must have a mapping of tokens to rows of the table, from 0 to {rows - 1}; "
            f"got {mapping.dtype} of shape {tuple(mapping.shape)}."
        )
    return mapping.long()


def _check_numbers(tensor: Tensor, what: str, dimensions: int, path: Path) -> None:
    # model2vec's smallest tables hold whole numbers, whose scale no vector of unit length needs.
    if tensor.dim() != dimensions or not (tensor.dtype == torch.int8 or is_usable(tensor)):
        raise CheckpointError(
            f"{path} must have finite numbers of {dimensions} dimensions in {what}; got "
            f"{tensor.dtype} of shape {tuple(tensor.shape)}."
        )
    if not tensor.numel():
        raise CheckpointError(f"{path} has nothing in {what}.")


def static_tensors(encoder: StaticEncoder, layout: StaticLayout) -> dict[str, Tensor]:
    """Name a table as a library's files do.

    Parameters
    ----------
    encoder : StaticEncoder
        With the table.
    layout : {"model2vec", "sentence-transformers"}
        Whose files.

    Returns
    -------
    dict of str to Tensor
        Of shape (vocab_size, hidden), contiguous, on the CPU, and float32: numpy has no bfloat16.
    """
    table = encoder.table.detach()[: encoder.config.vocab_size]
    return {TABLE_NAMES[layout]: table.float().cpu().contiguous()}


def static_fields(
    encoder: StaticEncoder, *, normalize: bool, max_length: int | None
) -> dict[str, Any]:
    """Write what model2vec's ``config.json`` says.

    Parameters
    ----------
    encoder : StaticEncoder
        With the table.
    normalize : bool
        Whether vectors are scaled to unit length.
    max_length : int or None
        Tokens per text; None is no limit.

    Returns
    -------
    dict
        The file's fields.
    """
    return {
        "model_type": MODEL_TYPE,
        "architectures": ["StaticModel"],
        "hidden_dim": encoder.config.hidden_size,
        "embedding_dtype": "float32",
        "normalize": normalize,
        "max_length": max_length,
    }
