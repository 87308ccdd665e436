"""Passages of a question with scores on one scale, whatever their retriever compares by."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from skencoder.estimators.retriever import EncoderRetriever

Rows = NDArray[np.int64]
Scores = NDArray[np.floating[Any]]


def rank_passages(
    retriever: EncoderRetriever, questions: list[str], n_passages: int, excluded: Rows | None
) -> tuple[Rows, Scores]:
    """Find the passages of each question.

    Parameters
    ----------
    retriever : EncoderRetriever
        Fitted on the passages.
    questions : list of str of shape (n_questions,)
        The questions.
    n_passages : int
        How many for each; all, where there are fewer.
    excluded : int64 of shape (n_questions,), or None
        A passage that is left out for each; -1 leaves out none.

    Returns
    -------
    passages : int64 of shape (n_questions, n_found)
        Their rows, the best first.
    scores : float of shape (n_questions, n_found)
        As `score_passages` gives them; minus infinity leaves one out.

    Raises
    ------
    ParameterError
        If the retriever ranks fewer passages than are asked for.
    """
    # One more is found, because one may be excluded; where no more are ranked, one fewer is left.
    n_wanted = n_passages if excluded is None else n_passages + 1
    n_found = max(min(n_wanted, _reach(retriever)), n_passages)
    n_found = min(n_found, retriever.n_documents_)
    distances, passages = retriever.kneighbors(questions, n_found)
    allowed = np.ones(passages.shape, bool) if excluded is None else passages != excluded[:, None]
    allowed &= np.cumsum(allowed, axis=1) <= n_passages
    return passages, np.where(allowed, score_passages(retriever, distances), -np.inf)


def score_passages(retriever: EncoderRetriever, distances: Scores) -> Scores:
    """Turn distances into scores that can be added to cosines.

    Parameters
    ----------
    retriever : EncoderRetriever
        That gave them.
    distances : float of shape (n_questions, n_found)
        As `EncoderRetriever.kneighbors` gives them.

    Returns
    -------
    float of shape (n_questions, n_found)
        A reranker's scores through the logistic function, so that they lie between 0 and 1; of a
        fusion with BM25 the share of the highest score there can be, from 0 to 1; the cosine;
        the dot product; or the euclidean distance times -1.
    """
    if retriever.reranker is not None:
        return np.asarray(expit(-distances))
    if retriever.lexical is not None or retriever.metric == "cosine":
        return 1 - distances
    return 0.0 - distances


def _reach(retriever: EncoderRetriever) -> int:
    """Say how many passages a search ranks."""
    reach = retriever.n_documents_
    if retriever.reranker is not None:
        reach = min(reach, retriever.n_reranked)
    if retriever.lexical is not None:
        reach = min(reach, retriever.n_candidates)
    return reach
