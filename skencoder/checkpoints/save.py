"""Writing a checkpoint that transformers and sentence-transformers load too."""

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from skencoder.checkpoint_files import (
    OLD_POOLING_NAMES,
    OWN_FIELD,
    POOLING_NAMES,
    WEIGHTS_FILE,
    SentenceSettings,
)
from skencoder.checkpoints.checkpoint import read_special_ids
from skencoder.checkpoints.constants import position_tensors
from skencoder.checkpoints.dense import DENSE_ACTIVATIONS
from skencoder.checkpoints.families import FAMILIES, write_config
from skencoder.checkpoints.family import Family
from skencoder.checkpoints.static import static_fields, static_tensors
from skencoder.checkpoints.weights import head_places, published_tensors
from skencoder.encoder import (
    Encoder,
    EncoderConfig,
    HeadConfig,
    MaskedLM,
    Projection,
    StaticEncoder,
    plain_state,
)
from skencoder.errors import CheckpointError
from skencoder.files import (
    TOKENIZER_FILES,
    appearing,
    check_is_new,
    describe_folder,
    read_json,
    read_optional_json,
)
from skencoder.static_files import static_layout

_MODULES = "sentence_transformers.models"


def save_checkpoint(
    folder: str | Path,
    model: Encoder | MaskedLM | StaticEncoder,
    *,
    tokenizer_folder: str | Path,
    settings: SentenceSettings | None = None,
    projection: nn.Sequential | None = None,
    model_type: str | None = None,
) -> Path:
    """Write a folder in the published layout.

    It appears whole or not at all: everything is written beside it first, and then renamed.

    Parameters
    ----------
    folder : str or Path
        Where to; it must not exist, or be empty.
    model : Encoder, MaskedLM or StaticEncoder
        What to write, in the precision it has; a static model's table in float32.
    tokenizer_folder : str or Path
        Where its tokenizer's files lie; they are copied. The ids of special tokens are those of
        a ``config.json`` beside them, else those of ``tokenizer.json``.
    settings : SentenceSettings, optional
        How a text becomes a vector; mean pooling and nothing else if not given.
    projection : nn.Sequential of Projection, optional
        Linear maps after pooling.
    model_type : str, optional
        The family whose names are written; if not given, that of a ``config.json`` beside the
        tokenizer if it computes the same, else the first that does.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    CheckpointError
        If the folder holds something, there is no tokenizer, or no family has all the parts.
    OSError
        If the disk is full or the folder cannot be written; nothing is left behind.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from skencoder.checkpoints import load_checkpoint, save_checkpoint
    >>> checkpoint = load_checkpoint("all-MiniLM-L6-v2")
    >>> folder = save_checkpoint(
    ...     mkdtemp(),
    ...     checkpoint.encoder,
    ...     tokenizer_folder=checkpoint.folder,
    ...     settings=checkpoint.settings,
    ... )
    >>> load_checkpoint(folder).settings == checkpoint.settings
    True
    """
    if not isinstance(model, Encoder | MaskedLM | StaticEncoder):
        raise CheckpointError(
            f"Only an Encoder or a MaskedLM can be written, or a StaticEncoder; got a "
            f"{type(model).__name__}. Copy the folder that it was loaded from."
        )
    target, settings = Path(folder).expanduser().resolve(), settings or SentenceSettings()
    check_is_new(target)
    source = Path(tokenizer_folder).expanduser()
    if isinstance(model, StaticEncoder):
        with appearing(target) as draft:
            _write_static(draft, model, source, settings)
            _write_modules(draft, [("StaticEmbedding", "")], settings, projection)
        return target
    tokenizer = _tokenizer_files(source)
    head = model.head_config if isinstance(model, MaskedLM) else None
    encoder = model.encoder if isinstance(model, MaskedLM) else model
    config = _source_fields(source) | _write_config(encoder.config, head, model_type, source)
    with appearing(target) as draft:
        _write_model(draft, model, config)
        _write_tokenizer(draft, tokenizer, settings, encoder.config.max_position_embeddings)
        _write_sentence_files(draft, encoder.config.hidden_size, settings, projection)
    return target


def _write_config(
    config: EncoderConfig, head: HeadConfig | None, model_type: str | None, source: Path
) -> dict[str, Any]:
    """Choose the family asked for, else the one of the source, else any that computes the same."""
    former = read_optional_json(source / "config.json").get("model_type")
    if model_type is None and former in FAMILIES:
        with suppress(CheckpointError):
            return write_config(config, head, former)
    return write_config(config, head, model_type)


