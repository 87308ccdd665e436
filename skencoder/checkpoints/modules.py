"""``modules.json``: which steps a checkpoint's authors take from tokens to a vector, and where.

What the pooling and the other settings say stands in sentence.py.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import nn

from skencoder.checkpoints.tensors import is_usable, read_tensors
from skencoder.encoder import Projection, projection_widths
from skencoder.errors import CheckpointError
from skencoder.files import read_any_json, read_json

# The steps that are computed here, in the only order that is.
MODULE_ORDER = ("Transformer", "Pooling", "Dense", "Normalize")
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


@dataclass(frozen=True)
class Modules:
    """The steps of a checkpoint and their folders.

    Parameters
    ----------
    transformer : Path
        Where configuration, weights and tokenizer lie.
    pooling : Path or None
        Where its configuration lies; None where the checkpoint does not say.
    dense : tuple of Path
        Where each linear map after pooling lies.
    normalize : bool
        Whether the last step is to unit length.
    """

    transformer: Path
    pooling: Path | None = None
    dense: tuple[Path, ...] = ()
    normalize: bool = False


def read_modules(folder: Path) -> Modules:
    """Read ``modules.json``.

    Parameters
    ----------
    folder : Path
        Checkpoint folder.

    Returns
    -------
    Modules
        The folder itself and no other step where there is no such file.

    Raises
    ------
    CheckpointError
        If it names a step, an order or a place that is not computed here.
    """
    path = folder / "modules.json"
    if not path.is_file():
        return Modules(folder)
    entries = read_any_json(path)
    if not isinstance(entries, list) or not all(map(_is_module, entries)):
        raise CheckpointError(
            f"{path} must hold a list of modules, each with a type and a path; got "
            f"{str(entries)[:60]}."
        )
    kinds = [_kind(entry["type"]) for entry in entries]
    _check_order(kinds, path)
    places = [_inside(folder, entry["path"], path) for entry in entries]
    found = {
        kind: [place for known, place in zip(kinds, places, strict=True) if known == kind]
        for kind in MODULE_ORDER
    }
    return Modules(
        transformer=(found["Transformer"] or [folder])[0],
        pooling=next(iter(found["Pooling"]), None),
        dense=tuple(found["Dense"]),
        normalize=bool(found["Normalize"]),
    )


def _is_module(entry: Any) -> bool:
    return isinstance(entry, dict) and all(
        isinstance(entry.get(name), str) for name in ("type", "path")
    )


def _kind(module_type: str) -> str:
    # A class of the same name from elsewhere is another class.
    library, _, name = module_type.rpartition(".")
    return name if library.split(".")[0] == "sentence_transformers" else module_type


def _check_order(kinds: list[str], path: Path) -> None:
    unknown = sorted(set(kinds) - set(MODULE_ORDER))
    if unknown:
        raise CheckpointError(
            f"{path} names the modules {', '.join(unknown)}, which are not supported; supported "
            f"are {', '.join(MODULE_ORDER)}."
        )
    once = [kind for kind in kinds if kind != "Dense"]
    if len(once) != len(set(once)) or sorted(kinds, key=MODULE_ORDER.index) != kinds:
        raise CheckpointError(
            f"{path} has the modules {', '.join(kinds)}; supported is the order "
            f"{', '.join(MODULE_ORDER)}, only Dense more than once."
        )
    if "Transformer" not in kinds or ("Dense" in kinds and "Pooling" not in kinds):
        raise CheckpointError(
            f"{path} has the modules {', '.join(kinds) or 'none'}; a Transformer was expected, "
            f"and before Dense a Pooling."
        )


def _inside(folder: Path, name: str, path: Path) -> Path:
    place = folder / name
    try:
        inside = place.resolve().is_relative_to(folder.resolve())
    except (ValueError, OSError):
        inside = False
    if not inside:
        raise CheckpointError(f"{path} names the path {name!r}, which leads out of its folder.")
    return place


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
