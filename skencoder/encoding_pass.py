"""One pass of texts through a loaded model: tokenize, cut, batch, encode, pool, merge windows.

What is done to the vectors afterwards, and where they are kept, is somebody else's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from skencoder.batching import plan_batches
from skencoder.checkpoints import TransformersEncoder
from skencoder.encoder import Boundaries, Encoder, pool, skip_tokens
from skencoder.encoding_plan import EncodingPlan
from skencoder.errors import TextInputError
from skencoder.tokenization import Index, TextTokenizer, TokenizedTexts, Windows, plan_windows

# Told how many more texts are encoded.
Advance = Callable[[int], object]


@dataclass(frozen=True)
class EncodingPass:
    """A model's parts, as one pass needs them.

    Parameters
    ----------
    encoder : Encoder or TransformersEncoder
        On its device, in its precision.
    tokenizer : TextTokenizer
        Of the same checkpoint.
    projection : nn.Sequential or None
        Linear maps of its authors after pooling.
    """

    encoder: Encoder | TransformersEncoder
    tokenizer: TextTokenizer
    projection: nn.Sequential | None

    def tokenize(self, texts: Sequence[str], plan: EncodingPlan, rows: Index) -> TokenizedTexts:
        """Tokenize whole texts with their prompt, without special tokens.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            Texts that `skencoder.text_checks` let pass.
        plan : EncodingPlan
            Says which prompt.
        rows : int64 of shape (n_texts,)
            What the caller calls these texts, for messages.

        Returns
        -------
        TokenizedTexts
            Nothing cut.

        Raises
        ------
        TextInputError
            If a text has no token at all.
        """
        tokens = self.tokenizer.tokenize([plan.prompt + text for text in texts])
        empty = np.flatnonzero(tokens.lengths + self.tokenizer.n_special == 0)
        if len(empty):
            raise TextInputError(
                f"Row {rows[empty].min()} has no token: it is empty to this tokenizer, which puts "
                f"no special token around a text. Leave such rows out, or give them a word."
            )
        return tokens

    def encode(
        self,
        tokens: TokenizedTexts,
        plans: Sequence[EncodingPlan],
        output_device: torch.device | str = "cpu",
        advance: Advance | None = None,
    ) -> list[Tensor]:
        """Encode tokenized texts in several ways at once.

        Parameters
        ----------
        tokens : TokenizedTexts
            Of whole texts.
        plans : sequence of EncodingPlan
            They differ in what is done with the hidden states only.
        output_device : torch.device or str, default="cpu"
            Where the vectors are collected.
        advance : callable, optional
            Told after each batch how many more texts are done.

        Returns
        -------
        list of float32 tensors of shape (n_texts, full_width)
            One for each plan, neither truncated nor normalised.
        """
        windows, framed = self._cut(tokens, plans[0])
        last = np.diff(windows.rows, append=len(tokens)) > 0
        vectors: list[Tensor] = []
        for batch in plan_batches(framed.lengths, plans[0].batch_tokens):
            pooled = [part.to(output_device) for part in self._encode_batch(framed, batch, plans)]
            if not vectors:
                vectors = [part.new_empty(len(framed), part.shape[1]) for part in pooled]
            for collected, part in zip(vectors, pooled, strict=True):
                collected[torch.from_numpy(batch)] = part
            if advance:
                advance(int(last[batch].sum()))
        return [_merge_windows(part, windows, framed.lengths, len(tokens)) for part in vectors]

    def _cut(self, tokens: TokenizedTexts, plan: EncodingPlan) -> tuple[Windows, TokenizedTexts]:
        overlap, lead = None, 0
        if plan.overlap is not None:
            # The prompt's tokens stand before every window of a text, as they do in training.
            lead = plan.prompt_tokens
            overlap = int((plan.body_length - lead) * plan.overlap)
        windows = plan_windows(tokens, plan.body_length, overlap, lead)
        return windows, self.tokenizer.add_special_tokens(tokens, windows)

    def _encode_batch(
        self, texts: TokenizedTexts, batch: Index, plans: Sequence[EncodingPlan]
    ) -> list[Tensor]:
        device = next(self.encoder.parameters()).device
        pieces = [texts.input_ids[texts.offsets[row] : texts.offsets[row + 1]] for row in batch]
        input_ids = torch.from_numpy(np.concatenate(pieces)).to(device)
        boundaries = Boundaries.from_lengths(texts.lengths[batch].tolist(), device)
        states = self._hidden_states(input_ids, boundaries, {plan.layer for plan in plans})
        return [self._pool(states[plan.layer], boundaries.cu_seqlens, plan) for plan in plans]

    def _hidden_states(
        self, input_ids: Tensor, boundaries: Boundaries, layers: set[int]
    ) -> Mapping[int, Tensor]:
        if len(layers) == 1 or isinstance(self.encoder, TransformersEncoder):
            forward = self.encoder.forward_packed
            return {layer: forward(input_ids, boundaries, layer=layer) for layer in layers}
        traced = self.encoder.trace_packed(input_ids, boundaries, attention=False)
        states = traced.hidden_states or ()
        return {layer: states[layer] for layer in layers}

    def _pool(self, hidden_states: Tensor, cu_seqlens: Tensor, plan: EncodingPlan) -> Tensor:
        if plan.prompt and not plan.pools_prompt:
            # Its tokens and the special ones before it are left out.
            skip = len(self.tokenizer.prefix) + plan.prompt_tokens
            hidden_states, cu_seqlens = skip_tokens(hidden_states, cu_seqlens, skip)
        pooled = pool(hidden_states, cu_seqlens, plan.poolings)
        projected: Tensor = pooled if self.projection is None else self.projection(pooled)
        return projected


def _merge_windows(vectors: Tensor, windows: Windows, lengths: Index, n_texts: int) -> Tensor:
    if len(windows.rows) == n_texts:
        return vectors
    rows = torch.from_numpy(windows.rows).to(vectors.device)
    weights = torch.from_numpy(lengths).to(vectors)[:, None]
    sums = vectors.new_zeros(n_texts, vectors.shape[1]).index_add_(0, rows, vectors * weights)
    return sums / vectors.new_zeros(n_texts, 1).index_add_(0, rows, weights)
