"""The vector of every token of a text, and where in the text it stands.

A text's one vector is `TextEncoder.encode`'s business; what words make of their tokens stands in
`word_alignment`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from skencoder.encoder import Boundaries, resolve_layer
from skencoder.encoding_options import EncodingOptions
from skencoder.errors import OverlongTextError, ParameterError
from skencoder.text_checks import check_texts
from skencoder.text_encoder import TextEncoder
from skencoder.tokenization import Index


@dataclass(frozen=True)
class TokenVectors:
    """The tokens of one text.

    Parameters
    ----------
    vectors : float32 of shape (tokens, hidden)
        One per token, in the context of the whole text; special tokens are left out.
    places : int64 of shape (tokens, 2)
        First character of each token in the text, and the first one after it.
    """

    vectors: NDArray[np.float32]
    places: Index


@torch.no_grad()
def encode_tokens(
    model: TextEncoder, texts: Sequence[str], *, layer: int = -1
) -> list[TokenVectors]:
    """Encode texts token by token.

    Parameters
    ----------
    model : TextEncoder
        A Transformer encoder.
    texts : sequence of str of shape (n_texts,)
        None longer than the model reads; no prompt is put before them.
    layer : int, default=-1
        Which hidden state: 0 is the embeddings, -1 the last layer.

    Returns
    -------
    list of TokenVectors
        One per text.

    Raises
    ------
    CheckpointError
        If the model's tokenizer does not tell where its tokens stand.
    OverlongTextError
        If a text is longer than the model reads.
    ParameterError
        If the model has no such layer.
    TextInputError
        If a row is no text.
    """
    check_texts(texts)
    try:
        depth = resolve_layer(layer, model.encoder.config.num_hidden_layers)
    except ValueError as error:
        raise ParameterError(str(error)) from error
    plan = model.plan(EncodingOptions(prompt=""))
    found = [model.tokenizer.find_tokens(text) for text in texts]
    framed = [[*model.tokenizer.prefix, *ids, *model.tokenizer.suffix] for ids, _ in found]
    _check_lengths(framed, plan.max_length)
    states: list[NDArray[np.float32]] = []
    for batch in _batches(framed, plan.batch_tokens):
        states += _encode_batch(model, batch, depth)
    lead = len(model.tokenizer.prefix)
    return [
        TokenVectors(vectors[lead : lead + len(places)], places)
        for vectors, (_, places) in zip(states, found, strict=True)
    ]


def _check_lengths(framed: list[list[int]], max_length: int) -> None:
    for row, ids in enumerate(framed):
        if len(ids) > max_length:
            raise OverlongTextError(
                f"Row {row} has {len(ids)} tokens, but the model reads {max_length}; of a text "
                f"that is cut not every token has a vector. Split it into sentences."
            )


def _batches(framed: list[list[int]], batch_tokens: int) -> Iterator[list[list[int]]]:
    batch: list[list[int]] = []
    size = 0
    for ids in framed:
        if batch and size + len(ids) > batch_tokens:
            yield batch
            batch, size = [], 0
        batch.append(ids)
        size += len(ids)
    if batch:
        yield batch


def _encode_batch(
    model: TextEncoder, batch: list[list[int]], layer: int
) -> list[NDArray[np.float32]]:
    lengths = [len(ids) for ids in batch]
    flat = torch.tensor([token for ids in batch for token in ids], dtype=torch.int32)
    boundaries = Boundaries.from_lengths(lengths, model.device)
    states = model.encoder.forward_packed(flat.to(model.device), boundaries, layer=layer)
    return [part.float().cpu().numpy() for part in states.split(lengths)]
