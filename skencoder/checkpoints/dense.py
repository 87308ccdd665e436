"""The linear maps that some checkpoints put after pooling: Dense modules, one folder each."""

from itertools import pairwise
from pathlib import Path

import torch
from torch import nn

from skencoder.checkpoint_files import Modules
from skencoder.checkpoints.tensors import is_usable, read_tensors
from skencoder.encoder import Projection, projection_widths
from skencoder.errors import CheckpointError
from skencoder.files import read_json

# More than any published vector has, and little enough to be refused before memory is asked for.
MAX_WIDTH = 2**20
# A published activation, the last part of its class's name, and ours.
DENSE_ACTIVATIONS = {
    "Identity": "identity",
    "Tanh": "tanh",
    "ReLU": "relu",
    "GELU": "gelu",
    "Sigmoid": "sigmoid",
    "SiLU": "silu",
}


def load_projection(modules: Modules) -> nn.Sequential | None:
    """Load the linear maps after pooling.

    Parameters
    ----------
    modules : Modules
        Where they lie.

    Returns
    -------
    nn.Sequential of Projection, or None
        From pooled vectors to the checkpoint's; None where there are none.

    Raises
    ------
    CheckpointError
        If a file is missing or damaged, or asks for something that is not computed here.
    """
    if not modules.dense:
        return None
    projection = nn.Sequential(*map(_load_dense, modules.dense))
    widths = projection_widths(projection)
    if any(before[1] != after[0] for before, after in pairwise(widths)):
        raise CheckpointError(
            f"{modules.dense[0].parent} has Dense modules that do not fit each other: {widths}."
        )
    return projection.eval().requires_grad_(False)


def _load_dense(folder: Path) -> Projection:
    path = folder / "config.json"
    fields = read_json(path)
    activation = DENSE_ACTIVATIONS.get(
        str(fields.get("activation_function", "Tanh")).rpartition(".")[2]
    )
    names = ("module_input_name", "module_output_name")
    elsewhere = [n for n in names if fields.get(n) not in (None, "sentence_embedding")]
    if activation is None or fields.get("use_residual") or elsewhere:
        raise CheckpointError(
            f"{path} asks for activation_function={fields.get('activation_function')!r}, "
            f"use_residual={fields.get('use_residual', False)!r}, "
            f"{', '.join(elsewhere) or 'no other names'}; supported are the activations "
            f"{', '.join(DENSE_ACTIVATIONS)} on the sentence vector, without a residual."
        )
    for name in ("in_features", "out_features"):
        if type(fields.get(name)) is not int or not 0 < fields[name] <= MAX_WIDTH:
            raise CheckpointError(
                f"{path} must have a positive integer {name}; got {fields.get(name)!r}."
            )
    if not isinstance(fields.get("bias", True), bool):
        raise CheckpointError(f"{path} must have a true or false bias; got {fields['bias']!r}.")
    with torch.device("meta"):
        dense = Projection(
            fields["in_features"],
            fields["out_features"],
            bias=fields.get("bias", True),
            activation=activation,
        )
    return _fill_dense(dense, folder)


def _fill_dense(dense: Projection, folder: Path) -> Projection:
    path, tensors = read_tensors(folder)
    state = {name: tensor.float() for name, tensor in tensors.items()}
    expected = {name: tuple(value.shape) for name, value in dense.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    if found != expected:
        raise CheckpointError(
            f"{path} does not fit its config.json: {found} instead of {expected}."
        )
    unusable = sorted(name for name, tensor in tensors.items() if not is_usable(tensor))
    if unusable:
        raise CheckpointError(f"{path} has no finite floating-point numbers in {unusable}.")
    dense.load_state_dict(state, assign=True)
    return dense
