"""What is asked for when vectors are missing, and how it is answered with a model in memory."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skencoder.cache import EmbeddingCache
from skencoder.encode_once.facts import find_facts, keep_facts
from skencoder.encode_once.handle import ModelHandle
from skencoder.encode_once.parts import CachedParts, Lengths, Vectors, space_of, split
from skencoder.encoding_plan import EncodingPlan, ModelFacts
from skencoder.fork_lock import ForkLock

Advance = Callable[[int], object]


@dataclass(frozen=True)
class Request:
    """Texts whose vectors are not in the cache.

    Parameters
    ----------
    plan : EncodingPlan
        How they are encoded.
    relatives : tuple of EncodingPlan
        What else of the same pass is worth keeping.
    texts : list of str of shape (n_texts,)
        Different ones.
    rows : list of int of shape (n_texts,)
        What the caller calls them, for messages.
    """

    plan: EncodingPlan
    relatives: tuple[EncodingPlan, ...]
    texts: list[str]
    rows: list[int]


@dataclass(frozen=True)
class Answer:
    """Vectors as the model gives them, and the lengths of the texts.

    Parameters
    ----------
    vectors : float32 of shape (n_texts, full_width)
        Neither truncated nor normalised.
    lengths : int64 of shape (n_texts,)
        Tokens of each text, special tokens included.
    """

    vectors: Vectors
    lengths: Lengths


def answer(
    request: Request,
    handle: ModelHandle,
    cache: EmbeddingCache | None,
    advance: Advance | None = None,
) -> Answer:
    """Encode what nobody else has encoded in the meantime, and keep it.

    One request is answered at a time in a process, so that no text is encoded twice.

    Parameters
    ----------
    request : Request
        What is missing.
    handle : ModelHandle
        Of the model.
    cache : EmbeddingCache or None
        Where vectors are kept.
    advance : callable, optional
        Told how many more texts are done.

    Returns
    -------
    Answer
        In the order of the request.
    """
    with _turn.mine:
        if cache is None:
            return _encode(request, handle, [request.plan], None, advance)[0]
        facts = find_facts(handle, cache)
        vectors, lengths, rest = _look_again(request, handle, facts, cache)
        if len(rest) and handle.load(cache).facts != facts:
            # "auto" means something else here than where that was noted down.
            facts = keep_facts(handle.load(cache).facts, handle, cache)
            vectors, lengths, rest = _look_again(request, handle, facts, cache)
        if advance and len(rest) < len(request.texts):
            advance(len(request.texts) - len(rest))
        if len(rest):
            new = _encode_and_keep(_choose(request, rest), handle, facts, cache, advance)
            vectors[rest], lengths[rest] = new.vectors, new.lengths
        return Answer(vectors, lengths)


def _look_again(
    request: Request, handle: ModelHandle, facts: ModelFacts, cache: EmbeddingCache
) -> tuple[Vectors, Lengths, Lengths]:
    """Look for what somebody else has encoded since the request was made."""
    parts = CachedParts(cache, handle.fingerprint, facts, request.plan)
    vectors, lengths, there = parts.get(request.texts, count=False)
    return vectors, lengths, np.flatnonzero(~there)


def _choose(request: Request, rows: Lengths) -> Request:
    return Request(
        request.plan,
        request.relatives,
        [request.texts[row] for row in rows],
        [request.rows[row] for row in rows],
    )


def _encode_and_keep(
    request: Request,
    handle: ModelHandle,
    facts: ModelFacts,
    cache: EmbeddingCache,
    advance: Advance | None,
) -> Answer:
    own = split(request.plan, facts)
    others = [part for plan in request.relatives for part in split(plan, facts)]
    plans = list(dict.fromkeys([*own, *others]))
    encoded = _encode(request, handle, plans, cache, advance)
    fingerprint, lengths = handle.fingerprint, encoded[0].lengths
    for plan, one in zip(plans, encoded, strict=True):
        space = space_of(plan, fingerprint, facts.precision, cache.dtype)
        cache.put(space, request.texts, one.vectors, lengths)
    cache.count(texts_encoded=len(request.texts))
    vectors = [_as_kept(one.vectors, cache.dtype) for one in encoded[: len(own)]]
    return Answer(vectors[0] if len(vectors) == 1 else np.concatenate(vectors, 1), lengths)


def _as_kept(vectors: Vectors, dtype: str) -> Vectors:
    """Round as the cache does, so that the first answer is the same as all later ones."""
    with np.errstate(over="ignore"):
        rounded: Vectors = vectors.astype(dtype, copy=False).astype(np.float32, copy=False)
    return np.where(np.isfinite(rounded), rounded, vectors) if dtype != "float32" else vectors


def _encode(
    request: Request,
    handle: ModelHandle,
    plans: list[EncodingPlan],
    cache: EmbeddingCache | None,
    advance: Advance | None,
) -> list[Answer]:
    raw = handle.load(cache).encode_raw(
        request.texts, plans, rows=np.array(request.rows), advance=advance
    )
    return [Answer(vectors.numpy(), raw.lengths) for vectors in raw.vectors]


def count_tokens(
    texts: list[str], plan: EncodingPlan, handle: ModelHandle, cache: EmbeddingCache | None
) -> Lengths:
    """Count tokens where texts that are too long are refused before any is encoded.

    Parameters
    ----------
    texts : list of str of shape (n_texts,)
        The texts.
    plan : EncodingPlan
        Says which prompt.
    handle : ModelHandle
        Of the model.
    cache : EmbeddingCache or None
        Where a load is counted.

    Returns
    -------
    int64 of shape (n_texts,)
        Tokens of each, special tokens included.
    """
    return handle.load(cache).count_tokens(texts, plan)


# Of callbacks that hear how it goes one may ask for vectors itself.
_turn = ForkLock(threading.RLock)
