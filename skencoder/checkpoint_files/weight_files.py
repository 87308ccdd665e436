"""Which files hold a folder's weights; what is in them is read elsewhere."""

from pathlib import Path

from skencoder.errors import CheckpointError
from skencoder.files import describe_folder, read_json

WEIGHTS_FILE = "model.safetensors"
# In order of preference: what cannot hold code first.
WEIGHTS_FILES = (
    WEIGHTS_FILE,
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


def find_weights(folder: Path) -> tuple[Path, ...]:
    """Find the files that hold a folder's weights.

    Parameters
    ----------
    folder : Path
        Where they lie.

    Returns
    -------
    tuple of Path
        One file, or an index and its shards.

    Raises
    ------
    CheckpointError
        If there are none, or an index names what is not there.
    """
    paths = [folder / name for name in WEIGHTS_FILES if (folder / name).is_file()]
    if not paths:
        raise CheckpointError(
            f"{folder / WEIGHTS_FILE} is missing; weights are read from one of "
            f"{', '.join(WEIGHTS_FILES)}. {describe_folder(folder)}"
        )
    return (paths[0], *_shards(paths[0])) if paths[0].suffix == ".json" else (paths[0],)


def _shards(index: Path) -> list[Path]:
    weight_map = read_json(index).get("weight_map")
    values = list(weight_map.values()) if isinstance(weight_map, dict) else []
    # A name with a folder in it could point outside the checkpoint.
    if not values or not all(isinstance(n, str) and Path(n).name == n for n in values):
        raise CheckpointError(
            f"{index} must have a weight_map of tensor names to files beside it; got "
            f"{str(weight_map)[:60]}."
        )
    names = sorted(set(values))
    missing = [name for name in names if not (index.parent / name).is_file()]
    if missing:
        raise CheckpointError(f"{index} names {', '.join(missing)}, which is missing beside it.")
    return [index.parent / name for name in names]