def _tokenizer_files(folder: Path) -> list[Path]:
    files = [folder / name for name in TOKENIZER_FILES if (folder / name).is_file()]
    if not files:
        raise CheckpointError(f"{folder} holds no tokenizer. {describe_folder(folder)}")
    return files


def _write_model(folder: Path, model: Encoder | MaskedLM, config: dict[str, Any]) -> None:
    family = FAMILIES[config["model_type"]]
    state = plain_state(model)
    if isinstance(model, MaskedLM):
        tensors = published_tensors(state, head_places(model, family), family.prefixes[0])
        _write_aliases(tensors, family, model.head_config.tied)
    else:
        tensors = published_tensors(state, family.places(state), "")
    dtype = next(iter(tensors.values())).dtype
    tensors |= _constant_tensors(model, family, dtype)
    _write_json(folder / "config.json", config | {"dtype": str(dtype).removeprefix("torch.")})
    _save_tensors(tensors, folder)


def _constant_tensors(
    model: Encoder | MaskedLM, family: Family, dtype: torch.dtype
) -> dict[str, Tensor]:
    if isinstance(model, MaskedLM):
        found, prefix = position_tensors(model.encoder.config, family, dtype), family.prefixes[0]
    else:
        found, prefix = position_tensors(model.config, family, dtype), ""
    return {prefix + name: tensor for name, tensor in found.items()}


def _save_tensors(tensors: dict[str, Tensor], folder: Path) -> None:
    path = folder / WEIGHTS_FILE
    try:
        save_file(tensors, path, metadata={"format": "pt"})
    except SafetensorError as error:
        raise OSError(f"{path} could not be written: {error}") from error
    # The library keeps the file to its owner; it may be read by whoever may read its neighbour.
    neighbour = next(file for file in folder.iterdir() if file.suffix == ".json")
    path.chmod(neighbour.stat().st_mode & 0o777)


def _write_aliases(tensors: dict[str, Tensor], family: Family, tied: bool) -> None:
    for alias, standard in family.aliases.items():
        if standard in tensors:
            tensors[alias] = tensors.pop(standard)
            if not tied:
                tensors[standard] = tensors[alias].clone()


def _write_tokenizer(
    folder: Path, files: list[Path], settings: SentenceSettings, reach: int
) -> None:
    for path in files:
        shutil.copyfile(path, folder / path.name)
    fields = read_optional_json(folder / "tokenizer_config.json")
    fields.setdefault("model_max_length", settings.max_length or reach)
    if (folder / "tokenizer.json").exists() and "tokenizer_class" not in fields:
        # Without a class other libraries guess one, and build another tokenizer than the file's.
        special = _special_tokens(folder / "tokenizer.json")
        fields = {role: token["content"] for role, token in special.items()} | fields
        fields["tokenizer_class"] = "PreTrainedTokenizerFast"
    _write_json(folder / "tokenizer_config.json", fields)


def _source_fields(folder: Path) -> dict[str, Any]:
    """Give what a configuration says of special tokens, from whichever file knows."""
    # Left out, other libraries would take ids that this vocabulary may not have.
    fields: dict[str, Any] = {"pad_token_id": None, "bos_token_id": None, "eos_token_id": None}
    config, tokenizer = folder / "config.json", folder / "tokenizer.json"
    if config.is_file():
        return fields | read_special_ids(read_json(config))
    if tokenizer.is_file():
        special = _special_tokens(tokenizer)
        fields |= {f"{r}_id": token["id"] for r, token in special.items() if r != "unk_token"}
    return fields


# How published tokenizers write the tokens that other libraries ask for by role.
_ROLES = {
    "pad_token": ("[PAD]", "<pad>"),
    "unk_token": ("[UNK]", "<unk>"),
    "cls_token": ("[CLS]", "<s>"),
    "sep_token": ("[SEP]", "</s>"),
    "mask_token": ("[MASK]", "<mask>"),
}


def _special_tokens(path: Path) -> dict[str, dict[str, Any]]:
    """Find the token of each role in a ``tokenizer.json``, with its content and id."""
    added = read_json(path).get("added_tokens") or []
    if not all(isinstance(token, dict) and {"content", "id"} <= token.keys() for token in added):
        raise CheckpointError(f"{path} has added_tokens without a content and an id.")
    known = {token["content"]: token for token in added}
    return {
        role: known[name]
        for role, names in _ROLES.items()
        for name in names[::-1]
        if name in known
    }


