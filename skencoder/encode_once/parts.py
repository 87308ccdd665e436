"""What of a plan is stored under keys of its own, and what else of one pass is worth keeping."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skencoder.cache import EmbeddingCache, Space
from skencoder.encoding_plan import EncodingPlan, ModelFacts

Vectors = NDArray[np.float32]
Lengths = NDArray[np.int64]
Found = NDArray[np.bool_]


def split(plan: EncodingPlan, facts: ModelFacts) -> list[EncodingPlan]:
    """Split a plan into what is stored under keys of its own.

    Poolings side by side are stored one by one, so that each also serves alone; after a linear map
    they cannot be told apart.

    Parameters
    ----------
    plan : EncodingPlan
        As a user asked.
    facts : ModelFacts
        Of the model.

    Returns
    -------
    list of EncodingPlan
        Their vectors side by side are the plan's.
    """
    if facts.projection_widths is not None or len(plan.poolings) == 1:
        return [plan]
    width = facts.hidden_size
    return [replace(plan, poolings=(pooling,), full_width=width) for pooling in plan.poolings]


def relatives(
    plan: EncodingPlan, facts: ModelFacts, layers: Iterable[int], poolings: Iterable[str]
) -> tuple[EncodingPlan, ...]:
    """List the plans that the same pass can serve.

    Parameters
    ----------
    plan : EncodingPlan
        How texts are encoded.
    facts : ModelFacts
        Of the model.
    layers : iterable of int
        Which hidden states, counted from the embeddings, 0.
    poolings : iterable of str
        Which single poolings.

    Returns
    -------
    tuple of EncodingPlan
        Every layer with every pooling that fits, each once.
    """
    kept = [(pooling,) for pooling in poolings if _fits(pooling, plan, facts)]
    width = facts.hidden_size if facts.projection_widths is None else plan.full_width
    # Another library's model computes each layer's hidden states in a pass of their own.
    layers = layers if facts.shares_pass else ()
    plans = [replace(plan, layer=layer) for layer in layers] + [plan]
    related = [
        replace(one, poolings=pooling, full_width=width) for one in plans for pooling in kept
    ]
    return tuple(dict.fromkeys([*plans, *related]))


def _fits(pooling: str, plan: EncodingPlan, facts: ModelFacts) -> bool:
    if facts.projection_widths is not None and facts.projection_widths[0] != facts.hidden_size:
        return False
    # Its weights count from the beginning of the text, prompt included.
    return pooling != "weighted_mean" or plan.pools_prompt or not plan.prompt


def space_of(plan: EncodingPlan, fingerprint: str, precision: str, dtype: str) -> Space:
    """Say what the vectors of a plan depend on beside the text.

    Parameters
    ----------
    plan : EncodingPlan
        How texts are encoded.
    fingerprint : str
        Of the model.
    precision : str
        In what it computes.
    dtype : str
        In what vectors are stored.

    Returns
    -------
    Space
        For `EmbeddingCache`.
    """
    return Space(
        fingerprint=fingerprint,
        pooling="+".join(plan.poolings),
        layer=plan.layer,
        prompt=plan.prompt,
        max_length=plan.max_length,
        overflow="cut" if plan.overlap is None else "chunk",
        precision=precision,
        dtype=dtype,
    )


class CachedParts:
    """A cache as one model and one plan see it.

    Parameters
    ----------
    cache : EmbeddingCache
        Where rows are.
    fingerprint : str
        Of the model.
    facts : ModelFacts
        Of the model.
    plan : EncodingPlan
        How texts are encoded.
    """

    def __init__(
        self, cache: EmbeddingCache, fingerprint: str, facts: ModelFacts, plan: EncodingPlan
    ) -> None:
        self.plans = split(plan, facts)
        self._cache = cache
        self._spaces = [
            space_of(part, fingerprint, facts.precision, cache.dtype) for part in self.plans
        ]

    def get(self, texts: Sequence[str], *, count: bool) -> tuple[Vectors, Lengths, Found]:
        """Look texts up.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            The texts.
        count : bool
            Whether hits and misses are counted.

        Returns
        -------
        float32 of shape (n_texts, full_width)
            Undefined where something is missing.
        int64 of shape (n_texts,)
            Tokens of each text; undefined where something is missing.
        bool of shape (n_texts,)
            Which are there.
        """
        rows = [
            # A text is a hit or a miss once, however many parts it has.
            self._cache.get(space, texts, plan.full_width, count=count and plan is self.plans[0])
            for space, plan in zip(self._spaces, self.plans, strict=True)
        ]
        if len(rows) == 1:
            return rows[0].vectors, rows[0].lengths, rows[0].found
        there = np.logical_and.reduce([part.found for part in rows])
        return np.concatenate([part.vectors for part in rows], 1), rows[0].lengths, there
