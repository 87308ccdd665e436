"""The score of each query's ranking, as trec_eval defines it and mteb averages it."""

import re
from collections.abc import Mapping

# mteb's names of scores, and trec_eval's.
MEASURES = {
    "ndcg": "ndcg_cut",
    "map": "map_cut",
    "recall": "recall",
    "precision": "P",
    "hit_rate": "success",
}
NAMES = re.compile(r"(ndcg|map|recall|precision|hit_rate|mrr)_at_(\d+)")


def score_rankings(
    metric: str,
    rankings: Mapping[str, Mapping[str, float]],
    relevant: Mapping[str, Mapping[str, int]],
    *,
    skip_first: bool = False,
    skip_identical: bool = False,
) -> dict[str, float] | None:
    """Score the ranking of each query.

    Parameters
    ----------
    metric : str
        Name in mteb, such as ``"ndcg_at_10"``; ``"accuracy"`` is ``"recall_at_1"``.
    rankings : mapping of str to mapping of str to float
        Scores of documents by query.
    relevant : mapping of str to mapping of str to int
        Grades of documents by query.
    skip_first : bool, default=False
        Leave out the first document of each ranking, as some tasks do.
    skip_identical : bool, default=False
        Leave out a document that is the query itself.

    Returns
    -------
    dict of str to float or None
        By query; None where the metric is not one of single queries.
    """
    named = NAMES.fullmatch("recall_at_1" if metric == "accuracy" else metric)
    if named is None:
        return None
    name, depth = named.group(1), int(named.group(2))
    counted = {
        query: _counted(query, scores, skip_first=skip_first, skip_identical=skip_identical)
        for query, scores in rankings.items()
        if query in relevant
    }
    if name != "mrr":
        return _trec_scores(counted, relevant, f"{MEASURES[name]}.{depth}")
    return {
        query: _reciprocal_rank(scores, relevant[query], depth)
        for query, scores in counted.items()
    }


def _counted(
    query: str, scores: Mapping[str, float], *, skip_first: bool, skip_identical: bool
) -> dict[str, float]:
    kept = {
        document: float(score)
        for document, score in scores.items()
        if not (skip_identical and document == query)
    }
    ranked = sorted(kept.items(), key=lambda item: item[1], reverse=True)
    return dict(ranked[1:]) if skip_first else kept


def _trec_scores(
    rankings: Mapping[str, Mapping[str, float]],
    relevant: Mapping[str, Mapping[str, int]],
    measure: str,
) -> dict[str, float]:
    import pytrec_eval

    scores = pytrec_eval.RelevanceEvaluator(relevant, {measure}).evaluate(rankings)
    return {query: float(score[measure.replace(".", "_")]) for query, score in scores.items()}


def _reciprocal_rank(
    scores: Mapping[str, float], relevant: Mapping[str, int], depth: int
) -> float:
    # Equal scores are ordered as trec_eval does, by descending name.
    ranked = sorted(scores, key=lambda document: (scores[document], document), reverse=True)
    for rank, document in enumerate(ranked[:depth], start=1):
        if relevant.get(document, 0) > 0:
            return 1 / rank
    return 0.0
