"""What is asked for when vectors are missing, and how it is answered with a model in memory."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skencoder.cache import EmbeddingCache
from skencoder.encode_once.handle import ModelHandle
from skencoder.encode_once.parts import CachedParts, Lengths, Vectors
from skencoder.encoding_plan import EncodingPlan

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
    with _turn:
        if cache is None:
            return _encode(request, handle, [request.plan], None, advance)[0]
        kept = CachedParts(cache, handle, request.plan)
        vectors, lengths, there = kept.get(request.texts, count=False)
        if advance and there.any():
            advance(int(there.sum()))
        rest = np.flatnonzero(~there)
        if len(rest):
            new = _encode_and_keep(_choose(request, rest), handle, cache, kept, advance)
            vectors[rest], lengths[rest] = new.vectors, new.lengths
        return Answer(vectors, lengths)


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
    cache: EmbeddingCache,
    kept: CachedParts,
    advance: Advance | None,
) -> Answer:
    others = [
        CachedParts(cache, handle, plan) for plan in request.relatives if plan != request.plan
    ]
    plans = list(dict.fromkeys(plan for parts in [kept, *others] for plan in parts.plans))
    encoded = _encode(request, handle, plans, cache, advance)
    by_plan = dict(zip(plans, encoded, strict=True))
    for parts in [kept, *others]:
        arrays = [by_plan[plan].vectors for plan in parts.plans]
        parts.put(request.texts, arrays, encoded[0].lengths)
    cache.count(texts_encoded=len(request.texts))
    own = [by_plan[plan].vectors for plan in kept.plans]
    return Answer(own[0] if len(own) == 1 else np.concatenate(own, 1), encoded[0].lengths)


def _encode(
    request: Request,
    handle: ModelHandle,
    plans: list[EncodingPlan],
    cache: EmbeddingCache | None = None,
    advance: Advance | None = None,
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


_turn = threading.Lock()


def _forget_turn() -> None:
    global _turn  # noqa: PLW0603 - another thread may have held it when the process was forked
    _turn = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_turn)
