"""Below which score a text is an outlier, learned from the share of outliers among texts."""

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from skencoder.errors import ParameterError, TextInputError

MOST = 0.5


def check_contamination(contamination: object) -> None:
    """Refuse what is no share of outliers.

    Parameters
    ----------
    contamination : object
        None, or a number above 0 and up to 0.5.

    Raises
    ------
    ParameterError
        If it is neither.
    """
    is_share = isinstance(contamination, Real) and not isinstance(contamination, bool)
    if contamination is not None and not (is_share and 0 < float(contamination) <= MOST):  # type: ignore[arg-type]
        raise ParameterError(
            f"contamination={contamination!r}: expected None, or the share of outliers among the "
            f"texts given to fit, above 0 and up to {MOST}."
        )


def learn_offset(scores: ArrayLike, contamination: float) -> float:
    """Find the score that a share of texts lies below.

    Parameters
    ----------
    scores : float64 of shape (n_texts,)
        Higher is more normal; NaN is left out.
    contamination : float
        The share.

    Returns
    -------
    float
        A percentile, interpolated between texts.

    Raises
    ------
    TextInputError
        If no text has a score.
    """
    known = np.asarray(scores, dtype=np.float64)
    known = known[~np.isnan(known)]
    if not len(known):
        raise TextInputError(
            "X has no text with a token; contamination needs texts to learn a threshold from."
        )
    return float(np.percentile(known, 100 * contamination))
