"""Which of the candidate pairs are taken."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from skencoder.bitext.candidates import Candidates, Rows

# How much worse than the worst pair it is to leave a sentence alone, beside the scores' spread.
TIE = 1e-9


def match_nearest(candidates: Candidates) -> Candidates:
    """Take each source sentence's best target; several may have the same.

    Parameters
    ----------
    candidates : Candidates
        Pairs and their scores.

    Returns
    -------
    Candidates
        One pair for each source sentence that has any; of equal scores the lower target row.
    """
    order = np.lexsort((candidates.target, -candidates.scores, candidates.source))
    return candidates.keep(_firsts(candidates.source, order))


def match_mutual(candidates: Candidates) -> Candidates:
    """Take the pairs in which each is the other's best.

    Parameters
    ----------
    candidates : Candidates
        Pairs and their scores.

    Returns
    -------
    Candidates
        Each sentence at most once.
    """
    ahead = np.lexsort((candidates.target, -candidates.scores, candidates.source))
    back = np.lexsort((candidates.source, -candidates.scores, candidates.target))
    best = _firsts(candidates.source, ahead) & _firsts(candidates.target, back)
    return candidates.keep(best)


def match_greedy(candidates: Candidates) -> Candidates:
    """Take the best pair, then the best of what is left, and so on.

    Parameters
    ----------
    candidates : Candidates
        Pairs and their scores.

    Returns
    -------
    Candidates
        Each sentence at most once.
    """
    order = np.lexsort((candidates.target, candidates.source, -candidates.scores))
    free_source = np.ones(candidates.n_source, bool)
    free_target = np.ones(candidates.n_target, bool)
    taken = np.zeros(len(order), bool)
    sources, targets = candidates.source.tolist(), candidates.target.tolist()
    for pair in order.tolist():
        source, target = sources[pair], targets[pair]
        if free_source[source] and free_target[target]:
            free_source[source] = free_target[target] = False
            taken[pair] = True
    return candidates.keep(taken)


def match_optimal(candidates: Candidates) -> Candidates:
    """Take the one-to-one pairs whose scores, counted from the lowest, have the largest sum.

    Where all pairs are candidates this is ``scipy.optimize.linear_sum_assignment``; here it is
    solved on the sparse graph of candidates [1]_, in which each source sentence may also stay
    alone.

    Parameters
    ----------
    candidates : Candidates
        Pairs and their scores.

    Returns
    -------
    Candidates
        Each sentence at most once.

    References
    ----------
    .. [1] Jonker & Volgenant (1987), A Shortest Augmenting Path Algorithm for Dense and Sparse
       Linear Assignment Problems, Computing 38.
    """
    if not len(candidates.scores):
        return candidates
    scores = candidates.scores
    spread = scores.max() - scores.min()
    # Costs above 0, as a sparse graph has no edge of weight 0.
    costs = scores.max() - scores + 1
    alone = np.full(candidates.n_source, spread + 1 + TIE * (1 + spread))
    sources = np.arange(candidates.n_source)
    graph = csr_array(
        (
            np.concatenate([costs, alone]),
            (
                np.concatenate([candidates.source, sources]),
                np.concatenate([candidates.target, candidates.n_target + sources]),
            ),
        ),
        shape=(candidates.n_source, candidates.n_target + candidates.n_source),
    )
    rows, columns = min_weight_full_bipartite_matching(graph)
    partner = np.full(candidates.n_source, -1, np.int64)
    partner[rows] = columns
    return candidates.keep(partner[candidates.source] == candidates.target)


MATCHINGS: dict[str, Callable[[Candidates], Candidates]] = {
    "mutual": match_mutual,
    "nearest": match_nearest,
    "greedy": match_greedy,
    "optimal": match_optimal,
}


def _firsts(groups: Rows, order: Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Mark the first of each group in an order that has the groups together."""
    marked = np.zeros(len(order), bool)
    ordered = groups[order]
    marked[order[np.append(True, ordered[1:] != ordered[:-1])[: len(order)]]] = True
    return marked
