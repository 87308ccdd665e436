"""The best candidates once more, read together with the query by a model of the user's."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import ParameterError
from skencoder.retrieval.ranking import Ranking

Pairs = list[tuple[str, str]]


def find_predict(reranker: Any) -> Callable[[Pairs], Any]:
    """Find what scores pairs of a query and a document.

    Parameters
    ----------
    reranker : object
        With a method ``predict``, as the CrossEncoder of sentence-transformers has, or callable.

    Returns
    -------
    callable
        From pairs to scores.

    Raises
    ------
    ParameterError
        If it is neither.
    """
    predict = getattr(reranker, "predict", reranker)
    if isinstance(reranker, type) or not callable(predict):
        raise ParameterError(
            f"reranker must have a method predict(pairs), as a CrossEncoder has, or be a function "
            f"of pairs (query, document); got {reranker!r}."
        )
    return predict  # type: ignore[no-any-return]


def rescore(
    reranker: Any,
    queries: Sequence[str],
    documents: Sequence[str],
    candidates: Ranking,
    n_ranks: int,
) -> Ranking:
    """Order candidates by what a model says of each together with its query.

    Parameters
    ----------
    reranker : object
        With a method ``predict``, or callable: from pairs (query, document) to one score each,
        higher is better.
    queries : sequence of str of shape (n_queries,)
        The texts that were searched with.
    documents : sequence of str of shape (n_documents,)
        The corpus, by position.
    candidates : Ranking
        What is scored; every place is filled.
    n_ranks : int
        How many are wanted per query, at most as many as there are candidates.

    Returns
    -------
    Ranking
        Of equal scores, what came first among the candidates comes first.

    Raises
    ------
    ParameterError
        If the reranker does not give one finite number per pair.
    """
    predict = find_predict(reranker)
    pairs = [
        (query, documents[position])
        for query, row in zip(queries, candidates.positions.tolist(), strict=True)
        for position in row
    ]
    scores = _check_scores(predict(pairs), len(pairs)).reshape(candidates.positions.shape)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :n_ranks]
    return Ranking(
        np.take_along_axis(scores, order, axis=1),
        np.take_along_axis(candidates.positions, order, axis=1),
    )


def _check_scores(given: Any, n_pairs: int) -> NDArray[np.float64]:
    if hasattr(given, "detach"):
        given = given.detach().cpu().float().numpy()
    scores = np.asarray(given)
    if scores.shape not in ((n_pairs,), (n_pairs, 1)) or scores.dtype.kind not in "fiu":
        raise ParameterError(
            f"reranker must give one number per pair; it gave shape {scores.shape} of "
            f"{scores.dtype} for {n_pairs} pairs. A model with several labels per pair needs a "
            f"function that picks one."
        )
    if not np.isfinite(scores).all():
        raise ParameterError("reranker gave NaN or infinity; finite scores were expected.")
    return scores.reshape(n_pairs).astype(np.float64)
