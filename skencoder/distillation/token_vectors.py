"""The vector that a model gives for each token alone, and for whole words.

What becomes of these vectors stands in `weighting`.
"""

from collections.abc import Sequence

import numpy as np
import torch
from huggingface_hub.utils.tqdm import tqdm
from numpy.typing import NDArray

from skencoder.encoder import Boundaries, pool
from skencoder.encoding_options import EncodingOptions
from skencoder.encoding_plan import EncodingPlan
from skencoder.text_checks import report_overlong
from skencoder.text_encoder import TextEncoder

Vectors = NDArray[np.float32]


@torch.no_grad()
def token_vectors(model: TextEncoder, token_ids: Sequence[int], *, verbose: int = 0) -> Vectors:
    """Encode each token as a text of its own, between the model's special tokens.

    Parameters
    ----------
    model : TextEncoder
        Says how hidden states become a vector: layer, pooling, linear maps.
    token_ids : sequence of int of shape (n_tokens,)
        Ids of its tokenizer.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    float32 of shape (n_tokens, full_width)
        Not normalised.
    """
    plan = _plan(model)
    frame = [*model.tokenizer.prefix, 0, *model.tokenizer.suffix]
    framed = torch.tensor(frame, dtype=torch.int32).repeat(len(token_ids), 1)
    framed[:, len(model.tokenizer.prefix)] = torch.tensor(token_ids, dtype=torch.int32)
    batches = framed.split(max(1, plan.batch_tokens // len(frame)))
    bar = tqdm(batches, desc="Encoding tokens", unit=" batches", disable=not verbose)
    return np.concatenate([_encode(model, batch, plan) for batch in bar])


def word_vectors(model: TextEncoder, words: Sequence[str]) -> Vectors:
    """Encode words, each as a text of its own.

    Parameters
    ----------
    model : TextEncoder
        Says how texts become vectors.
    words : sequence of str of shape (n_words,)
        Words or phrases.

    Returns
    -------
    float32 of shape (n_words, full_width)
        Not normalised.

    Warns
    -----
    OverlongTextWarning
        If one has more tokens than the model reads.
    """
    plan = _plan(model)
    raw = model.encode_raw(words, [plan])
    report_overlong(raw.lengths, plan.max_length, plan.overflow)
    vectors: Vectors = raw.vectors[0].cpu().numpy()
    return vectors


def _plan(model: TextEncoder) -> EncodingPlan:
    # A prompt says what a text is for; a token alone is no text of anybody's.
    return model.plan(EncodingOptions(prompt=""))


def _encode(model: TextEncoder, framed: torch.Tensor, plan: EncodingPlan) -> Vectors:
    n_tokens, length = framed.shape
    boundaries = Boundaries.from_lengths([length] * n_tokens, model.device)
    input_ids = framed.flatten().to(model.device)
    states = model.encoder.forward_packed(input_ids, boundaries, layer=plan.layer)
    pooled = pool(states, boundaries.cu_seqlens, plan.poolings)
    vectors: Vectors = (model.projection or torch.nn.Identity())(pooled).float().cpu().numpy()
    return vectors
