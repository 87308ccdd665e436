"""The sentence settings beside the weights: pooling, unit length, limits, prompts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skencoder.checkpoints.files import read_any_json, read_json
from skencoder.errors import CheckpointError

# Published name of a pooling mode, old style and new style, to ours; None is not supported.
POOLING_NAMES = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_lasttoken": "last",
    "pooling_mode_weightedmean_tokens": "weighted_mean",
    "mean": "mean",
    "cls": "cls",
    "max": "max",
    "lasttoken": "last",
    "weightedmean": "weighted_mean",
}


@dataclass(frozen=True, kw_only=True)
class SentenceSettings:
    """How a checkpoint's authors turn token vectors into a sentence vector.

    Parameters
    ----------
    pooling : str, default="mean"
        Name of the pooling; mean where the folder does not say, as sentence-transformers does.
    normalize : bool, default=False
        Whether vectors are scaled to unit length.
    max_length : int or None, default=None
        Tokens per text, special tokens included; None where the folder does not say.
    lowercase : bool, default=False
        Whether texts are lowercased before the tokenizer's own normalisation.
    prompts : mapping of str to str
        Texts put before an input, by role.
    default_prompt : str or None, default=None
        Role of the prompt that is used when none is named.
    """

    pooling: str = "mean"
    normalize: bool = False
    max_length: int | None = None
    lowercase: bool = False
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None


def read_sentence_settings(folder: Path) -> SentenceSettings:
    """Read ``modules.json`` and the files it names.

    Parameters
    ----------
    folder : Path
        Checkpoint folder.

    Returns
    -------
    SentenceSettings
        Defaults where a file is not there.

    Raises
    ------
    CheckpointError
        If a file asks for something that is not computed here.
    """
    modules = _read_modules(folder / "modules.json")
    limits = _read_optional(next(iter(sorted(folder.glob("sentence_*_config.json"))), None))
    prompts, default_prompt = _read_prompts(folder / "config_sentence_transformers.json")
    tokenizer = _read_optional(folder / "tokenizer_config.json")
    pooling_folder = modules.get("Pooling")
    return SentenceSettings(
        pooling="mean" if pooling_folder is None else _read_pooling(folder / pooling_folder),
        normalize="Normalize" in modules,
        max_length=_first_length(limits.get("max_seq_length"), tokenizer.get("model_max_length")),
        lowercase=bool(limits.get("do_lower_case", False)),
        prompts=prompts,
        default_prompt=default_prompt,
    )


def _read_optional(path: Path | None) -> dict[str, Any]:
    return read_json(path) if path is not None and path.is_file() else {}


def _read_modules(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    entries = read_any_json(path)
    if not isinstance(entries, list) or not all(map(_is_module, entries)):
        raise CheckpointError(
            f"{path} must hold a list of modules, each with a type and a path; got "
            f"{str(entries)[:60]}."
        )
    modules = {entry["type"].rpartition(".")[2]: entry["path"] for entry in entries}
    unknown = modules.keys() - {"Transformer", "Pooling", "Normalize"}
    if unknown:
        raise CheckpointError(
            f"{path} names the modules {', '.join(sorted(unknown))}, which are not supported; "
            f"supported are Transformer, Pooling and Normalize."
        )
    return modules


def _is_module(entry: Any) -> bool:
    return isinstance(entry, dict) and all(
        isinstance(entry.get(name), str) for name in ("type", "path")
    )


def _read_pooling(folder: Path) -> str:
    path = folder / "config.json"
    fields = read_json(path)
    if not fields.get("include_prompt", True):
        raise CheckpointError(f"{path} has include_prompt=false, which is not supported.")
    modes = fields.get("pooling_mode")
    if modes is None:
        modes = [k for k, on in fields.items() if k.startswith("pooling_mode_") and on]
    modes = [str(mode) for mode in modes] if isinstance(modes, list) else [str(modes)]
    if len(modes) != 1 or modes[0] not in POOLING_NAMES:
        raise CheckpointError(
            f"{path} asks for the pooling {' + '.join(modes) or 'none'}; supported is one of "
            f"{', '.join(sorted(set(POOLING_NAMES.values())))}."
        )
    return POOLING_NAMES[modes[0]]


def _read_prompts(path: Path) -> tuple[dict[str, str], str | None]:
    fields = _read_optional(path)
    prompts = fields.get("prompts") or {}
    default = fields.get("default_prompt_name")
    if not isinstance(prompts, dict) or not all(isinstance(p, str) for p in prompts.values()):
        raise CheckpointError(f"{path} must name a text for each of its prompts; got {prompts!r}.")
    if default is not None and default not in prompts:
        raise CheckpointError(
            f"{path} has default_prompt_name={default!r}, which is none of its prompts "
            f"({', '.join(prompts) or 'none'})."
        )
    return prompts, default


def _first_length(*candidates: Any) -> int | None:
    wrong = [c for c in candidates if c is not None and not isinstance(c, int | float)]
    if wrong:
        raise CheckpointError(
            f"max_seq_length or model_max_length must be a number of tokens; got {wrong[0]!r}."
        )
    # Published tokenizer files write "no limit" as a number of about 1e30.
    lengths = (int(c) for c in candidates if isinstance(c, int | float) and 0 < c < 1e9)  # noqa: PLR2004
    return next(lengths, None)
