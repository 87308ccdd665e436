"""What a fit decides: which model, which options, which cache; and encoding with that."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skencoder.cache import EmbeddingCache
from skencoder.encode_once import (
    ModelHandle,
    Progress,
    encode_texts,
    learn_facts,
    relatives,
)
from skencoder.encoding_options import EncodingOptions
from skencoder.encoding_plan import EncodingPlan, plan_encoding, plan_from_json
from skencoder.errors import ParameterError
from skencoder.model_source import Source
from skencoder.text_checks import report_overlong

if TYPE_CHECKING:
    from torch import Tensor

# A vector of zeros stays one.
SMALLEST_NORM = 1e-12


@dataclass(frozen=True)
class Encoded:
    """Vectors and what had to be done to get them.

    Parameters
    ----------
    vectors : float32 of shape (n_texts, n_features)
        An array, or a tensor on the model's device.
    n_overlong : int
        Texts that had more tokens than allowed.
    """

    vectors: "NDArray[np.float32] | Tensor"
    n_overlong: int


@dataclass(frozen=True)
class Prepared:
    """A model, options and a cache that fit each other.

    Parameters
    ----------
    handle : ModelHandle
        Of the model.
    options : EncodingOptions
        As the user gave them.
    plan : EncodingPlan
        What they mean for this model.
    cache : EmbeddingCache or None
        Where vectors are kept.
    output : {"numpy", "torch"}
        What is given back.
    """

    handle: ModelHandle
    options: EncodingOptions
    plan: EncodingPlan
    cache: EmbeddingCache | None
    output: str

    @classmethod
    def make(
        cls, handle: ModelHandle, options: EncodingOptions, cache: Any, output: str
    ) -> "Prepared":
        """Check that everything fits.

        Parameters
        ----------
        handle : ModelHandle
            Of the model.
        options : EncodingOptions
            As the user gave them.
        cache : EmbeddingCache, str, Path or None
            As the user gave it.
        output : {"numpy", "torch"}
            What is given back.

        Returns
        -------
        Prepared
            Ready for texts.

        Raises
        ------
        ParameterError
            If a value does not fit the model.
        """
        place = make_cache(cache)
        return cls(handle, options, _plan(options, handle, place), place, output)

    def to_state(self) -> dict[str, Any]:
        """Write what a pickle keeps: a reference to the model, and plain values.

        Returns
        -------
        dict
            Small, and without objects of ours.
        """
        return {
            "source": self.handle.__getstate__(),
            "options": dataclasses.asdict(self.options),
            "plan": dataclasses.asdict(self.plan),
            "cache": self.cache and self.cache.__getstate__(),
            "output": self.output,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Prepared":
        """Read what a pickle kept.

        Parameters
        ----------
        state : dict
            As `to_state` wrote it.

        Returns
        -------
        Prepared
            The same; its model is not loaded.

        Raises
        ------
        CheckpointError
            If the model's files are not there, or not the same.
        """
        handle = ModelHandle(Source(**state["source"]), unpickled=True)
        handle.check_files()
        return cls(
            handle,
            EncodingOptions(**state["options"]),
            plan_from_json(state["plan"]),
            state["cache"] and EmbeddingCache(**state["cache"]),
            state["output"],
        )

    @property
    def n_layers(self) -> int:
        """Layers of the model."""
        return learn_facts(self.handle, self.cache).num_hidden_layers

    def changed(self, **changes: Any) -> "Prepared":
        """Give the same with other options.

        Parameters
        ----------
        **changes : object
            Options by name.

        Returns
        -------
        Prepared
            Ready for texts.

        Raises
        ------
        ParameterError
            If a value does not fit the model.
        """
        return Prepared.make(
            self.handle, dataclasses.replace(self.options, **changes), self.cache, self.output
        )

    def encode(
        self,
        texts: list[str],
        progress: Progress,
        layers: Iterable[int] = (),
        poolings: Iterable[str] = (),
    ) -> Encoded:
        """Encode texts, or find their vectors.

        Parameters
        ----------
        texts : list of str of shape (n_texts,)
            The texts.
        progress : Progress
            Is told how it goes.
        layers : iterable of int, default=()
            Whose vectors are kept too.
        poolings : iterable of str, default=()
            Whose vectors are kept too.

        Returns
        -------
        Encoded
            In the order of the texts.
        """
        if self.output == "torch" and self.cache is None:
            # Without a detour over the CPU; nothing is kept, so nothing has to be there.
            model = self.handle.load()
            encoded = model.encode(texts, self.options, output_device=model.device)
            return Encoded(encoded.vectors, encoded.n_overlong)
        others: tuple[EncodingPlan, ...] = ()
        layers, poolings = tuple(layers), tuple(poolings)
        if layers or poolings:
            facts = learn_facts(self.handle, self.cache)
            others = relatives(self.plan, facts, layers, poolings)
        answer = encode_texts(
            texts, self.handle, self.plan, self.cache, relatives=others, progress=progress
        )
        n_overlong = report_overlong(answer.lengths, self.plan.max_length, self.plan.overflow)
        vectors = _finish(answer.vectors, self.plan)
        return Encoded(self._to_device(vectors) if self.output == "torch" else vectors, n_overlong)

    def _to_device(self, vectors: NDArray[np.float32]) -> "Tensor":
        import torch

        return torch.from_numpy(vectors).to(self.handle.device)


def _plan(
    options: EncodingOptions, handle: ModelHandle, cache: EmbeddingCache | None
) -> EncodingPlan:
    return plan_encoding(options, learn_facts(handle, cache), handle.count_tokens)


def make_cache(cache: Any) -> EmbeddingCache | None:
    """Give the cache that a user means.

    Parameters
    ----------
    cache : EmbeddingCache, str, Path or None
        As the user gave it.

    Returns
    -------
    EmbeddingCache or None
        None keeps nothing.

    Raises
    ------
    ParameterError
        If it is something else.
    """
    if cache is None or isinstance(cache, EmbeddingCache):
        return cache
    if isinstance(cache, str) and cache == "session":
        return EmbeddingCache()
    if isinstance(cache, str | Path) and str(cache).strip():
        return EmbeddingCache(cache)
    raise ParameterError(
        f"cache must be 'session', a folder's path, an EmbeddingCache or None; got {cache!r}."
    )


def _finish(vectors: NDArray[np.float32], plan: EncodingPlan) -> NDArray[np.float32]:
    """Cut off and scale, in place: the vectors are a copy of what is kept."""
    if plan.n_features < vectors.shape[1]:
        vectors = np.ascontiguousarray(vectors[:, : plan.n_features])
    if plan.normalize:
        norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        vectors /= np.maximum(norms, SMALLEST_NORM)[:, None]
    return vectors
