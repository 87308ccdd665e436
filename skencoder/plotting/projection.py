"""From vectors to two dimensions: principal components, UMAP, or what the user brings."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackError
from sklearn.decomposition import PCA

from skencoder.errors import MissingExtraError, ParameterError
from skencoder.estimators.dense import to_dense

PLANE = 2
MOST_COVARIANCES = 1000


@dataclass(frozen=True)
class Projection:
    """Points on a plane.

    Parameters
    ----------
    points : float of shape (n, 2)
        One per vector.
    axis_names : tuple of 2 str
        What the axes are.
    """

    points: NDArray[np.floating[Any]]
    axis_names: tuple[str, str]


def project(vectors: Any, method: Any, random_state: Any) -> Projection:
    """Bring vectors to two dimensions.

    Parameters
    ----------
    vectors : float array or sparse array of shape (n, n_features)
        Vectors.
    method : {"pca", "umap"} or estimator
        How; an estimator has ``fit_transform`` and gives two columns.
    random_state : int, RandomState or None
        Of "umap", and of "pca" on more than 1,000 dimensions, where it starts an iteration.

    Returns
    -------
    Projection
        Their points.

    Raises
    ------
    ParameterError
        If there is no such method, or there are too few vectors.
    MissingExtraError
        If umap-learn is needed and not installed.
    """
    if min(vectors.shape) < PLANE:
        raise ParameterError(
            f"A map needs two or more vectors of two or more dimensions; got shape "
            f"{vectors.shape}."
        )
    if isinstance(method, str):
        if method not in METHODS:
            raise ParameterError(
                f"method must be one of {', '.join(METHODS)}, or an estimator with fit_transform "
                f"such as sklearn.manifold.TSNE(); got {method!r}."
            )
        return METHODS[method](vectors, random_state)
    return _project_with(method, vectors)


def _project_pca(vectors: Any, random_state: Any) -> Projection:
    # All are exact; what scikit-learn chooses by itself may be off by a percent.
    if vectors.shape[1] <= MOST_COVARIANCES:
        solver = "covariance_eigh"
    else:
        # An iteration needs three vectors, and two are no large matrix however wide they are.
        solver = "full" if vectors.shape[0] == PLANE else "arpack"
    given = to_dense(vectors) if solver != "arpack" else vectors
    pca = PCA(PLANE, svd_solver=solver, random_state=random_state)
    # Equal vectors vary in nothing: a share is 0 / 0, and an iteration has nowhere to start.
    try:
        with np.errstate(invalid="ignore"):
            points = pca.fit_transform(given)
        shares = np.nan_to_num(pca.explained_variance_ratio_)
    except ArpackError:
        points, shares = np.zeros((vectors.shape[0], PLANE)), np.zeros(PLANE)
    first, second = (
        f"component {place}: {share:.0%} of variance" for place, share in enumerate(shares, 1)
    )
    return Projection(points, (first, second))


def _project_umap(vectors: Any, random_state: Any) -> Projection:
    try:
        with warnings.catch_warnings():
            # What it warns of at import concerns its authors, not its users.
            warnings.simplefilter("ignore")
            from umap import UMAP
    except ImportError as error:
        raise MissingExtraError(
            "method='umap' is computed by umap-learn, which is not installed: "
            "pip install 'skencoder[umap]'."
        ) from error
    neighbors = min(15, vectors.shape[0] - 1)
    if neighbors < PLANE:
        raise ParameterError("method='umap' needs three or more vectors; method='pca' two.")
    # Several threads would give another picture each time.
    mapper = UMAP(
        n_components=PLANE,
        n_neighbors=neighbors,
        metric="cosine",
        random_state=random_state,
        n_jobs=1,
        init="spectral" if vectors.shape[0] > neighbors + PLANE else "random",
    )
    return Projection(np.asarray(mapper.fit_transform(vectors)), ("UMAP 1", "UMAP 2"))


def _project_with(method: Any, vectors: Any) -> Projection:
    if isinstance(method, type) or not hasattr(method, "fit_transform"):
        raise ParameterError(f"method must have fit_transform; {method!r} has not.")
    points = np.asarray(method.fit_transform(vectors))
    if points.shape != (vectors.shape[0], PLANE):
        raise ParameterError(
            f"method must give two columns, such as TSNE(n_components=2); {method!r} gave shape "
            f"{points.shape}."
        )
    name = type(method).__name__
    return Projection(points, (f"{name} 1", f"{name} 2"))


METHODS: dict[str, Callable[[Any, Any], Projection]] = {
    "pca": _project_pca,
    "umap": _project_umap,
}
