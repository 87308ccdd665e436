"""One pass of texts through a loaded model: tokenize, cut, batch, encode, pool, merge windows.

What is done to the vectors afterwards, and where they are kept, is somebody else's; how a device
encodes a batch stands in `engines`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from skencoder.batching import TokenBudget, order_by_length
from skencoder.devices import available_cores
from skencoder.encoder import Readout
from skencoder.encoding_plan import EncodingPlan
from skencoder.engines import Worker
from skencoder.errors import TextInputError
from skencoder.tokenization import Index, TextTokenizer, TokenizedTexts, Windows, plan_windows
from skencoder.work_sharing import Vectors, Work, share_work

# Told how many more texts are encoded.
Advance = Callable[[int], object]
# Texts that are tokenized while the lot before is encoded. Enough of each length to fill batches.
TEXTS_PER_LOT = 4096


@dataclass(frozen=True)
class Lot:
    """Some of the texts, tokenized.

    Parameters
    ----------
    tokens : TokenizedTexts
        Whole texts with their prompt, without special tokens.
    rows : int64 of shape (n_texts,)
        What the caller calls these texts, for messages.
    """

    tokens: TokenizedTexts
    rows: Index


@dataclass(frozen=True)
class RawVectors:
    """What one pass gives, before anything is cut off or scaled.

    Parameters
    ----------
    vectors : list of float32 tensors of shape (n_texts, full_width)
        One for each plan.
    lengths : int64 of shape (n_texts,)
        Tokens of each whole text, special tokens included.
    """

    vectors: list[Tensor]
    lengths: Index


@dataclass(frozen=True)
class EncodingPass:
    """A model's parts, as one pass needs them.

    Parameters
    ----------
    workers : sequence of Worker
        One per device.
    tokenizer : TextTokenizer
        Of the same checkpoint.
    budget : TokenBudget
        Remembers where memory ran out.
    """

    workers: Sequence[Worker]
    tokenizer: TextTokenizer
    budget: TokenBudget

    def read(self, texts: Sequence[str], plan: EncodingPlan, rows: Index) -> Iterator[Lot]:
        """Tokenize texts lot by lot, one lot ahead of whoever takes them where a core is free.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            Texts that `skencoder.text_checks` let pass.
        plan : EncodingPlan
            Says which prompt.
        rows : int64 of shape (n_texts,)
            What the caller calls these texts, for messages.

        Yields
        ------
        Lot
            Nothing cut.

        Raises
        ------
        TextInputError
            If a text has no token at all.
        """
        starts = range(0, max(1, len(texts)), TEXTS_PER_LOT)
        pieces = [slice(start, start + TEXTS_PER_LOT) for start in starts]
        lots = [partial(self._tokenize, texts[piece], plan, rows[piece]) for piece in pieces]
        yield from _one_ahead(lots) if self._leaves_a_core() else (lot() for lot in lots)

    def _leaves_a_core(self) -> bool:
        """Whether tokenizing beside the encoder takes no core away from it.

        Where it does, torch's threads wait for each other at every step, which costs more than is
        gained: 2 threads on 2 cores took 727 ms where one after the other took 686.
        """
        computes_here = any(worker.device.type == "cpu" for worker in self.workers)
        return not computes_here or torch.get_num_threads() < available_cores()

    def _tokenize(self, texts: Sequence[str], plan: EncodingPlan, rows: Index) -> Lot:
        prompted = [plan.prompt + text for text in texts] if plan.prompt else texts
        tokens = self.tokenizer.tokenize(prompted)
        empty = np.flatnonzero(tokens.lengths + self.tokenizer.n_special == 0)
        if len(empty):
            raise TextInputError(
                f"Row {rows[empty].min()} has no token: it is empty to this tokenizer, which puts "
                f"no special token around a text. Leave such rows out, or give them a word."
            )
        return Lot(tokens, rows)

    def lengths_of(self, lots: Iterable[Lot]) -> Index:
        """Count the tokens of whole texts.

        Parameters
        ----------
        lots : iterable of Lot
            As `read` gives them.

        Returns
        -------
        int64 of shape (n_texts,)
            Tokens of each, special tokens included.
        """
        lengths = [lot.tokens.lengths + self.tokenizer.n_special for lot in lots]
        return np.concatenate(lengths or [np.zeros(0, np.int64)])

    def encode(
        self,
        lots: Iterable[Lot],
        plans: Sequence[EncodingPlan],
        output_device: torch.device | str = "cpu",
        advance: Advance | None = None,
    ) -> RawVectors:
        """Encode tokenized texts in several ways at once.

        Parameters
        ----------
        lots : iterable of Lot
            As `read` gives them.
        plans : sequence of EncodingPlan
            They differ in what is done with the hidden states only.
        output_device : torch.device or str, default="cpu"
            Where the vectors are collected.
        advance : callable, optional
            Told after each batch how many more texts are done.

        Returns
        -------
        RawVectors
            Neither truncated nor normalised.

        Raises
        ------
        DeviceMemoryError
            If a single text does not fit a device's memory; the row is named.
        """
        lengths: list[Index] = []
        parts: list[Vectors] = []
        for lot in lots:
            lengths.append(self.lengths_of([lot]))
            parts.append(self._encode_lot(lot, plans, output_device, advance))
        vectors = [
            torch.cat(part) if len(part) > 1 else part[0] for part in zip(*parts, strict=True)
        ]
        return RawVectors(vectors, np.concatenate(lengths))

    def _encode_lot(
        self,
        lot: Lot,
        plans: Sequence[EncodingPlan],
        output_device: torch.device | str,
        advance: Advance | None,
    ) -> Vectors:
        windows, framed = self._cut(lot.tokens, plans[0])
        order = order_by_length(framed.lengths)
        last = (np.diff(windows.rows, append=len(lot.tokens)) > 0)[order]

        def progress(done: slice) -> None:
            if advance:
                advance(int(last[done].sum()))

        work = Work(
            texts=framed.take_rows(order),
            rows=lot.rows[windows.rows[order]],
            readouts=[self._readout(plan) for plan in plans],
            batch_tokens=plans[0].batch_tokens,
            budget=self.budget,
            progress=progress,
        )
        vectors = share_work(work, self.workers).put_in_place(order, output_device)
        return [_merge_windows(part, windows, framed.lengths, len(lot.tokens)) for part in vectors]

    def _readout(self, plan: EncodingPlan) -> Readout:
        # A prompt's tokens and the special ones before it are left out where it is not pooled.
        left_out = bool(plan.prompt) and not plan.pools_prompt
        skip = len(self.tokenizer.prefix) + plan.prompt_tokens if left_out else 0
        return Readout(plan.layer, plan.poolings, skip)

    def _cut(self, tokens: TokenizedTexts, plan: EncodingPlan) -> tuple[Windows, TokenizedTexts]:
        overlap, lead = None, 0
        if plan.overlap is not None:
            # The prompt's tokens stand before every window of a text, as they do in training.
            lead = plan.prompt_tokens
            overlap = int((plan.body_length - lead) * plan.overlap)
        windows = plan_windows(tokens, plan.body_length, overlap, lead)
        return windows, self.tokenizer.add_special_tokens(tokens, windows)


def _one_ahead(lots: Iterable[Callable[[], Lot]]) -> Iterator[Lot]:
    with ThreadPoolExecutor(1, "tokenizer") as thread:
        ahead: Future[Lot] | None = None
        for lot in lots:
            ready, ahead = ahead, thread.submit(lot)
            if ready:
                yield ready.result()
        if ahead:
            yield ahead.result()


def _merge_windows(vectors: Tensor, windows: Windows, lengths: Index, n_texts: int) -> Tensor:
    if len(windows.rows) == n_texts:
        return vectors
    rows = torch.from_numpy(windows.rows).to(vectors.device)
    weights = torch.from_numpy(lengths).to(vectors)[:, None]
    sums = vectors.new_zeros(n_texts, vectors.shape[1]).index_add_(0, rows, vectors * weights)
    return sums / vectors.new_zeros(n_texts, 1).index_add_(0, rows, weights)
