"""How good rankings are: nDCG, recall, precision, reciprocal rank, average precision.

Relevant documents and ranked ids go in, one number per query or their mean comes out. How
documents are found is elsewhere.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import ParameterError

Floats = NDArray[np.float64]

# Ranked documents held at once: 32 MiB of positions, and some times that as ids.
RANKED_AT_ONCE = 2**22
Measure = Callable[[Floats, Floats, int | None], float]


def ndcg_score_at_k(relevant: Any, ranked: Any, k: int | None = 10) -> float:
    """Average the normalised discounted cumulative gain over queries.

    A document at rank r that has grade g gains g / log2(r + 1); the sum over the first ``k`` is
    divided by the best that is possible.

    Parameters
    ----------
    relevant : mapping or sequence of shape (n_queries,)
        Per query what is relevant: one id, several, or a mapping of ids to grades. Ids without a
        grade have grade 1; what is not there has grade 0.
    ranked : mapping or sequence of shape (n_queries,)
        Per query the ids that were found, best first; by the same keys or in the same order.
    k : int, default=10
        How many of them count; None counts all.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ParameterError
        If the two do not belong together, an id is ranked twice, or nothing is relevant.

    See Also
    --------
    sklearn.metrics.ndcg_score : The same over a dense matrix of scores.

    References
    ----------
    .. [1] Jarvelin & Kekalainen (2002), Cumulated gain-based evaluation of IR techniques.

    Examples
    --------
    >>> from skencoder.metrics import ndcg_score_at_k
    >>> ndcg_score_at_k([{"a", "b"}], [["a", "c", "b"]])
    0.9197207891481876
    """
    return _mean(relevant, ranked, _ndcg, k)


def recall_at_k(relevant: Any, ranked: Any, k: int | None = 10) -> float:
    """Average over queries the share of the relevant documents that was found.

    Parameters
    ----------
    relevant : mapping or sequence of shape (n_queries,)
        As in `ndcg_score_at_k`; grades above 0 are relevant.
    ranked : mapping or sequence of shape (n_queries,)
        Per query the ids that were found, best first.
    k : int, default=10
        How many of them count; None counts all.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ParameterError
        If the two do not belong together, an id is ranked twice, or nothing is relevant.
    """
    return _mean(relevant, ranked, _recall, k)


def precision_at_k(relevant: Any, ranked: Any, k: int | None = 10) -> float:
    """Average over queries the share of the first ``k`` places that hold a relevant document.

    Parameters
    ----------
    relevant : mapping or sequence of shape (n_queries,)
        As in `ndcg_score_at_k`; grades above 0 are relevant.
    ranked : mapping or sequence of shape (n_queries,)
        Per query the ids that were found, best first; a place without one is not relevant.
    k : int, default=10
        How many places count; None counts those that are filled.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ParameterError
        If the two do not belong together, an id is ranked twice, or nothing is relevant.
    """
    return _mean(relevant, ranked, _precision, k)


def mean_reciprocal_rank(relevant: Any, ranked: Any, k: int | None = None) -> float:
    """Average over queries one divided by the rank of the first relevant document.

    Parameters
    ----------
    relevant : mapping or sequence of shape (n_queries,)
        As in `ndcg_score_at_k`; grades above 0 are relevant.
    ranked : mapping or sequence of shape (n_queries,)
        Per query the ids that were found, best first; 0 where none is relevant.
    k : int, default=None
        How many of them count; None counts all.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ParameterError
        If the two do not belong together, an id is ranked twice, or nothing is relevant.
    """
    return _mean(relevant, ranked, _reciprocal_rank, k)


def mean_average_precision(relevant: Any, ranked: Any, k: int | None = None) -> float:
    """Average over queries the mean of the precisions at the ranks of relevant documents.

    Parameters
    ----------
    relevant : mapping or sequence of shape (n_queries,)
        As in `ndcg_score_at_k`; grades above 0 are relevant. One that was not found counts as a
        precision of 0.
    ranked : mapping or sequence of shape (n_queries,)
        Per query the ids that were found, best first.
    k : int, default=None
        How many of them count; None counts all.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ParameterError
        If the two do not belong together, an id is ranked twice, or nothing is relevant.
    """
    return _mean(relevant, ranked, _average_precision, k)


def score_rankings(relevant: Any, ranked: Any, metrics: Iterable[str]) -> dict[str, Floats]:
    """Score every query by several metrics, for intervals and paired comparisons.

    Parameters
    ----------
    relevant : mapping or sequence of shape (n_queries,)
        As in `ndcg_score_at_k`.
    ranked : mapping or sequence of shape (n_queries,)
        Per query the ids that were found, best first.
    metrics : iterable of str
        Such as "ndcg@10", "recall@100", "precision@5", "mrr@10" or "map"; without "@" all ranked
        ids count.

    Returns
    -------
    dict of str to float64 of shape (n_queries,)
        By metric, in the order of ``relevant``.

    Raises
    ------
    ParameterError
        If there is no such metric, the two do not belong together, an id is ranked twice, or
        nothing is relevant.
    """
    names = [metrics] if isinstance(metrics, str) else metrics
    parsed = {metric: _parse(metric) for metric in names}
    pairs = _grade(relevant, ranked)
    return {
        metric: np.array([measure(gains, ideal, k) for gains, ideal in pairs])
        for metric, (measure, k) in parsed.items()
    }


def make_retrieval_scorer(metrics: "str | Sequence[str]" = "ndcg@10") -> "RetrievalScorer":
    """Make what scikit-learn's searches and cross-validation take as ``scoring``.

    Parameters
    ----------
    metrics : str or sequence of str, default="ndcg@10"
        Names as in `score_rankings`. Several are scored from one search of the documents, and
        ``refit`` then names the one to choose by.

    Returns
    -------
    RetrievalScorer
        A function of ``(estimator, queries, relevant)``.

    Raises
    ------
    ParameterError
        If there is no such metric.
    """
    return RetrievalScorer(metrics if isinstance(metrics, str) else tuple(metrics))


@dataclass(frozen=True)
class RetrievalScorer:
    """Scores a fitted retriever on queries whose relevant documents are known.

    Parameters
    ----------
    metrics : str or tuple of str
        Names as in `score_rankings`.

    Raises
    ------
    ParameterError
        If there is no such metric.
    """

    metrics: "str | tuple[str, ...]"

    def __post_init__(self) -> None:
        if not self._names:
            raise ParameterError("metrics is empty; name one, such as 'ndcg@10'.")
        for metric in self._names:
            _parse(metric)

    def __call__(self, estimator: Any, queries: Any, relevant: Any) -> float | dict[str, float]:
        """Search and score.

        Parameters
        ----------
        estimator : estimator
            With ``kneighbors`` and ``ids_``, or a Pipeline that ends with one.
        queries : iterable of shape (n_queries,)
            The texts to search with.
        relevant : sequence of shape (n_queries,)
            Per query what is relevant, as in `ndcg_score_at_k`; where documents have labels, the
            labels of which all documents are.

        Returns
        -------
        float or dict of str to float
            Means over queries; one number if one metric was named as a str.

        Raises
        ------
        ParameterError
            If the numbers of queries and of ``relevant`` differ, or an id in it is unknown.
        """
        scores = self._score(estimator, queries, relevant)
        means = {metric: float(values.mean()) for metric, values in scores.items()}
        return means[self.metrics] if isinstance(self.metrics, str) else means

    def mean(self, estimator: Any, queries: Any, relevant: Any) -> float:
        """Search and score by the first metric.

        Parameters
        ----------
        estimator : estimator
            With ``kneighbors`` and ``ids_``, or a Pipeline that ends with one.
        queries : iterable of shape (n_queries,)
            The texts to search with.
        relevant : sequence of shape (n_queries,)
            Per query what is relevant, as in `ndcg_score_at_k`.

        Returns
        -------
        float
            Mean over queries.

        Raises
        ------
        ParameterError
            If the numbers of queries and of ``relevant`` differ, or an id in it is unknown.
        """
        return float(self._score(estimator, queries, relevant)[self._names[0]].mean())

    def _score(self, estimator: Any, queries: Any, relevant: Any) -> dict[str, Floats]:
        queries = queries if hasattr(queries, "__len__") else list(queries)
        retriever, prepared = _unwrap(estimator, queries)
        ids, labels = retriever.ids_, getattr(retriever, "labels_", None)
        if labels is None:
            check_relevant(relevant, len(queries), ids)
            relevant = list(relevant)
        else:
            check_relevant(relevant, len(queries), labels, "label")
            relevant = _documents_of(relevant, labels, ids)
        depths = [_parse(metric)[1] for metric in self._names]
        depth = min(max(k or len(ids) for k in depths), len(ids))
        at_once = max(1, RANKED_AT_ONCE // depth)
        parts = []
        for first in range(0, max(len(queries), 1), at_once):
            part = slice(first, first + at_once)
            # Rows of a frame are picked by iloc, those of all else by brackets.
            asked = getattr(prepared, "iloc", prepared)[part]
            positions = retriever.kneighbors(asked, depth, return_distance=False)
            parts.append(score_rankings(relevant[part], ids[positions].tolist(), self._names))
        return {name: np.concatenate([part[name] for part in parts]) for name in self._names}

    @property
    def _names(self) -> tuple[str, ...]:
        return (self.metrics,) if isinstance(self.metrics, str) else self.metrics


def check_relevant(relevant: Any, n_queries: int, ids: Collection[Any], what: str = "id") -> None:
    """Refuse relevant documents that are not there, or not one entry per query.

    Parameters
    ----------
    relevant : sequence of shape (n_queries,)
        Per query what is relevant, as in `ndcg_score_at_k`.
    n_queries : int
        Queries.
    ids : collection of shape (n_documents,)
        Of the documents that are there.
    what : {"id", "label"}, default="id"
        What these are.

    Raises
    ------
    ParameterError
        If it is no such sequence, or an id is unknown.
    """
    no_list = isinstance(relevant, str | bytes | Mapping | AbstractSet) or _is_frame(relevant)
    if no_list or not hasattr(relevant, "__len__"):
        raise ParameterError(
            f"relevant must be a list with one entry per query: an {what}, a set of {what}s, or a "
            f"dict of {what}s to grades; got a {type(relevant).__name__}."
        )
    if len(relevant) != n_queries:
        raise ParameterError(
            f"relevant has {len(relevant)} entries for {n_queries} queries; one per query is "
            f"needed."
        )
    known = set(ids.tolist() if isinstance(ids, np.ndarray) else ids)
    for query, entry in enumerate(relevant):
        unknown = [name for name in _grades(entry, query) if name not in known]
        if unknown:
            raise ParameterError(
                f"relevant[{query}] holds {unknown[0]!r}, which is no document's {what}; the "
                f"{what}s are {_kind(known)}, such as {next(iter(known))!r}."
            )


def _documents_of(
    relevant: Any, labels: NDArray[Any], ids: NDArray[Any]
) -> list[dict[Any, float]]:
    """Turn labels that are relevant into documents."""
    members: dict[Any, list[Any]] = {}
    for label, name in zip(labels.tolist(), ids.tolist(), strict=True):
        members.setdefault(label, []).append(name)
    return [
        {n: grade for label, grade in _grades(entry, query).items() for n in members[label]}
        for query, entry in enumerate(relevant)
    ]


def _is_frame(value: Any) -> bool:
    # Going through a frame gives the names of its columns.
    return hasattr(value, "columns")


def _unwrap(estimator: Any, queries: Any) -> tuple[Any, Any]:
    """Give a pipeline's last step, and the queries as the steps before it leave them."""
    if not hasattr(estimator, "steps"):
        return estimator, queries
    before = estimator[:-1]
    return estimator[-1], before.transform(queries) if len(before) else queries


