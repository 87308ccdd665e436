"""Item 7: a text's vector depends on the text, not on its neighbours."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skencoder.testing.case import Case, require
from skencoder.testing.checklist import text_check
from skencoder.testing.corpus import TEXTS

# No size leaves one text over, which is a check of its own.
BATCH_SIZES = (3, 7, 13)
LONG = " ".join(TEXTS)


@text_check(7)
def check_transform_is_repeatable(case: Case) -> None:
    """Give the same vectors in a second call."""
    estimator = case.fitted()
    case.same(case.vectors(estimator), case.vectors(estimator), "called a second time")


@text_check(7)
def check_text_alone_equals_text_in_batch(case: Case) -> None:
    """Give a text alone the vector it gets among others."""
    _check_batches(case, 1)


@text_check(7)
def check_batches_agree_with_the_whole(case: Case) -> None:
    """Give texts in pieces of any size the vectors they get at once."""
    for size in BATCH_SIZES:
        _check_batches(case, size)


@text_check(7)
def check_long_neighbour_changes_nothing(case: Case) -> None:
    """Give texts beside a much longer one the vectors they get without it."""
    estimator = case.fitted()
    found = case.vectors(estimator, (LONG, *TEXTS))[1:]
    case.same(found, case.vectors(estimator), "beside a long text")


@text_check(7)
def check_order_changes_nothing(case: Case) -> None:
    """Give texts in another order the same vectors in that order."""
    order = np.random.default_rng(0).permutation(len(TEXTS))
    _check_rows(case, order, "in another order")


@text_check(7)
def check_subsets_agree_with_the_whole(case: Case) -> None:
    """Give some of the texts, one of them twice, the vectors they have in the whole."""
    _check_rows(case, np.array([5, 3, 17, 3, 0]), "as a subset")


@text_check(7)
def check_duplicates_get_equal_vectors(case: Case) -> None:
    """Give a text that stands twice the same vector, and others another."""
    found = case.vectors(case.fitted())
    first = TEXTS.index(TEXTS[-1])
    case.same(found[-1:], found[[first]], "the same text, further down")
    others = (found[[row]] for row in range(1, len(TEXTS)))
    require(any(abs(o - found[[0]]).max() > 0 for o in others), "all texts get the same vector.")


def _check_batches(case: Case, size: int) -> None:
    estimator = case.fitted()
    pieces = [TEXTS[start : start + size] for start in range(0, len(TEXTS), size)]
    found = sparse.vstack([case.vectors(estimator, piece) for piece in pieces], format="csr")
    case.same(found, case.vectors(estimator), f"in pieces of {size}")


def _check_rows(case: Case, rows: NDArray[np.int64], difference: str) -> None:
    estimator = case.fitted()
    found = case.vectors(estimator, [TEXTS[row] for row in rows])
    case.same(found, case.vectors(estimator)[rows], difference)
