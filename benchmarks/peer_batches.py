"""What a peer that knows no sentences needs around it: tokens, sorted batches, pooling.

The same as sentence-transformers does: texts sorted by length, padded batches, numpy out.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .engines import BATCH, Encode
from .errors import EngineUnavailableError
from .speed_model import ModelFacts

# From the token ids of texts to their hidden states, (n_texts, longest, hidden_size).
Forward = Callable[[list[list[int]]], NDArray[Any]]


def encode_with(forward: Forward, facts: ModelFacts) -> Encode:
    """Put tokenizer and pooling around a function of token ids.

    Parameters
    ----------
    forward : callable
        From the token ids of texts to their hidden states.
    facts : ModelFacts
        Of the model.

    Returns
    -------
    callable
        From a list of texts to float32 of shape (n_texts, hidden_size).

    Raises
    ------
    EngineUnavailableError
        If the model's pooling is not done here.
    """
    if facts.pooling not in ("mean", "cls") or facts.projected:
        raise EngineUnavailableError(
            f"only mean and cls pooling without a projection are done for it, not {facts.pooling}"
            f"{' with a projection' if facts.projected else ''}"
        )
    tokenizer = facts.tokenizer()

    def encode(texts: list[str]) -> NDArray[Any]:
        order = np.argsort([-len(text) for text in texts], kind="stable")
        vectors = np.empty((len(texts), facts.hidden_size), dtype=np.float32)
        for start in range(0, len(texts), BATCH):
            rows = order[start : start + BATCH]
            batch = [texts[row].lower() if facts.lowercase else texts[row] for row in rows]
            ids = [encoding.ids for encoding in tokenizer.encode_batch(batch)]
            vectors[rows] = pool(forward(ids), [len(row) for row in ids], facts)
        return vectors

    return encode


def pool(
    hidden_states: NDArray[Any], lengths: Sequence[int], facts: ModelFacts
) -> NDArray[np.float32]:
    """Turn the vectors of tokens into one for each text.

    Parameters
    ----------
    hidden_states : float of shape (n_texts, longest, hidden_size)
        Padded at the end.
    lengths : sequence of int of length n_texts
        Tokens of each text.
    facts : ModelFacts
        Pooling and whether vectors get unit length.

    Returns
    -------
    float32 of shape (n_texts, hidden_size)
        One vector per text.
    """
    if facts.pooling == "cls":
        vectors = np.asarray(hidden_states[:, 0], dtype=np.float32)
    else:
        counts = np.asarray(lengths, dtype=np.float32)[:, None]
        inside = np.arange(hidden_states.shape[1])[None, :] < counts
        # A product of matrices, because a masked sum in numpy makes another copy of all tokens.
        weights = inside.astype(np.float32)[:, None, :] / counts[:, :, None]
        vectors = np.matmul(weights, hidden_states)[:, 0]
    if facts.normalize:
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pooled: NDArray[np.float32] = vectors
    return pooled


def padded_inputs(token_ids: list[list[int]]) -> dict[str, NDArray[np.int64]]:
    """Make the three arrays that an exported BERT takes.

    Parameters
    ----------
    token_ids : list of list of int
        Token ids of each text.

    Returns
    -------
    dict of str to int64 of shape (n_texts, longest)
        ``input_ids``, ``token_type_ids``, ``attention_mask``.
    """
    lengths = [len(row) for row in token_ids]
    ids = np.zeros((len(token_ids), max(lengths)), dtype=np.int64)
    for row, tokens in enumerate(token_ids):
        ids[row, : len(tokens)] = tokens
    mask = (np.arange(ids.shape[1])[None, :] < np.array(lengths)[:, None]).astype(np.int64)
    return {"input_ids": ids, "token_type_ids": np.zeros_like(ids), "attention_mask": mask}