def _mean(relevant: Any, ranked: Any, measure: Measure, k: int | None) -> float:
    if k is not None:
        _check_k(k)
    pairs = _grade(relevant, ranked)
    return float(np.mean([measure(gains, ideal, k) for gains, ideal in pairs]))


def _grade(relevant: Any, ranked: Any) -> list[tuple[Floats, Floats]]:
    """Give per query the grades in the order of the ranking, and in the best order there is."""
    queries, relevant, ranked = _align(relevant, ranked)
    pairs = []
    for query, entry, names in zip(queries, relevant, ranked, strict=True):
        grades, found = _grades(entry, query), _found(names, query)
        if found and _kind(grades) != _kind(found):
            raise ParameterError(
                f"relevant[{query!r}] holds {_kind(grades)}, ranked[{query!r}] {_kind(found)}; "
                f"ids of the same type were expected."
            )
        gains = np.array([grades.get(name, 0.0) for name in found], np.float64)
        pairs.append((gains, np.sort(np.array(list(grades.values()), np.float64))[::-1]))
    return pairs


def _align(relevant: Any, ranked: Any) -> tuple[list[Any], list[Any], list[Any]]:
    if isinstance(relevant, Mapping) != isinstance(ranked, Mapping):
        raise ParameterError(
            f"relevant is a {type(relevant).__name__} and ranked a {type(ranked).__name__}; "
            f"either both are mappings with the queries as keys, or both lists in the same order."
        )
    if isinstance(relevant, Mapping):
        queries = list(relevant)
        differing = sorted(map(repr, set(relevant) ^ set(ranked)))
        if differing:
            raise ParameterError(
                f"relevant and ranked must have the same queries; {differing[0]} is only in "
                f"{'ranked' if len(ranked) > len(relevant) else 'one of them'}."
            )
        relevant, ranked = list(relevant.values()), [ranked[query] for query in queries]
    else:
        relevant, ranked = _as_list("relevant", relevant), _as_list("ranked", ranked)
        queries = list(range(len(relevant)))
    if len(relevant) != len(ranked):
        raise ParameterError(
            f"relevant has {len(relevant)} queries and ranked {len(ranked)}; both need one entry "
            f"per query."
        )
    if not queries:
        raise ParameterError("relevant is empty; at least one query is needed.")
    return queries, relevant, ranked


