"""Which pairs of sentences could be translations: each one's nearest on the other side.

Only these pairs are held, so memory grows with the number of sentences and not with its square.
How sure a pair is stands in `margins`, which pairs are taken in `matching`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skencoder.indexes import build_index

Numbers = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Candidates:
    """Pairs that could be translations.

    Parameters
    ----------
    source, target : int64 of shape (n_pairs,)
        Rows of both sides; each pair is there once, in ascending order.
    scores : float64 of shape (n_pairs,)
        How sure each is.
    n_source, n_target : int
        Rows of each side.
    """

    source: Rows
    target: Rows
    scores: Numbers
    n_source: int
    n_target: int

    def keep(self, chosen: NDArray[np.bool_]) -> "Candidates":
        """Leave pairs out.

        Parameters
        ----------
        chosen : bool of shape (n_pairs,)
            Those that stay.

        Returns
        -------
        Candidates
            The others are gone.
        """
        return Candidates(
            self.source[chosen],
            self.target[chosen],
            self.scores[chosen],
            self.n_source,
            self.n_target,
        )


@dataclass(frozen=True)
class Neighbourhoods:
    """Each sentence's nearest ones on the other side.

    Parameters
    ----------
    forward : tuple of float32 and int64 arrays of shape (n_source, k)
        Cosines and rows of the target side, the nearest first.
    backward : tuple of float32 and int64 arrays of shape (n_target, k)
        The same from the target side.
    """

    forward: tuple[NDArray[np.float32], Rows]
    backward: tuple[NDArray[np.float32], Rows]

    @property
    def source_means(self) -> Numbers:
        """Mean cosine of each source sentence to its nearest, of shape (n_source,)."""
        means: Numbers = self.forward[0].mean(axis=1, dtype=np.float64)
        return means

    @property
    def target_means(self) -> Numbers:
        """Mean cosine of each target sentence to its nearest, of shape (n_target,)."""
        means: Numbers = self.backward[0].mean(axis=1, dtype=np.float64)
        return means

    def pairs(self) -> Candidates:
        """List the pairs in which one is among the nearest of the other.

        Returns
        -------
        Candidates
            With their cosines as scores.
        """
        (ahead, targets), (back, sources) = self.forward, self.backward
        n_source, n_target = len(targets), len(sources)
        rows = np.concatenate([np.repeat(np.arange(n_source), targets.shape[1]), sources.ravel()])
        columns = np.concatenate(
            [targets.ravel(), np.repeat(np.arange(n_target), sources.shape[1])]
        )
        cosines = np.concatenate([ahead.ravel(), back.ravel()]).astype(np.float64)
        _, first = np.unique(rows * n_target + columns, return_index=True)
        return Candidates(rows[first], columns[first], cosines[first], n_source, n_target)


def find_neighbourhoods(source: ArrayLike, target: ArrayLike, n_neighbors: int) -> Neighbourhoods:
    """Find each sentence's nearest ones on the other side.

    Parameters
    ----------
    source : float32 of shape (n_source, n_features)
        Vectors of one side; at least one.
    target : float32 of shape (n_target, n_features)
        Vectors of the other side; at least one.
    n_neighbors : int
        How many; all, where the other side has fewer.

    Returns
    -------
    Neighbourhoods
        Found in blocks by `skencoder.indexes`, exactly.

    Raises
    ------
    ParameterError
        If they are not finite vectors of one width.
    """
    ahead = build_index("exact", target, metric="cosine")
    back = build_index("exact", source, metric="cosine")
    return Neighbourhoods(
        ahead.search(source, min(n_neighbors, len(ahead))),
        back.search(target, min(n_neighbors, len(back))),
    )
