"""What tells the folder of a static model from that of a Transformer, by names alone.

Its table of vectors is read in `skencoder.checkpoints`, its tokenizer in
`skencoder.tokenizer_files`.
"""

from pathlib import Path
from typing import Literal

from safetensors import SafetensorError, safe_open

from skencoder.files import read_optional_json

MODEL_TYPE = "model2vec"


# Who wrote a folder. model2vec leaves tokens out that are not in its vocabulary; to
# sentence-transformers they are a token like any other.
StaticLayout = Literal["model2vec", "sentence-transformers"]
# How each calls its table of vectors.
TABLE_NAMES: dict[StaticLayout, str] = {
    "model2vec": "embeddings",
    "sentence-transformers": "embedding.weight",
}


def static_layout(folder: Path) -> StaticLayout | None:
    """Say how a folder holds a static model.

    Parameters
    ----------
    folder : Path
        Where the weights and the tokenizer of a checkpoint lie.

    Returns
    -------
    {"model2vec", "sentence-transformers"} or None
        None where it holds something else.

    Raises
    ------
    CheckpointError
        If its ``config.json`` is damaged.
    """
    # model2vec itself leaves the field out of models that it has not distilled.
    named = read_optional_json(folder / "config.json").get("model_type") == MODEL_TYPE
    tensors = _tensor_names(folder / "model.safetensors")
    if named or TABLE_NAMES["model2vec"] in tensors:
        return "model2vec"
    only_table = tensors == {TABLE_NAMES["sentence-transformers"]}
    return "sentence-transformers" if only_table else None


def _tensor_names(path: Path) -> set[str]:
    try:
        with safe_open(path, framework="np") as file:
            return set(file.keys())
    except (SafetensorError, OSError):
        # Whoever needs the tensors says what is wrong with them.
        return set()
