"""Association tests (WEAT on words, SEAT on sentences) of anything that makes vectors of texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .association_data import AssociationTest
from .association_tests import PermutationTest, associate, effect_size, permutation_test
from .bias_settings import BiasSettings
from .errors import VectorsError
from .vectors import encode

SHOWN = 3


@dataclass(frozen=True)
class Association:
    """What one test finds in one model.

    Parameters
    ----------
    effect_size : float
        In standard deviations; positive if the first targets are closer to the first attributes.
    permutation : PermutationTest
        How probable that is by chance.
    """

    effect_size: float
    permutation: PermutationTest


def measure_association(
    estimator: Any,
    test: AssociationTest,
    settings: BiasSettings | None = None,
    *,
    width: int | None = None,
) -> Association:
    """Run one test on one model.

    Parameters
    ----------
    estimator : estimator
        Fitted; its ``transform`` turns a list of texts into dense vectors.
    test : AssociationTest
        Its texts.
    settings : BiasSettings, optional
        Of the permutations.
    width : int, optional
        Dimensions that the model's vectors had before; None takes what comes.

    Returns
    -------
    Association
        Effect size and p-value.

    Raises
    ------
    VectorsError
        If the vectors are not finite or of another width, one is zero so that no cosine is
        defined, or all targets lie alike.
    """
    settings = settings or BiasSettings()
    first, second, near, far = _encode_sets(estimator, test, width)
    associations = associate(np.concatenate([first, second]), near, far)
    # Texts that are the same to the model differ by rounding at most.
    if np.ptp(associations) < np.finfo(np.float32).eps:
        raise VectorsError(
            f"{test.name}: all targets are associated alike, so that there is no spread to "
            f"measure an effect in."
        )
    cut = len(first)
    return Association(
        effect_size(associations[:cut], associations[cut:]),
        permutation_test(
            associations[:cut],
            associations[cut:],
            most_exact=settings.most_exact,
            samples=settings.samples,
            seed=settings.seed,
        ),
    )


def _encode_sets(
    estimator: Any, test: AssociationTest, width: int | None
) -> list[NDArray[np.float64]]:
    texts = [text for part in test.sets for text in part.texts]
    vectors = encode(estimator, texts, width=width).astype(np.float64)
    _check_directions(test, texts, vectors)
    return np.split(vectors, np.cumsum([len(part.texts) for part in test.sets])[:-1])


def _check_directions(
    test: AssociationTest, texts: Sequence[str], vectors: NDArray[np.float64]
) -> None:
    empty = [text for text, row in zip(texts, vectors, strict=True) if not row.any()]
    if empty:
        shown = ", ".join(map(repr, empty[:SHOWN]))
        raise VectorsError(
            f"{test.name}: the model gives {len(empty)} of {len(texts)} texts a vector of zeros "
            f"({shown}), which has no cosine; it knows no word of them."
        )
