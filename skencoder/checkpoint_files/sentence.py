"""The sentence settings beside the weights: pooling, unit length, limits, prompts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skencoder.checkpoint_files.modules import Modules
from skencoder.errors import CheckpointError
from skencoder.files import read_json, read_optional_json

# Where a static model's folder says what no other library would ask.
OWN_FIELD = "skencoder"
# How two vectors may be compared.
SIMILARITY_NAMES = ("cosine", "dot", "euclidean", "manhattan")
# Published name of a pooling mode, old style and new style, to ours. Where several are on in the
# old style, they are put side by side in this order.
OLD_POOLING_NAMES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len",
    "pooling_mode_weightedmean_tokens": "weighted_mean",
    "pooling_mode_lasttoken": "last",
}
POOLING_NAMES = {
    "cls": "cls",
    "max": "max",
    "mean": "mean",
    "mean_sqrt_len_tokens": "mean_sqrt_len",
    "weightedmean": "weighted_mean",
    "lasttoken": "last",
}


@dataclass(frozen=True, kw_only=True)
class SentenceSettings:
    """How a checkpoint's authors turn token vectors into a sentence vector.

    Parameters
    ----------
    pooling : str, default="mean"
        Name of the pooling, or several joined by "+", whose vectors are put side by side; mean
        where the folder does not say, as sentence-transformers does.
    include_prompt : bool, default=True
        Whether a prompt's tokens are pooled too.
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
    similarity : {"cosine", "dot", "euclidean", "manhattan"} or None, default=None
        How the authors compare two vectors; None where the folder does not say.
    truncate_dim : int or None, default=None
        Dimensions the authors keep; None keeps all.
    """

    pooling: str = "mean"
    include_prompt: bool = True
    normalize: bool = False
    max_length: int | None = None
    lowercase: bool = False
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
    similarity: str | None = None
    truncate_dim: int | None = None

    def __post_init__(self) -> None:
        unknown = set(self.pooling.split("+")) - set(POOLING_NAMES.values())
        if unknown:
            raise ValueError(
                f"pooling has {unknown}; it knows {', '.join(POOLING_NAMES.values())}."
            )
        if self.similarity not in (None, *SIMILARITY_NAMES):
            raise ValueError(
                f"similarity must be one of {', '.join(SIMILARITY_NAMES)}; got "
                f"{self.similarity!r}."
            )
        if self.default_prompt is not None and self.default_prompt not in self.prompts:
            raise ValueError(
                f"default_prompt must name one of {', '.join(self.prompts) or 'no prompts'}; got "
                f"{self.default_prompt!r}."
            )


def read_sentence_settings(folder: Path, modules: Modules) -> SentenceSettings:
    """Read the files that say how a text becomes a vector.

    Parameters
    ----------
    folder : Path
        Checkpoint folder.
    modules : Modules
        Its steps and where they lie.

    Returns
    -------
    SentenceSettings
        Defaults where a file is not there.

    Raises
    ------
    CheckpointError
        If a file asks for something that is not computed here.
    """
    if modules.static:
        return _read_static_settings(folder, modules)
    limit_files = sorted(modules.transformer.glob("sentence_*_config.json"))
    limits = read_optional_json(next(iter(limit_files), None))
    tokenizer = read_optional_json(modules.transformer / "tokenizer_config.json")
    path = folder / "config_sentence_transformers.json"
    fields = read_optional_json(path)
    prompts, default_prompt = _read_prompts(fields, path)
    pooling, include_prompt = _read_pooling(modules.pooling)
    return SentenceSettings(
        pooling=pooling,
        include_prompt=include_prompt,
        normalize=modules.normalize,
        max_length=_first_length(limits.get("max_seq_length"), tokenizer.get("model_max_length")),
        lowercase=bool(limits.get("do_lower_case", False)),
        prompts=prompts,
        default_prompt=default_prompt,
        similarity=_read_similarity(fields, path),
        truncate_dim=_read_truncate_dim(fields, path),
    )


def _read_static_settings(folder: Path, modules: Modules) -> SentenceSettings:
    path = folder / "config_sentence_transformers.json"
    fields = read_optional_json(path)
    prompts, default_prompt = _read_prompts(fields, path)
    own = _read_own(fields, path)
    return SentenceSettings(
        pooling=own.get("pooling", "mean"),
        include_prompt=own.get("include_prompt", True),
        normalize=modules.normalize,
        max_length=_first_length(own.get("max_length"), _read_static_limit(modules.transformer)),
        prompts=prompts,
        default_prompt=default_prompt,
        similarity=_read_similarity(fields, path),
        truncate_dim=_read_truncate_dim(fields, path),
    )


def _read_static_limit(folder: Path) -> Any:
    config = read_optional_json(folder / "config.json")
    # Newer versions of model2vec write the first, where null is no limit; the others the second.
    return config["max_length"] if "max_length" in config else config.get("seq_length")


def _read_own(fields: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    own = fields.get(OWN_FIELD, {})
    kinds = {"pooling": str, "include_prompt": bool, "max_length": int}
    if not isinstance(own, dict) or any(type(own[n]) is not kinds.get(n) for n in own):
        raise CheckpointError(
            f"{path} has {OWN_FIELD}={own!r}; an object with {', '.join(kinds)} was expected."
        )
    unknown = set(own.get("pooling", "mean").split("+")) - set(POOLING_NAMES.values())
    if unknown:
        raise CheckpointError(
            f"{path} asks for the pooling {' + '.join(sorted(unknown))}; supported are "
            f"{', '.join(POOLING_NAMES.values())}."
        )
    return own


def _read_pooling(folder: Path | None) -> tuple[str, bool]:
    if folder is None:
        return "mean", True
    path = folder / "config.json"
    fields = read_json(path)
    modes = fields.get("pooling_mode")
    names: Mapping[str, str] = POOLING_NAMES
    if modes is None:
        names = OLD_POOLING_NAMES
        on = [name for name, value in fields.items() if name.startswith("pooling_mode_") and value]
        # An unknown one comes last, to be named.
        modes = sorted(on, key=[*names, *on].index)
    modes = [str(mode) for mode in modes] if isinstance(modes, list) else [str(modes)]
    if not modes or not all(mode in names for mode in modes):
        raise CheckpointError(
            f"{path} asks for the pooling {' + '.join(modes) or 'none'}; supported are "
            f"{', '.join(POOLING_NAMES)}."
        )
    pooling = [names[mode] for mode in modes]
    include_prompt = bool(fields.get("include_prompt", True))
    if "weighted_mean" in pooling and not include_prompt:
        raise CheckpointError(
            f"{path} has include_prompt=false with a weighted mean, which is not supported."
        )
    return "+".join(pooling), include_prompt


def _read_prompts(fields: Mapping[str, Any], path: Path) -> tuple[dict[str, str], str | None]:
    prompts = fields.get("prompts") or {}
    default = fields.get("default_prompt_name")
    if not isinstance(prompts, dict) or not all(isinstance(p, str) for p in prompts.values()):
        raise CheckpointError(f"{path} must name a text for each of its prompts; got {prompts!r}.")
    if default is not None and (not isinstance(default, str) or default not in prompts):
        raise CheckpointError(
            f"{path} has default_prompt_name={default!r}, which is none of its prompts "
            f"({', '.join(prompts) or 'none'})."
        )
    return prompts, default


def _read_similarity(fields: Mapping[str, Any], path: Path) -> str | None:
    similarity = fields.get("similarity_fn_name")
    if similarity is not None and similarity not in SIMILARITY_NAMES:
        raise CheckpointError(
            f"{path} has similarity_fn_name={similarity!r}; supported are "
            f"{', '.join(SIMILARITY_NAMES)}."
        )
    return similarity


def _read_truncate_dim(fields: Mapping[str, Any], path: Path) -> int | None:
    width = fields.get("truncate_dim")
    if width is not None and (not isinstance(width, int) or width < 1):
        raise CheckpointError(
            f"{path} has truncate_dim={width!r}; a positive integer was expected."
        )
    return width


def _first_length(*candidates: Any) -> int | None:
    wrong = [c for c in candidates if c is not None and not isinstance(c, int | float)]
    if wrong:
        raise CheckpointError(
            f"max_seq_length or model_max_length must be a number of tokens; got {wrong[0]!r}."
        )
    # Published tokenizer files write "no limit" as a number of about 1e30.
    lengths = (int(c) for c in candidates if isinstance(c, int | float) and 0 < c < 1e9)  # noqa: PLR2004
    return next(lengths, None)
