"""One step's gradient, in as many passes as memory needs.

A loss that compares all texts of a batch cannot be summed up pass by pass. Its gradient can: the
texts are embedded without one, the loss is taken of their vectors, and each pass is then repeated
and handed the gradient of its own vectors.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from skencoder.tokenization import Index, TokenizedTexts
from skencoder.training.batches import cut_by_tokens, pack_texts
from skencoder.training.learner import Learner

# From vectors of shape (n_texts, width) to one number.
BatchLoss = Callable[[Tensor], Tensor]


def accumulate_embedding_loss(
    learner: Learner, texts: TokenizedTexts, loss: BatchLoss, *, batch_tokens: int, seed: int
) -> float:
    """Add the gradient of a loss of a batch's vectors to the parameters.

    Parameters
    ----------
    learner : Learner
        The model.
    texts : TokenizedTexts
        The batch, with special tokens.
    loss : callable
        Of the vectors of all texts, in their order.
    batch_tokens : int
        Most tokens of a pass.
    seed : int
        Of dropout.

    Returns
    -------
    float
        The loss.

    References
    ----------
    .. [1] Gao et al. (2021), Scaling Deep Contrastive Learning Batch Size under Memory Limited
       Setup, arXiv:2101.06983.
    """
    passes = cut_by_tokens(texts.lengths, batch_tokens)
    if len(passes) == 1:
        value = loss(_embed(learner, texts, passes[0], seed)[_inverse(passes[0])])
        value.backward()
        return float(value.detach())
    with torch.no_grad():
        parts = [_embed(learner, texts, rows, seed + n) for n, rows in enumerate(passes)]
    return _backward_by_parts(learner, texts, loss, list(zip(passes, parts, strict=True)), seed)


def _backward_by_parts(
    learner: Learner,
    texts: TokenizedTexts,
    loss: BatchLoss,
    parts: Sequence[tuple[Index, Tensor]],
    seed: int,
) -> float:
    vectors = torch.empty(len(texts), parts[0][1].shape[1], device=learner.device)
    for rows, part in parts:
        vectors[torch.from_numpy(rows).to(vectors.device)] = part
    vectors.requires_grad_()
    value = loss(vectors)
    value.backward()
    if vectors.grad is None:
        raise RuntimeError("The loss does not depend on the vectors.")
    for number, (rows, _) in enumerate(parts):
        gradient = vectors.grad[torch.from_numpy(rows).to(vectors.device)]
        # The same seed makes dropout take the same units as before.
        torch.autograd.backward(_embed(learner, texts, rows, seed + number), gradient)
    return float(value.detach())


@torch.no_grad()
def embedding_loss(
    learner: Learner, texts: TokenizedTexts, loss: BatchLoss, *, batch_tokens: int
) -> float:
    """Take a loss of a batch's vectors, without dropout and without a gradient.

    Parameters
    ----------
    learner : Learner
        The model, in evaluation mode.
    texts : TokenizedTexts
        The batch, with special tokens.
    loss : callable
        Of the vectors of all texts, in their order.
    batch_tokens : int
        Most tokens of a pass.

    Returns
    -------
    float
        The loss.
    """
    passes = cut_by_tokens(texts.lengths, batch_tokens)
    parts = [learner.embed(pack_texts(texts.take_rows(rows), learner.device)) for rows in passes]
    order = torch.cat([torch.from_numpy(rows) for rows in passes]).argsort()
    return float(loss(torch.cat(parts)[order.to(learner.device)]))


def _embed(learner: Learner, texts: TokenizedTexts, rows: Index, seed: int) -> Tensor:
    learner.seed(seed)
    return learner.embed(pack_texts(texts.take_rows(rows), learner.device))


def _inverse(rows: Index) -> Tensor:
    return torch.from_numpy(rows).argsort()
