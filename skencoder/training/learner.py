"""The model while it learns: encoder, head and maps on a device, and what runs them.

Its weights are float32; autocast decides in what it multiplies.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from skencoder.encoder import (
    Encoder,
    MaskedLM,
    Readout,
    SelfAttention,
    StaticEncoder,
    pool,
    run_attention,
    skip_tokens,
    varlen_attention,
)
from skencoder.training.batches import PackedTexts
from skencoder.training.filling import fill_places, fill_texts

# torch's generators take 63 bits.
SEEDS = 2**63
KERNELS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


@dataclass(frozen=True)
class Learner:
    """A model that learns.

    Parameters
    ----------
    model : Encoder, MaskedLM or StaticEncoder
        Float32, on its device.
    projection : nn.Sequential or None
        Linear maps after pooling, on the same device.
    readout : Readout
        How token vectors become a text's vector.
    truncate_dim : int or None
        Dimensions of a vector that count; None is all.
    autocast : bool
        Whether matrices are multiplied in bfloat16.
    """

    model: Encoder | MaskedLM | StaticEncoder
    projection: nn.Sequential | None
    readout: Readout
    truncate_dim: int | None
    autocast: bool

    @property
    def encoder(self) -> Encoder | StaticEncoder:
        """The encoder, below its head where it has one."""
        return self.model.encoder if isinstance(self.model, MaskedLM) else self.model

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.model.parameters()).device

    @property
    def modules(self) -> dict[str, nn.Module]:
        """What has weights, by name."""
        named = {"model": self.model, "projection": self.projection}
        return {name: module for name, module in named.items() if module is not None}

    def train(self, mode: bool = True) -> None:
        """Switch dropout on, or off.

        Parameters
        ----------
        mode : bool, default=True
            False for evaluation.
        """
        for module in self.modules.values():
            module.train(mode)

    def seed(self, seed: int) -> None:
        """Seed what dropout is drawn from, and no other device's generator.

        Parameters
        ----------
        seed : int
            Any number from 0 on.
        """
        torch.default_generator.manual_seed(seed % SEEDS)
        if self.device.type == "cuda":
            torch.cuda.default_generators[self.device.index].manual_seed(seed % SEEDS)
        elif self.device.type == "mps":
            torch.mps.manual_seed(seed % SEEDS)

    def embed(self, texts: PackedTexts) -> Tensor:
        """Turn texts into vectors, with their gradient.

        Parameters
        ----------
        texts : PackedTexts
            On the learner's device.

        Returns
        -------
        float32 of shape (batch, width)
            One vector per text, not scaled to unit length.
        """
        given = fill_texts(texts) if self._fills else texts
        with self.precision():
            states = self.encoder.forward_packed(
                given.input_ids, given.boundaries, layer=self.readout.layer
            )
        states = states[: len(texts.input_ids)]
        cu_seqlens = texts.boundaries.cu_seqlens
        if self.readout.skip:
            states, cu_seqlens = skip_tokens(states, cu_seqlens, self.readout.skip)
        vectors = pool(states.float(), cu_seqlens, self.readout.poolings)
        if self.projection is not None:
            vectors = self.projection(vectors)
        return vectors if self.truncate_dim is None else vectors[:, : self.truncate_dim]

    def guess(self, texts: PackedTexts, places: Tensor) -> Tensor:
        """Score the whole vocabulary at some places.

        Parameters
        ----------
        texts : PackedTexts
            On the learner's device, with masks in them.
        places : int64 of shape (n_places,)
            Which tokens, at least one.

        Returns
        -------
        float of shape (n_places, vocab_size)
            Logits.
        """
        if not isinstance(self.model, MaskedLM):
            raise TypeError("This learner has no head that guesses tokens.")
        asked = len(places)
        if self._fills:
            texts, places = fill_texts(texts), fill_places(places)
        with self.precision():
            states = self.model.encoder.forward_packed(
                texts.input_ids, texts.boundaries, places=places
            )
            logits: Tensor = self.model.head(states)
        return logits[:asked]

    @property
    def _fills(self) -> bool:
        """Whether the kernels are made anew for each number of rows; see filling.py."""
        return self.autocast and self.device.type == "cpu"

    def precision(self) -> AbstractContextManager[object]:
        """Give the context in which it multiplies.

        Returns
        -------
        context manager
            Autocast to bfloat16, or nothing.
        """
        if not self.autocast:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)


@contextmanager
def attend_for_training(encoder: nn.Module) -> Iterator[None]:
    """Give a GPU's encoder the attention that has a gradient there and takes all lengths at once.

    Of torch's fused kernels cuDNN's is left out, which is built anew for each shape: on an NVIDIA
    H200 (torch 2.11) a model of all-MiniLM-L6-v2's size learned to guess masks in bfloat16 at
    12,000 tokens/s with it, at 54,000 without.

    Parameters
    ----------
    encoder : nn.Module
        On its device; changed in place, and put back.
    """
    if next(encoder.parameters()).device.type != "cuda":
        yield
        return
    attentions = [m for m in encoder.modules() if isinstance(m, SelfAttention)]
    changed = [module for module in attentions if module.attention is run_attention]
    for module in changed:
        module.attention = varlen_attention
    try:
        with sdpa_kernel(KERNELS):
            yield
    finally:
        for module in changed:
            module.attention = run_attention
