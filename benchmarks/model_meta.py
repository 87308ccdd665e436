"""What is known about a model, as mteb records it: its name, its identity, its settings.

Nothing is guessed: a field of mteb's record that is not known stays empty.
"""

import pickle
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
from sklearn.pipeline import Pipeline

from skencoder import EncoderVectorizer, EncodingOptions

from .prompts import find_encoder, read_prompts

if TYPE_CHECKING:
    from mteb.models.model_meta import ModelMeta

# Parameters of an encoder that do not change its vectors, or that are recorded elsewhere.
NOT_SETTINGS = frozenset(
    {"model", "precision", "device", "batch_tokens", "cache", "output", "verbose"}
)
# A bare name is looked up under this owner, and the embedded weights are that owner's file.
OWNER_OF_BARE_NAMES = "sentence-transformers"
STANDARD_PRECISION = "float32"


def describe_model(estimator: Any, *, name: str | None, width: int) -> "ModelMeta":
    """Fill in mteb's record of a model.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    name : str or None
        ``"owner/model"``; None makes one from the checkpoint or the classes.
    width : int
        Dimensions of its vectors.

    Returns
    -------
    ModelMeta
        The revision is the fingerprint of the encoder; where there is more than an encoder,
        a hash of the whole fitted estimator.
    """
    from mteb.models.model_meta import ModelMeta

    encoder = find_encoder(estimator)
    known: dict[str, Any] = {
        "name": _with_owner(name) if name else _make_name(estimator),
        "revision": _make_revision(estimator),
        "embed_dim": width,
        "similarity_fn_name": "cosine",
        "framework": [],
    }
    if encoder is not None:
        known |= {
            "framework": ["PyTorch"],
            "n_parameters": sum(p.numel() for p in encoder.encoder_.encoder.parameters()),
            "max_tokens": _max_tokens(encoder),
            "use_instructions": any(read_prompts(estimator).values()),
        }
    if encoder is estimator:
        known["experiment_kwargs"] = _unusual_settings(encoder) or None
    required = [name for name, field in ModelMeta.model_fields.items() if field.is_required()]
    return ModelMeta(**{**dict.fromkeys(required), **known})


def _make_name(estimator: Any) -> str:
    if isinstance(estimator, Pipeline):
        return "sklearn/" + "-".join(type(step).__name__ for _, step in estimator.steps)
    if isinstance(estimator, EncoderVectorizer):
        return _checkpoint_name(estimator.encoder_.source.model)
    return f"sklearn/{type(estimator).__name__}"


def _checkpoint_name(model: str) -> str:
    folder = Path(model)
    return f"local/{folder.name}" if folder.is_dir() else _with_owner(model)


def _with_owner(name: str) -> str:
    return name if "/" in name else f"{OWNER_OF_BARE_NAMES}/{name}"


def _make_revision(estimator: Any) -> str:
    if isinstance(estimator, EncoderVectorizer):
        return str(estimator.model_fingerprint_)
    try:
        return str(joblib.hash(estimator))
    except (pickle.PicklingError, TypeError, AttributeError):
        # Without an identity no stored score may ever be taken for this model's.
        return f"unpicklable-{uuid.uuid4().hex}"


def _max_tokens(encoder: EncoderVectorizer) -> int:
    return encoder.encoder_.plan(EncodingOptions(max_length=encoder.max_length)).max_length


def _unusual_settings(encoder: EncoderVectorizer) -> dict[str, Any]:
    """List what sets this encoder apart from the same checkpoint as its scores are published."""
    default = EncoderVectorizer().get_params()
    settings = {
        name: value if isinstance(value, str | int | float) else repr(value)
        for name, value in encoder.get_params(deep=False).items()
        if name not in NOT_SETTINGS and value != default[name]
    }
    if settings.get("overflow") == "truncate":  # the same vectors as "warn"
        del settings["overflow"]
    if encoder.encoder_.precision != STANDARD_PRECISION:
        settings["precision"] = encoder.encoder_.precision
    return settings


def all_settings(estimator: Any) -> dict[str, Any]:
    """List how an estimator's encoder was run.

    Parameters
    ----------
    estimator : estimator
        Fitted.

    Returns
    -------
    dict
        Parameters of the encoder as text, with the precision and the device that were used;
        empty where there is no encoder.
    """
    encoder = find_encoder(estimator)
    if encoder is None:
        return {}
    used = {"precision": encoder.encoder_.precision, "device": str(encoder.encoder_.device)}
    return {name: str(value) for name, value in encoder.get_params(deep=False).items()} | used
