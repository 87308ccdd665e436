"""A vectorizer as a folder that needs nothing else: weights, tokenizer, parameters, card.

Other libraries read it as a checkpoint; `load_parameters` reads what only an estimator knows.
"""

import json
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skencoder.checkpoint_files import SentenceSettings
from skencoder.encode_once import check_fingerprint
from skencoder.errors import CheckpointError, CheckpointWarning, ParameterError
from skencoder.estimators.prepared import Prepared
from skencoder.files import appearing, check_is_new, read_json
from skencoder.frames import user_stacklevel

if TYPE_CHECKING:
    from skencoder.checkpoints import Checkpoint
    from skencoder.encoder import Encoder, MaskedLM, StaticEncoder

PARAMETERS_FILE = "skencoder.json"
# Where a folder lies, where it is computed and what is kept there is said anew by who loads it;
# what was trained is trained.
NOT_SAVED = ("model", "cache", "device", "fine_tune", "random_state")


def save(folder: str | Path, prepared: Prepared, parameters: Mapping[str, Any]) -> Path:
    """Write a folder; it appears whole or not at all.

    Parameters
    ----------
    folder : str or Path
        Where to; it must not exist, or be empty.
    prepared : Prepared
        Model, options and plan.
    parameters : mapping of str to object
        The estimator's.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    CheckpointError
        If the folder holds something, the model or its head is damaged, or its architecture
        cannot be written.
    ParameterError
        If a parameter is a function.
    OSError
        If the disk is full or the folder cannot be written; nothing is left behind.

    Warns
    -----
    CheckpointWarning
        If the weights were changed since they were loaded: a head that does not belong to them
        is left out.
    """
    kept = _check_parameters(parameters)
    target = Path(folder).expanduser().absolute()
    check_is_new(target)
    checkpoint = _checkpoint(prepared)
    with appearing(target) as draft:
        _write_checkpoint(draft, checkpoint, prepared)
        content = json.dumps({"parameters": kept}, indent=2, ensure_ascii=False, default=_plain)
        (draft / PARAMETERS_FILE).write_text(content + "\n", encoding="utf-8")
        card = _card(target.name, prepared, kept, checkpoint.settings)
        (draft / "README.md").write_text(card, encoding="utf-8")
    return target


def load_parameters(folder: str | Path) -> dict[str, Any]:
    """Read the parameters of a saved vectorizer.

    Parameters
    ----------
    folder : str or Path
        As `save` wrote it.

    Returns
    -------
    dict
        By name; not those that were not saved.

    Raises
    ------
    CheckpointError
        If it is no such folder.
    """
    path = Path(folder).expanduser() / PARAMETERS_FILE
    if not path.is_file():
        raise CheckpointError(
            f"{path} is missing; EncoderVectorizer.save writes it. For any other checkpoint, "
            f"EncoderVectorizer(model=folder) is enough."
        )
    parameters = read_json(path).get("parameters")
    if not isinstance(parameters, dict):
        raise CheckpointError(f"{path} must hold an object of parameters; got {parameters!r}.")
    return parameters


def _plain(value: Any) -> Any:
    """Give a number of numpy's as one of Python's."""
    return value.item()


def _check_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in parameters.items() if name not in NOT_SAVED}
    functions = [name for name, value in kept.items() if callable(value)]
    if functions:
        raise ParameterError(
            f"{', '.join(functions)} cannot be saved: a folder holds no code. Do what it does "
            f"before the vectorizer, or pickle the estimator."
        )
    return kept


def _checkpoint(prepared: Prepared) -> "Checkpoint":
    """Load the model as its authors published it; weights changed since are taken as they are."""
    from skencoder.checkpoints import load_checkpoint

    source = prepared.handle.source
    checkpoint = load_checkpoint(
        source.model, trust_remote_code=source.trust_remote_code, with_head=True
    )
    if prepared.handle.is_reproducible:
        check_fingerprint(source, checkpoint.fingerprint)
        return checkpoint
    if checkpoint.masked_lm is not None:
        _warn_of_head(source.model)
    model = prepared.handle.load()
    return replace(checkpoint, encoder=model.encoder, projection=model.projection, masked_lm=None)


