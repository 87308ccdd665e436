"""``modules.json``: which steps a checkpoint's authors take from tokens to a vector, and where.

What the pooling and the other settings say stands in sentence.py.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skencoder.errors import CheckpointError
from skencoder.files import describe_folder, read_any_json, read_optional_json
from skencoder.static_files import TABLE_NAMES, static_layout

# The steps that are computed here, in the only order that is.
MODULE_ORDER = ("Transformer", "StaticEmbedding", "Pooling", "Dense", "Normalize")


@dataclass(frozen=True)
class Modules:
    """The steps of a checkpoint and their folders.

    Parameters
    ----------
    transformer : Path
        Where configuration, weights and tokenizer lie, of a static model its table.
    pooling : Path or None
        Where its configuration lies; None where the checkpoint does not say.
    dense : tuple of Path
        Where each linear map after pooling lies.
    normalize : bool
        Whether the last step is to unit length.
    static : bool
        Whether tokens are looked up in a table, and there is no Transformer.
    """

    transformer: Path
    pooling: Path | None = None
    dense: tuple[Path, ...] = ()
    normalize: bool = False
    static: bool = False


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
        static = static_layout(folder) is not None
        return Modules(folder, normalize=static and _normalizes(folder, False), static=static)
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
    normalize = bool(found["Normalize"])
    if found["StaticEmbedding"]:
        table = _check_table(found["StaticEmbedding"][0], path)
        normalize = _normalizes(table, normalize)
        return Modules(table, dense=tuple(found["Dense"]), normalize=normalize, static=True)
    return Modules(
        transformer=found["Transformer"][0],
        pooling=next(iter(found["Pooling"]), None),
        dense=tuple(found["Dense"]),
        normalize=normalize,
    )


def _check_table(folder: Path, path: Path) -> Path:
    if static_layout(folder) is None:
        raise CheckpointError(
            f"{path} names a StaticEmbedding, but {folder} is not the folder of one: a "
            f"model.safetensors with a tensor called "
            f"{' or '.join(TABLE_NAMES.values())} was expected. {describe_folder(folder)}"
        )
    return folder


def _normalizes(folder: Path, otherwise: bool) -> bool:
    """Read what only model2vec writes; it looks nowhere else."""
    return bool(read_optional_json(folder / "config.json").get("normalize", otherwise))


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
    static = "StaticEmbedding" in kinds
    if static == ("Transformer" in kinds):
        raise CheckpointError(
            f"{path} has the modules {', '.join(kinds) or 'none'}; a Transformer or a "
            f"StaticEmbedding was expected."
        )
    pooled = "Pooling" in kinds
    # A table gives one vector per text, so a pooling has nothing to do after it.
    if pooled if static else "Dense" in kinds and not pooled:
        raise CheckpointError(
            f"{path} has the modules {', '.join(kinds)}; a Pooling was expected before Dense, "
            f"and none after a StaticEmbedding."
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
