"""What a retriever's parameters may be; which of them a fit reads, and which a search."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from skencoder.encoding_options import check_choice
from skencoder.errors import ParameterError
from skencoder.indexes.inputs import METRIC_NAMES
from skencoder.parameter_checks import check_count, check_finite
from skencoder.retrieval import BM25Options
from skencoder.retrieval.rescoring import find_predict

# Read by fit; an index that was saved keeps them.
FIT_PARAMETERS = (
    *("metric", "index", "index_options", "query_prompt", "document_prompt"),
    *("target", "lexical"),
)
# Read when a search is done, so that they may be changed on a fitted retriever.
SEARCH_PARAMETERS = (
    *("n_neighbors", "mode", "fusion_weights", "rank_constant", "n_candidates"),
    *("reranker", "n_reranked"),
)


def check_fit_parameters(parameters: Mapping[str, Any]) -> None:
    """Refuse what `fit` cannot use.

    Parameters
    ----------
    parameters : mapping of str to object
        A retriever's, by name.

    Raises
    ------
    ParameterError
        If a value cannot be used.
    """
    check_choice("metric", parameters["metric"], METRIC_NAMES)
    check_choice("target", parameters["target"], ("ids", "labels"))
    options = parameters["index_options"]
    if options is not None and not isinstance(options, Mapping):
        raise ParameterError(
            f"index_options must be a dict of the index's own options, or None; got {options!r}."
        )
    read_lexical(parameters["lexical"])
    check_search_parameters(parameters)


def check_search_parameters(parameters: Mapping[str, Any]) -> None:
    """Refuse what a search cannot use.

    Parameters
    ----------
    parameters : mapping of str to object
        A retriever's, by name.

    Raises
    ------
    ParameterError
        If a value cannot be used.
    """
    check_choice("mode", parameters["mode"], ("distance", "similarity"))
    for name in ("n_neighbors", "n_candidates", "n_reranked"):
        check_count(name, parameters[name], at_least=1)
    if check_finite("rank_constant", parameters["rank_constant"]) < 0:
        raise ParameterError(
            f"rank_constant must not be negative; got {parameters['rank_constant']!r}."
        )
    read_weights(parameters["fusion_weights"])
    if parameters["reranker"] is not None:
        find_predict(parameters["reranker"])


def read_weights(weights: Any) -> tuple[float, float]:
    """Read how much vectors and words count.

    Parameters
    ----------
    weights : pair of float
        As a user gave them.

    Returns
    -------
    pair of float
        Not negative, and not both 0.

    Raises
    ------
    ParameterError
        If they are no such pair.
    """
    is_pair = isinstance(weights, tuple | list | np.ndarray) and len(weights) == 2  # noqa: PLR2004
    numbers = [check_finite("fusion_weights", w) for w in weights] if is_pair else []
    if not numbers or min(numbers) < 0 or max(numbers) == 0:
        raise ParameterError(
            f"fusion_weights must be two numbers, of the vectors and of the words, none negative "
            f"and not both 0; got {weights!r}."
        )
    return numbers[0], numbers[1]


def read_lexical(lexical: Any) -> BM25Options | None:
    """Read whether and how words are searched.

    Parameters
    ----------
    lexical : "bm25", BM25Options or None
        As a user gave it.

    Returns
    -------
    BM25Options or None
        None where they are not.

    Raises
    ------
    ParameterError
        If it is none of these.
    """
    if lexical is None or isinstance(lexical, BM25Options):
        return lexical
    if isinstance(lexical, str) and lexical == "bm25":
        return BM25Options()
    raise ParameterError(f"lexical must be None, 'bm25' or BM25Options(...); got {lexical!r}.")