def _warn_of_head(name: str) -> None:
    warnings.warn(
        f"The head of {name!r} that guesses masked tokens is left out: the weights below it were "
        f"changed since they were loaded, and it was not trained with them.",
        CheckpointWarning,
        stacklevel=user_stacklevel(),
    )


def _write_checkpoint(folder: Path, checkpoint: "Checkpoint", prepared: Prepared) -> None:
    from skencoder.checkpoints import save_checkpoint

    save_checkpoint(
        folder,
        _model(checkpoint, prepared.handle.source.model),
        tokenizer_folder=checkpoint.folder,
        settings=_settings(checkpoint.settings, prepared),
        projection=checkpoint.projection,
        model_type=checkpoint.model_type,
    )


def _model(checkpoint: "Checkpoint", name: str) -> "Encoder | MaskedLM | StaticEncoder":
    """Take the head that guesses masked tokens along, where there is one."""
    from skencoder.checkpoints import TransformersEncoder

    if isinstance(checkpoint.encoder, TransformersEncoder):
        raise CheckpointError(
            f"The architecture {checkpoint.model_type!r} is computed by transformers and cannot "
            f"be written here; copy its folder {name!r} instead."
        )
    return checkpoint.masked_lm or checkpoint.encoder


def _settings(published: SentenceSettings, prepared: Prepared) -> SentenceSettings:
    """Put into the authors' settings what the estimator does otherwise."""
    plan, prompts = prepared.plan, dict(published.prompts)
    role = next((name for name, prompt in prompts.items() if prompt == plan.prompt), None)
    if role is None and plan.prompt:
        role = "skencoder"
        prompts[role] = plan.prompt
    return replace(
        published,
        pooling="+".join(plan.poolings),
        normalize=plan.normalize,
        max_length=plan.max_length,
        truncate_dim=plan.n_features if plan.n_features < plan.full_width else None,
        prompts=prompts,
        default_prompt=role,
    )


def _card(
    name: str, prepared: Prepared, parameters: dict[str, Any], published: SentenceSettings
) -> str:
    plan, source = prepared.plan, prepared.handle.source
    # Of a folder its name is enough; where it lies is nobody's business.
    origin = Path(source.model).name if Path(source.model).is_absolute() else source.model
    rows = "\n".join(f"| `{key}` | `{value!r}` |" for key, value in sorted(parameters.items()))
    prompt = f"- prompt before every text: `{plan.prompt!r}`\n" if plan.prompt else ""
    # A static model has no limit that any text would reach.
    reach = f"up to {plan.max_length} tokens" if plan.max_length < 10**9 else "any length"
    layer = ""
    if plan.layer != prepared.n_layers:
        layer = (
            f"- vectors of hidden state {plan.layer} of {prepared.n_layers}; other libraries read "
            f"the last one\n"
        )
    return f"""---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags: [sentence-similarity, feature-extraction, scikit-learn, skencoder]
---

# {name}

A sentence encoder, saved by skencoder from **{origin}**
(fingerprint `{prepared.handle.fingerprint[:16]}`). Its authors' licence and advice apply.

- vectors of {plan.n_features} numbers, {"unit length" if plan.normalize else "not normalised"}
- pooling: {" + ".join(plan.poolings)}
- texts of {reach}
{prompt}{layer}- compared by {published.similarity or "cosine"}

```python
from skencoder import EncoderVectorizer

vectors = EncoderVectorizer.load("{name}").fit_transform(["a text", "another"])
```

```python
from sentence_transformers import SentenceTransformer

vectors = SentenceTransformer("{name}").encode(["a text", "another"])
```

| parameter | value |
|---|---|
{rows}
"""
