"""Writing a checkpoint that transformers and sentence-transformers load too."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from skencoder.checkpoints.checkpoint import read_special_ids
from skencoder.checkpoints.families import FAMILIES, write_config
from skencoder.checkpoints.family import Family
from skencoder.checkpoints.files import TOKENIZER_FILES, describe_folder, read_json
from skencoder.checkpoints.modules import DENSE_ACTIVATIONS
from skencoder.checkpoints.sentence import OLD_POOLING_NAMES, POOLING_NAMES, SentenceSettings
from skencoder.checkpoints.tensors import WEIGHTS_FILE
from skencoder.checkpoints.weights import head_places, published_tensors
from skencoder.encoder import Encoder, MaskedLM, Projection, plain_state
from skencoder.errors import CheckpointError

_MODULES = "sentence_transformers.models"


def save_checkpoint(
    folder: str | Path,
    model: Encoder | MaskedLM,
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
    model : Encoder or MaskedLM
        What to write, in the precision it has.
    tokenizer_folder : str or Path
        Where its tokenizer's files lie; they are copied. The ids of special tokens are those of
        a ``config.json`` beside them, else those of ``tokenizer.json``.
    settings : SentenceSettings, optional
        How a text becomes a vector; mean pooling and nothing else if not given.
    projection : nn.Sequential of Projection, optional
        Linear maps after pooling.
    model_type : str, optional
        The family whose names are written; the first that computes the same if not given.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    CheckpointError
        If the folder holds something, there is no tokenizer, or no family has all the parts.

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
    target, settings = Path(folder).expanduser(), settings or SentenceSettings()
    if target.is_file() or (target.is_dir() and any(target.iterdir())):
        raise CheckpointError(f"{target} is not empty; choose a new folder.")
    tokenizer = _tokenizer_files(Path(tokenizer_folder))
    head = model.head_config if isinstance(model, MaskedLM) else None
    encoder = model.encoder if isinstance(model, MaskedLM) else model
    config = _special_ids(Path(tokenizer_folder)) | write_config(encoder.config, head, model_type)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        _write_model(draft, model, config)
        _write_tokenizer(draft, tokenizer, settings, encoder.config.max_position_embeddings)
        _write_sentence_files(draft, encoder.config.hidden_size, settings, projection)
        draft.chmod(0o755)
        # Renaming over an empty folder is allowed, and is one step.
        draft.replace(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return target


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
    dtype = str(next(iter(tensors.values())).dtype).removeprefix("torch.")
    _write_json(folder / "config.json", config | {"dtype": dtype})
    save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt"})


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
    if not (folder / "tokenizer_config.json").exists():
        fields = {"model_max_length": settings.max_length or reach}
        if (folder / "tokenizer.json").exists():
            fields |= {"tokenizer_class": "PreTrainedTokenizerFast"}  # type: ignore[dict-item]
            fields |= _special_tokens(folder / "tokenizer.json")  # type: ignore[arg-type]
        _write_json(folder / "tokenizer_config.json", fields)


def _special_ids(folder: Path) -> dict[str, int | None]:
    config, tokenizer = folder / "config.json", folder / "tokenizer.json"
    # Left out, other libraries would take ids that this vocabulary may not have.
    ids: dict[str, int | None] = {"pad_token_id": None, "bos_token_id": None, "eos_token_id": None}
    if config.is_file():
        return ids | read_special_ids(read_json(config))
    if tokenizer.is_file():
        known = {token["content"]: token["id"] for token in read_json(tokenizer)["added_tokens"]}
        roles = _special_tokens(tokenizer)
        ids |= {f"{role}_id": known[name] for role, name in roles.items() if role != "unk_token"}
    return ids


# How published tokenizers write the tokens that other libraries ask for by role.
_ROLES = {
    "pad_token": ("[PAD]", "<pad>"),
    "unk_token": ("[UNK]", "<unk>"),
    "cls_token": ("[CLS]", "<s>"),
    "sep_token": ("[SEP]", "</s>"),
    "mask_token": ("[MASK]", "<mask>"),
}


def _special_tokens(path: Path) -> dict[str, str]:
    added = read_json(path).get("added_tokens") or []
    known = {token.get("content") for token in added}
    return {role: name for role, names in _ROLES.items() for name in names[::-1] if name in known}


def _write_sentence_files(
    folder: Path, hidden_size: int, settings: SentenceSettings, projection: nn.Sequential | None
) -> None:
    steps = [("Transformer", ""), ("Pooling", "1_Pooling")]
    (folder / "1_Pooling").mkdir()
    _write_json(folder / "1_Pooling" / "config.json", _pooling_fields(settings, hidden_size))
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
    limits = {"max_seq_length": settings.max_length, "do_lower_case": settings.lowercase}
    _write_json(folder / "sentence_bert_config.json", limits)
    _write_json(folder / "config_sentence_transformers.json", _prompt_fields(settings))


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
    save_file(state, folder / WEIGHTS_FILE, metadata={"format": "pt"})


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