def _as_list(name: str, value: Any) -> list[Any]:
    no_list = isinstance(value, str | bytes | AbstractSet) or _is_frame(value)
    if no_list or not isinstance(value, Iterable):
        raise ParameterError(
            f"{name} must be a mapping or a list with one entry per query; got a "
            f"{type(value).__name__}."
        )
    return list(value)


def _grades(entry: Any, query: Any) -> dict[Any, float]:
    """Read what is relevant for one query."""
    if isinstance(entry, Mapping):
        for name, grade in entry.items():
            if not isinstance(grade, Real) or not 0 <= float(grade) < np.inf:
                raise ParameterError(
                    f"relevant[{query!r}] gives {name!r} the grade {grade!r}; a finite number "
                    f"that is not negative was expected."
                )
        grades = {name: float(grade) for name, grade in entry.items()}
    elif hasattr(entry, "to_dict"):
        raise ParameterError(
            f"relevant[{query!r}] is a {type(entry).__name__}, of which the index or the values "
            f"may be ids; give its to_dict() if the values are grades, or a list of ids."
        )
    elif isinstance(entry, str | Integral) and not isinstance(entry, bool):
        grades = {entry: 1.0}
    elif isinstance(entry, Iterable) and not isinstance(entry, bytes | bytearray):
        names = entry.tolist() if isinstance(entry, np.ndarray) else entry
        grades = dict.fromkeys(names, 1.0)
    else:
        raise ParameterError(
            f"relevant[{query!r}] is {entry!r}; an id, a set of ids, or a dict of ids to grades "
            f"was expected."
        )
    if not any(grades.values()):
        raise ParameterError(
            f"relevant[{query!r}] holds no relevant document, so the query says nothing; leave "
            f"it out."
        )
    return grades


