"""From texts to vectors by the shortest way: the cache, the process that serves us, the model."""

import time
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from skencoder.cache import EmbeddingCache
from skencoder.encode_once.facts import facts_from_json, find_facts, look_for_facts
from skencoder.encode_once.handle import ModelHandle
from skencoder.encode_once.messages import Message
from skencoder.encode_once.parts import CachedParts, Lengths, Vectors
from skencoder.encode_once.request import Answer, Request, answer, count_tokens
from skencoder.encode_once.service import Worker, colleague, read_answer
from skencoder.encoding_plan import EncodingPlan, ModelFacts
from skencoder.text_checks import check_texts, report_overlong

# What is encoded before it is stored and others have their turn: about this long, and this many
# characters until the pace is known.
SECONDS_AT_ONCE = 4.0
CHARACTERS_AT_FIRST = 2**16
FEWEST_CHARACTERS = 2**14
MOST_CHARACTERS = 2**25
MOST_TEXTS = 2**15


class Progress(Protocol):
    """Is told how the encoding of missing texts goes."""

    def start(self, total: int) -> None:
        """Hear how many texts have to be encoded.

        Parameters
        ----------
        total : int
            Texts that are not in the cache, each counted once.
        """

    def advance(self, number: int) -> None:
        """Hear how many more are done.

        Parameters
        ----------
        number : int
            Texts that are done since the last time.
        """


def learn_facts(handle: ModelHandle, cache: EmbeddingCache | None) -> ModelFacts:
    """Say what is to be known of a model, loading it only if nobody else knows.

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
    worker = _colleague(handle, cache)
    if worker is not None and cache is not None and look_for_facts(handle, cache) is None:
        message = Message("facts", handle.source, cache, None, handle.unpickled)
        handle.facts = worker.ask(message, lambda head, _: facts_from_json(head))
    return find_facts(handle, cache)


def encode_texts(
    texts: Sequence[str],
    handle: ModelHandle,
    plan: EncodingPlan,
    cache: EmbeddingCache | None,
    *,
    relatives: tuple[EncodingPlan, ...] = (),
    progress: Progress | None = None,
) -> Answer:
    """Give texts their vectors, and encode those that nobody has encoded before.

    Parameters
    ----------
    texts : sequence of str of shape (n_texts,)
        The texts.
    handle : ModelHandle
        Of the model.
    plan : EncodingPlan
        How they are encoded.
    cache : EmbeddingCache or None
        Where vectors are kept.
    relatives : tuple of EncodingPlan, default=()
        What else of the same pass is worth keeping.
    progress : Progress, optional
        Is told how it goes.

    Returns
    -------
    Answer
        Neither truncated nor normalised, in the order of the texts.

    Raises
    ------
    OverlongTextError
        If ``overflow="error"`` and a text has more tokens than allowed.
    TextInputError
        If a row is no text or holds half a character; the row is named.
    """
    check_texts(texts)
    vectors, lengths, missing = _look_up(texts, handle, plan, cache)
    unique, inverse, rows = _unique(texts, missing)
    if progress is not None:
        progress.start(len(unique))
    if not unique:
        return Answer(vectors, lengths)
    worker = _colleague(handle, cache)
    if plan.overflow == "error":
        lengths[missing] = _count(unique, handle, plan, cache, worker)[inverse]
        report_overlong(lengths, plan.max_length, "error")
    for start, stop in Portions(unique):
        request = Request(plan, relatives, unique[start:stop], rows[start:stop])
        found = _ask(request, handle, cache, worker, progress)
        here = (inverse >= start) & (inverse < stop)
        vectors[missing[here]] = found.vectors[inverse[here] - start]
        lengths[missing[here]] = found.lengths[inverse[here] - start]
    return Answer(vectors, lengths)


class Portions:
    """Cuts texts into portions that take about the same time each.

    Parameters
    ----------
    texts : list of str of shape (n_texts,)
        What is cut.
    """

    def __init__(self, texts: list[str]) -> None:
        self._ends = np.cumsum([len(text) for text in texts])

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Go through the portions; the time until the next is asked for sets its size.

        Yields
        ------
        int
            Where it starts, in texts.
        int
            Where it stops.
        """
        start, budget = 0, CHARACTERS_AT_FIRST
        while start < len(self._ends):
            done = int(self._ends[start - 1]) if start else 0
            stop = int(np.searchsorted(self._ends, done + budget, side="right"))
            stop = min(max(stop, start + 1), start + MOST_TEXTS)
            began = time.perf_counter()
            yield start, stop
            pace = (int(self._ends[stop - 1]) - done) / (time.perf_counter() - began + 1e-9)
            budget = int(np.clip(pace * SECONDS_AT_ONCE, FEWEST_CHARACTERS, MOST_CHARACTERS))
            start = stop


def _look_up(
    texts: Sequence[str], handle: ModelHandle, plan: EncodingPlan, cache: EmbeddingCache | None
) -> tuple[Vectors, Lengths, Lengths]:
    if cache is not None:
        facts = learn_facts(handle, cache)
        parts = CachedParts(cache, handle.fingerprint, facts, plan)
        vectors, lengths, there = parts.get(texts, count=True)
        return vectors, lengths, np.flatnonzero(~there)
    n_texts = len(texts)
    empty = np.empty((n_texts, plan.full_width), np.float32)
    return empty, np.empty(n_texts, np.int64), np.arange(n_texts)


def _unique(texts: Sequence[str], missing: Lengths) -> tuple[list[str], Lengths, list[int]]:
    """List the missing texts once each, where each row's is, and the first row of each."""
    places: dict[str, int] = {}
    rows: list[int] = []
    inverse = np.empty(len(missing), np.int64)
    for position, row in enumerate(missing.tolist()):
        inverse[position] = place = places.setdefault(texts[row], len(places))
        if place == len(rows):
            rows.append(row)
    return list(places), inverse, rows


def _colleague(handle: ModelHandle, cache: EmbeddingCache | None) -> Worker | None:
    """Find the process to ask; None where the work is done here."""
    if cache is None:
        return None
    try:
        worker = colleague()
    except OSError:
        return None
    # Weights that somebody changed here are not there.
    return worker if handle.is_reproducible else None


def _count(
    texts: list[str],
    handle: ModelHandle,
    plan: EncodingPlan,
    cache: EmbeddingCache | None,
    worker: Worker | None,
) -> Lengths:
    if worker is not None and cache is not None:
        request = Request(plan, (), texts, [])
        found = worker.ask(
            Message("count", handle.source, cache, request, handle.unpickled), read_answer
        )
        if found is not None:
            lengths: Lengths = found.lengths
            return lengths
    return count_tokens(texts, plan, handle, cache)


def _ask(
    request: Request,
    handle: ModelHandle,
    cache: EmbeddingCache | None,
    worker: Worker | None,
    progress: Progress | None,
) -> Answer:
    advance = progress.advance if progress is not None else None
    if worker is not None and cache is not None:
        message = Message("encode", handle.source, cache, request, handle.unpickled)
        found: Answer | None = worker.ask(message, read_answer)
        if found is not None:
            if advance:
                advance(len(request.texts))
            return found
    return answer(request, handle, cache, advance)
