"""What is known of a model without loading it, and where that is kept."""

import hashlib
import json
import os
import platform
from dataclasses import asdict, fields
from functools import cache as remember
from importlib import metadata
from typing import Any

from skencoder.cache import ENCODING_REVISION, EmbeddingCache
from skencoder.checkpoint_files import SentenceSettings
from skencoder.encode_once.handle import ModelHandle
from skencoder.encoding_plan import ModelFacts


def look_for_facts(handle: ModelHandle, cache: EmbeddingCache | None) -> ModelFacts | None:
    """Say what is known of a model, without loading it.

    Parameters
    ----------
    handle : ModelHandle
        Of the model.
    cache : EmbeddingCache or None
        Where it may be known.

    Returns
    -------
    ModelFacts or None
        None where nothing is known.
    """
    model = handle.in_memory
    if model is not None:
        keep_facts(model.facts, handle, cache)
    elif handle.facts is None and cache is not None:
        handle.facts = facts_from_json(cache.get_fact(_name(handle)))
    return handle.facts


def find_facts(handle: ModelHandle, cache: EmbeddingCache | None) -> ModelFacts:
    """Say what is known of a model, and load it if that is nothing.

    Parameters
    ----------
    handle : ModelHandle
        Of the model.
    cache : EmbeddingCache or None
        Where it may be known.

    Returns
    -------
    ModelFacts
        Sizes, settings, precision.
    """
    known = look_for_facts(handle, cache)
    return known or keep_facts(handle.load(cache).facts, handle, cache)


def keep_facts(facts: ModelFacts, handle: ModelHandle, cache: EmbeddingCache | None) -> ModelFacts:
    """Note down what is known of a model, for others too.

    Parameters
    ----------
    facts : ModelFacts
        What is known.
    handle : ModelHandle
        Of the model.
    cache : EmbeddingCache or None
        Where others look.

    Returns
    -------
    ModelFacts
        The same.
    """
    handle.facts = facts
    if cache is not None and handle.is_reproducible:
        name = _name(handle)
        if facts_from_json(cache.get_fact(name)) != facts:
            cache.put_fact(name, asdict(facts))
    return facts


def facts_from_json(content: dict[str, Any] | None) -> ModelFacts | None:
    """Read what is known of a model.

    Parameters
    ----------
    content : dict or None
        As `dataclasses.asdict` wrote it.

    Returns
    -------
    ModelFacts or None
        None where nothing was written, or by another version.
    """
    if content is None:
        return None
    try:
        widths, settings = content["projection_widths"], SentenceSettings(**content["settings"])
        rest = {"settings": settings, "projection_widths": widths and tuple(widths)}
        return ModelFacts(**content | rest)
    except (TypeError, KeyError, ValueError):
        return None


def _name(handle: ModelHandle) -> str:
    """Name what is known, with all that "auto" depends on."""
    source = handle.source
    depends = [
        ENCODING_REVISION,
        [field.name for kind in (ModelFacts, SentenceSettings) for field in fields(kind)],
        [source.fingerprint, source.precision, source.device, source.trust_remote_code],
        platform.node(),
        _torch_version(),
        os.environ.get("CUDA_VISIBLE_DEVICES"),
    ]
    return f"model/{hashlib.blake2b(json.dumps(depends).encode(), digest_size=16).hexdigest()}"


@remember
def _torch_version() -> str:
    return metadata.version("torch")