def _found(names: Any, query: Any) -> list[Any]:
    no_list = isinstance(names, str | bytes | Mapping | AbstractSet) or _is_frame(names)
    if no_list or not isinstance(names, Iterable):
        raise ParameterError(
            f"ranked[{query!r}] is a {type(names).__name__}; a list of ids, best first, was "
            f"expected."
        )
    found = names.tolist() if isinstance(names, np.ndarray) else list(names)
    if len(set(found)) < len(found):
        twice = next(name for name in found if found.count(name) > 1)
        raise ParameterError(f"ranked[{query!r}] holds {twice!r} more than once.")
    return found


def _kind(names: Iterable[Any]) -> str:
    return " and ".join(sorted({"str" if isinstance(n, str) else "numbers" for n in names}))


def _parse(metric: Any) -> tuple[Measure, int | None]:
    name, at, depth = metric.partition("@") if isinstance(metric, str) else ("", "", "")
    if name not in _MEASURES or (at and not (depth.isdecimal() and int(depth))):
        raise ParameterError(
            f"metrics holds {metric!r}; expected one of {', '.join(_MEASURES)}, mostly with the "
            f"number of ranks that count, such as 'ndcg@10'."
        )
    return _MEASURES[name], int(depth) if at else None


def _check_k(k: Any) -> None:
    if not isinstance(k, Integral) or isinstance(k, bool) or k < 1:
        raise ParameterError(f"k must be a positive integer or None; got {k!r}.")


def _ndcg(gains: Floats, ideal: Floats, k: int | None) -> float:
    return _dcg(gains[:k]) / _dcg(ideal[:k])


def _dcg(gains: Floats) -> float:
    return float(gains @ (1 / np.log2(np.arange(2, len(gains) + 2))))


def _recall(gains: Floats, ideal: Floats, k: int | None) -> float:
    return float(np.count_nonzero(gains[:k]) / np.count_nonzero(ideal))


def _precision(gains: Floats, ideal: Floats, k: int | None) -> float:
    places = k or len(gains)
    return float(np.count_nonzero(gains[:k]) / places) if places else 0.0


def _reciprocal_rank(gains: Floats, ideal: Floats, k: int | None) -> float:
    hits = np.flatnonzero(gains[:k])
    return float(1 / (hits[0] + 1)) if len(hits) else 0.0


def _average_precision(gains: Floats, ideal: Floats, k: int | None) -> float:
    ranks = np.flatnonzero(gains[:k]) + 1
    return float((np.arange(1, len(ranks) + 1) / ranks).sum() / np.count_nonzero(ideal))


_MEASURES: dict[str, Measure] = {
    "ndcg": _ndcg,
    "recall": _recall,
    "precision": _precision,
    "mrr": _reciprocal_rank,
    "map": _average_precision,
}
