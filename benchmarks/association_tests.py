"""Word embedding association tests: two sets of targets, two of attributes, and how they lie.

Arrays only; where the texts come from stands in `association_data`, who encodes them in `bias`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations, islice
from math import comb

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Cells of a block of partitions, 8 bytes each.
CELLS = 2**21
# Sums that differ by less than this share of the largest possible one are equal but for rounding.
ROUNDING = 1e-10


@dataclass(frozen=True)
class PermutationTest:
    """How probable such a difference is if it made no difference which target is in which set.

    Parameters
    ----------
    p_value : float
        One-sided.
    partitions : int
        Ways to cut all targets in two sets of these sizes that were tried.
    is_exact : bool
        Whether these are all there are.
    """

    p_value: float
    partitions: int
    is_exact: bool


def associate(targets: Array, first: Array, second: Array) -> Array:
    """Measure how much closer each target is to the first attributes than to the second.

    Parameters
    ----------
    targets : float64 of shape (n_targets, n_features)
        Vectors, none of them zero.
    first, second : float64 of shape (n_attributes, n_features)
        Vectors of the two sets of attributes; their sizes may differ.

    Returns
    -------
    float64 of shape (n_targets,)
        Mean cosine to the first minus mean cosine to the second, from -2 to 2.

    References
    ----------
    .. [1] Caliskan, Bryson & Narayanan (2017), Semantics derived automatically from language
       corpora contain human-like biases, Science 356, arXiv:1608.07187.
    """
    unit = _to_unit(targets)
    # The mean of cosines with unit vectors is the product with the mean of these.
    difference = _to_unit(first).mean(axis=0) - _to_unit(second).mean(axis=0)
    return np.asarray(unit @ difference, np.float64)


def _to_unit(vectors: Array) -> Array:
    wide = np.asarray(vectors, np.float64)
    return np.asarray(wide / np.linalg.norm(wide, axis=1, keepdims=True), np.float64)


def effect_size(first: Array, second: Array) -> float:
    """Say how far apart the associations of two sets of targets lie.

    Parameters
    ----------
    first, second : float64 of shape (n_targets,)
        Associations, as `associate` gives them; at least two in all, not all equal.

    Returns
    -------
    float
        Difference of the means over the standard deviation of all (that of a sample, with n - 1),
        within -2 and 2 for sets of equal size; positive if the first targets are closer to the
        first attributes.

    References
    ----------
    .. [1] Caliskan, Bryson & Narayanan (2017), arXiv:1608.07187.
    .. [2] May, Wang, Bordia, Bowman & Rudinger (2019), On measuring social biases in sentence
       encoders, arXiv:1903.10561.
    """
    spread = np.concatenate([first, second]).std(ddof=1)
    return float((first.mean() - second.mean()) / spread)


def permutation_test(
    first: Array,
    second: Array,
    *,
    most_exact: int = 100_000,
    samples: int = 100_000,
    seed: int = 0,
) -> PermutationTest:
    """Cut the targets anew in two sets of the same sizes, and compare.

    Parameters
    ----------
    first, second : float64 of shape (n_targets,)
        Associations, as `associate` gives them.
    most_exact : int, default=100,000
        Up to so many partitions all are tried.
    samples : int, default=100,000
        Partitions drawn where there are more.
    seed : int, default=0
        Of the draw.

    Returns
    -------
    PermutationTest
        The share of partitions whose difference is at least as large. The sets as they are count
        as one of them, so that it is never 0; drawn ones are counted with one added to both.

    References
    ----------
    .. [1] Caliskan, Bryson & Narayanan (2017), arXiv:1608.07187; there only larger differences
       count.
    .. [2] Phipson & Smyth (2010), Permutation p-values should never be zero, Statistical
       Applications in Genetics and Molecular Biology 9.
    """
    values, size = np.concatenate([first, second]), len(first)
    # The whole is fixed, so the first set's sum decides on the difference of the means.
    bound = float(first.sum()) - ROUNDING * float(np.abs(values).sum())
    total = comb(len(values), size)
    is_exact = total <= most_exact
    blocks = _all_sets(len(values), size) if is_exact else _drawn_sets(values, size, samples, seed)
    reached = sum(int((values[rows].sum(axis=1) >= bound).sum()) for rows in blocks)
    if is_exact:
        return PermutationTest(reached / total, total, is_exact)
    return PermutationTest((reached + 1) / (samples + 1), samples, is_exact)


def _all_sets(number: int, size: int) -> Iterator[NDArray[np.intp]]:
    """Give every choice of so many rows, in blocks of shape (n_sets, size)."""
    flat, per_block = chain.from_iterable(combinations(range(number), size)), CELLS // size
    while True:
        block = np.fromiter(islice(flat, per_block * size), np.intp)
        if not len(block):
            return
        yield block.reshape(-1, size)


def _drawn_sets(values: Array, size: int, samples: int, seed: int) -> Iterator[NDArray[np.intp]]:
    """Draw rows without replacement, in blocks of shape (n_sets, size)."""
    rng, number = np.random.default_rng(seed), len(values)
    per_block = max(1, CELLS // number)
    for start in range(0, samples, per_block):
        keys = rng.random((min(per_block, samples - start), number))
        yield keys.argpartition(size - 1, axis=1)[:, :size]
