"""Batches are shared among devices; where memory runs out they become smaller.

Which texts lie next to each other is decided before, in `encoding_pass`.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from skencoder.batching import Index, TokenBudget, cut_batches
from skencoder.encoder import Readout
from skencoder.engines import Worker
from skencoder.errors import DeviceMemoryError
from skencoder.tokenization import TokenizedTexts

Vectors = list[Tensor]
# How allocators other than CUDA's say in a RuntimeError that nothing is left.
OUT_OF_MEMORY = ("not enough memory", "can't allocate memory", "out of memory")


@dataclass(frozen=True)
class Found:
    """Vectors of some batches, still on the device that computed them.

    Parameters
    ----------
    places : list of slice
        Which texts each batch has, in the order of encoding.
    vectors : list of lists of float32 tensors of shape (batch, width)
        For each batch one tensor per readout.
    """

    places: list[slice] = field(default_factory=list)
    vectors: list[Vectors] = field(default_factory=list)


@dataclass(frozen=True)
class Shares:
    """What all devices found.

    Parameters
    ----------
    found : list of Found
        One per device.
    """

    found: list[Found]

    def put_in_place(self, order: Index, device: torch.device | str) -> Vectors:
        """Collect the vectors in the order of the texts; each device is waited for once.

        Parameters
        ----------
        order : int64 of shape (n_texts,)
            The text that was encoded first, second, ...
        device : torch.device or str
            Where to.

        Returns
        -------
        list of float32 tensors of shape (n_texts, width)
            One per readout.
        """
        shares = [share for share in self.found if share.places]
        rows = [_rows_of(share, order).to(device) for share in shares]
        collected = []
        for readout in range(len(shares[0].vectors[0])):
            found = [torch.cat([batch[readout] for batch in s.vectors]).to(device) for s in shares]
            vectors = found[0].new_empty(len(order), found[0].shape[1])
            for places, part in zip(rows, found, strict=True):
                vectors[places] = part
            collected.append(vectors)
        return collected


def _rows_of(share: Found, order: Index) -> Tensor:
    return torch.from_numpy(np.concatenate([order[place] for place in share.places]))


@dataclass(frozen=True)
class Work:
    """Texts that several devices are to encode.

    Parameters
    ----------
    texts : TokenizedTexts
        With special tokens, in the order of encoding.
    rows : int64 of shape (n_texts,)
        What the caller calls these texts, for messages.
    readouts : sequence of Readout
        What is wanted of the pass.
    batch_tokens : int
        Most tokens of a batch.
    budget : TokenBudget
        Halved where a device's memory runs out.
    progress : callable
        Told after each batch which texts are done.
    """

    texts: TokenizedTexts
    rows: Index
    readouts: Sequence[Readout]
    batch_tokens: int
    budget: TokenBudget
    progress: Callable[[slice], None]


def share_work(work: Work, workers: Sequence[Worker]) -> Shares:
    """Encode texts on all devices, each taking the next batch when it is done with one.

    Parameters
    ----------
    work : Work
        What is to be done.
    workers : sequence of Worker
        One per device.

    Returns
    -------
    Shares
        What each device found.

    Raises
    ------
    DeviceMemoryError
        If a single text does not fit a device's memory; the row is named.
    """
    batches = iter(cut_batches(work.texts.lengths, work.budget.within(work.batch_tokens)))
    turn = threading.Lock()

    @torch.no_grad()  # switched off for each thread apart
    def do_a_share(worker: Worker) -> Found:
        found = Found()
        while (batch := _take(batches, turn)) is not None:
            for place, vectors in _encode(worker, work, batch):
                found.places.append(place)
                found.vectors.append(vectors)
                with turn:
                    work.progress(place)
        return found

    if len(workers) == 1:
        return Shares([do_a_share(workers[0])])
    with ThreadPoolExecutor(len(workers), "device") as threads:
        return Shares(list(threads.map(do_a_share, workers)))


def _take(batches: Iterator[slice], turn: threading.Lock) -> slice | None:
    with turn:
        return next(batches, None)


def _encode(worker: Worker, work: Work, batch: slice) -> Iterator[tuple[slice, Vectors]]:
    """Encode a batch, in pieces if it does not fit."""
    offsets = work.texts.offsets[batch.start : batch.stop + 1]
    lengths, tokens = np.diff(offsets), int(offsets[-1] - offsets[0])
    try:
        yield batch, _encode_batch(worker, work, offsets)
        return
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        if len(lengths) == 1:
            raise _too_large(worker, int(work.rows[batch.start]), tokens) from error
    work.budget.halve(tokens)
    for piece in cut_batches(lengths, work.budget.within(tokens)):
        place = slice(batch.start + piece.start, batch.start + piece.stop)
        yield from _encode(worker, work, place)


def _encode_batch(worker: Worker, work: Work, offsets: Index) -> Vectors:
    input_ids = torch.from_numpy(work.texts.input_ids[offsets[0] : offsets[-1]])
    pooled = worker.engine.encode(input_ids, np.diff(offsets).tolist(), work.readouts)
    projection = worker.projection
    return pooled if projection is None else [projection(part) for part in pooled]


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that nothing is left.

    Parameters
    ----------
    error : BaseException
        As an allocator raised it.

    Returns
    -------
    bool
        True for those of all devices.
    """
    known = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return known or any(words in str(error) for words in OUT_OF_MEMORY)


def _too_large(worker: Worker, row: int, tokens: int) -> DeviceMemoryError:
    return DeviceMemoryError(
        f"Row {row} has {tokens} tokens, more than fit the free memory of {worker.device} at "
        f"once. Free some, lower max_length, or set overflow='chunk' with it."
    )