def _write_sentence_files(
    folder: Path, hidden_size: int, settings: SentenceSettings, projection: nn.Sequential | None
) -> None:
    (folder / "1_Pooling").mkdir()
    _write_json(folder / "1_Pooling" / "config.json", _pooling_fields(settings, hidden_size))
    steps = [("Transformer", ""), ("Pooling", "1_Pooling")]
    _write_modules(folder, steps, settings, projection)
    limits = {"max_seq_length": settings.max_length, "do_lower_case": settings.lowercase}
    _write_json(folder / "sentence_bert_config.json", limits)
    _write_json(folder / "config_sentence_transformers.json", _prompt_fields(settings))


def _write_modules(
    folder: Path,
    steps: list[tuple[str, str]],
    settings: SentenceSettings,
    projection: nn.Sequential | None,
) -> None:
    """List the steps of a checkpoint and those that follow on them, and write the latter."""
    for layer in projection or ():
        steps.append(("Dense", f"{len(steps)}_Dense"))
        _write_dense(folder / steps[-1][1], layer)
    if settings.normalize:
        steps.append(("Normalize", f"{len(steps)}_Normalize"))
        (folder / steps[-1][1]).mkdir()
    entries = [
        {"idx": idx, "name": str(idx), "path": path, "type": f"{_MODULES}.{kind}"}
        for idx, (kind, path) in enumerate(steps)
    ]
    _write_json(folder / "modules.json", entries)


def _write_static(
    folder: Path, model: StaticEncoder, source: Path, settings: SentenceSettings
) -> None:
    """Write a table, its tokenizer and the settings that modules.json does not hold."""
    if not (source / "tokenizer.json").is_file():
        raise CheckpointError(f"{source} holds no tokenizer.json. {describe_folder(source)}")
    # What an unknown token means goes with the tokenizer, and a layout says it.
    layout = static_layout(source) or "model2vec"
    limit = settings.max_length
    max_length = limit if limit and limit < model.config.max_position_embeddings else None
    if layout == "model2vec":
        fields = static_fields(model, normalize=settings.normalize, max_length=max_length)
        _write_json(folder / "config.json", fields)
        max_length = None
    fields = _prompt_fields(settings) | _own_fields(settings, max_length)
    _write_json(folder / "config_sentence_transformers.json", fields)
    shutil.copyfile(source / "tokenizer.json", folder / "tokenizer.json")
    _save_tensors(static_tensors(model, layout), folder)


def _own_fields(settings: SentenceSettings, max_length: int | None) -> dict[str, Any]:
    """Write what no other library knows of a static model, if it is there."""
    own: dict[str, Any] = {} if max_length is None else {"max_length": max_length}
    own |= {} if settings.pooling == "mean" else {"pooling": settings.pooling}
    own |= {} if settings.include_prompt else {"include_prompt": False}
    return {OWN_FIELD: own} if own else {}


def _pooling_fields(settings: SentenceSettings, hidden_size: int) -> dict[str, Any]:
    chosen = settings.pooling.split("+")
    fields: dict[str, Any] = {"word_embedding_dimension": hidden_size}
    in_old_order = [name for name in OLD_POOLING_NAMES.values() if name in chosen]
    if chosen == in_old_order:
        # Every version of sentence-transformers reads this style.
        fields |= {name: ours in chosen for name, ours in OLD_POOLING_NAMES.items()}
    else:
        fields["pooling_mode"] = [
            name for pooling in chosen for name, ours in POOLING_NAMES.items() if ours == pooling
        ]
    return fields | {"include_prompt": settings.include_prompt}


def _write_dense(folder: Path, layer: nn.Module) -> None:
    if not isinstance(layer, Projection):
        raise CheckpointError(f"projection must hold Projection modules; got {layer!r}.")
    folder.mkdir()
    name = next(k for k, ours in DENSE_ACTIVATIONS.items() if ours == layer.activation_name)
    module = "linear" if name == "Identity" else "activation"
    fields = {
        "in_features": layer.linear.in_features,
        "out_features": layer.linear.out_features,
        "bias": layer.linear.bias is not None,
        "activation_function": f"torch.nn.modules.{module}.{name}",
    }
    _write_json(folder / "config.json", fields)
    state = {key: value.detach().cpu().contiguous() for key, value in layer.state_dict().items()}
    _save_tensors(state, folder)


def _prompt_fields(settings: SentenceSettings) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "__version__": {"pytorch": torch.__version__},
        "prompts": dict(settings.prompts),
        "default_prompt_name": settings.default_prompt,
        "similarity_fn_name": settings.similarity,
    }
    return fields | ({"truncate_dim": settings.truncate_dim} if settings.truncate_dim else {})


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
