"""Which parameters can be changed to another valid value; needed to test that changes count."""

from collections.abc import Mapping
from typing import Any
from unittest import SkipTest

from skencoder.testing.case import Case

# Well-known parameters; of the two values, the first that an estimator does not have already.
KNOWN: Mapping[str, tuple[Any, Any]] = {
    "truncate_dim": (8, 4),
    "pooling": ("cls", "mean"),
    "normalize": (False, True),
    "norm": ("l1", "l2"),
    "ngram_range": ((1, 2), (1, 1)),
    "analyzer": ("char", "word"),
    "lowercase": (True, False),
    "n_features": (64, 32),
    "n_components": (3, 2),
}


def alternatives_of(case: Case) -> dict[str, Any]:
    """Find parameters to change, the caller's own first.

    Parameters
    ----------
    case : Case
        The estimator under test.

    Returns
    -------
    dict of str to object
        Parameters, and a valid value that each does not have now.

    Raises
    ------
    SkipTest
        If none is known.
    """
    present = case.parameters
    known = {
        name: first if present[name] != first else second
        for name, (first, second) in KNOWN.items()
        if name in present
    }
    found = {**case.alternatives, **{k: v for k, v in known.items() if k not in case.alternatives}}
    if not found:
        raise SkipTest(
            f"no other valid value is known for a parameter of {case.name}; name one in "
            f"alternatives."
        )
    return found
