"""What encoding took: texts that were asked for, those really encoded, cut ones, and seconds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from skencoder import EmbeddingCache

from .prompts import find_encoder


@dataclass
class EncodingRecord:
    """What encoding the texts of one subset took.

    Parameters
    ----------
    n_texts : int, default=0
        Texts whose vectors were asked for.
    n_encoded : int, default=0
        Texts of them that the model encoded; the others' vectors were in a cache.
    n_truncated : int, default=0
        Texts that were cut at the model's limit.
    seconds : float, default=0.0
        Time spent in the model.
    """

    n_texts: int = 0
    n_encoded: int = 0
    n_truncated: int = 0
    seconds: float = 0.0

    @property
    def texts_per_second(self) -> float:
        """Texts per second of encoding; 0 where all vectors were in a cache."""
        return self.n_encoded / self.seconds if self.seconds else 0.0

    @contextmanager
    def measured(self, estimator: Any, n_texts: int) -> Iterator[None]:
        """Add what a block takes.

        Parameters
        ----------
        estimator : estimator
            That encodes there.
        n_texts : int
            Texts that it is asked for.

        Yields
        ------
        None
            Nothing.
        """
        before, start = _count_encoded(estimator), time.perf_counter()
        yield
        self.seconds += time.perf_counter() - start
        after = _count_encoded(estimator)
        self.n_texts += n_texts
        self.n_encoded += n_texts if before is None or after is None else after - before


def _count_encoded(estimator: Any) -> int | None:
    """Give how many texts a cache has seen encoded; None without a cache."""
    encoder = find_encoder(estimator)
    cache = encoder.cache if encoder is not None else None
    if cache is None:
        return None
    if not isinstance(cache, EmbeddingCache):
        cache = EmbeddingCache() if cache == "session" else EmbeddingCache(cache)
    return cache.stats().texts_encoded
