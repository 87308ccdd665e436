"""EmbeddingDisplay: texts as points on a map, those with similar vectors close together."""

from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import ParameterError
from skencoder.parameter_checks import check_count
from skencoder.plotting.colors import GREY, MOST_STYLES, style_of
from skencoder.plotting.figures import open_axes, to_png
from skencoder.plotting.labels import Group, are_quantities, check_labels, group_labels
from skencoder.plotting.projection import PLANE, project
from skencoder.plotting.shown_texts import shorten_text
from skencoder.plotting.vectors import check_vectors, encode_for_display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (7.0, 4.5)
NAME_WIDTH = 28
ROWS_OF_LEGEND = 18
LEGEND_MARKER_SIZE = 30.0


class EmbeddingDisplay:
    """Draw texts as points on a map.

    Make it with `from_estimator` or `from_embeddings`. Two dimensions show only a part of what
    vectors say: read the share of variance on the axes, and look up neighbours with
    `NeighborsDisplay`.

    Parameters
    ----------
    points : float of shape (n_texts, 2)
        Where they are.
    labels : array-like of shape (n_texts,), default=None
        What colours them.
    axis_names : tuple of 2 str, default=("", "")
        What the axes are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        What it stands in; ``figure_.savefig("map.png")`` writes it.

    See Also
    --------
    NeighborsDisplay : The texts nearest to a text.
    SimilarityDisplay : All similarities of a few texts.

    Examples
    --------
    >>> from skencoder import EncoderVectorizer
    >>> from skencoder.plotting import EmbeddingDisplay
    >>> texts = ["a cat", "a dog", "one euro", "two euros"]
    >>> vectorizer = EncoderVectorizer().fit(texts)
    >>> labels = ["pet", "pet", "coin", "coin"]
    >>> display = EmbeddingDisplay.from_estimator(vectorizer, texts, labels)
    >>> display.ax_.get_xlabel()[:12]
    'component 1:'
    """

    def __init__(
        self, points: Any, *, labels: Any = None, axis_names: tuple[str, str] = ("", "")
    ) -> None:
        self.points = points
        self.labels = labels
        self.axis_names = axis_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        method: Any = "pca",
        random_state: Any = 0,
        **plot: Any,
    ) -> "EmbeddingDisplay":
        """Encode texts and draw their map.

        Parameters
        ----------
        estimator : transformer or Pipeline
            Fitted; of a Pipeline that ends in a classifier, the steps before it are used.
        X : iterable of shape (n_texts,)
            Texts.
        y : array-like of shape (n_texts,), default=None
            Labels, of which None and NaN are none; or amounts, floats not all whole.
        method : {"pca", "umap"} or estimator, default="pca"
            The two directions of the largest variance; UMAP on cosines (extra ``umap``), which
            keeps neighbours together and not distances; or what has ``fit_transform``, such as
            ``sklearn.manifold.TSNE()``.
        random_state : int, RandomState or None, default=0
            Of "umap", which with a number always gives the same map; "pca" does in any case.
        **plot : object
            As `plot` takes them.

        Returns
        -------
        EmbeddingDisplay
            Drawn.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        MissingExtraError
            If matplotlib or umap-learn is needed and not installed.
        NotFittedError
            If the estimator is not fitted.
        """
        vectors = encode_for_display(estimator, X)
        return cls.from_embeddings(vectors, y, method=method, random_state=random_state, **plot)

    @classmethod
    def from_embeddings(
        cls,
        embeddings: Any,
        y: Any = None,
        *,
        method: Any = "pca",
        random_state: Any = 0,
        **plot: Any,
    ) -> "EmbeddingDisplay":
        """Draw the map of vectors.

        Parameters
        ----------
        embeddings : float array or sparse array of shape (n_texts, n_features)
            Vectors.
        y : array-like of shape (n_texts,), default=None
            Labels, of which None and NaN are none; or amounts, floats not all whole.
        method : {"pca", "umap"} or estimator, default="pca"
            As in `from_estimator`.
        random_state : int, RandomState or None, default=0
            As in `from_estimator`.
        **plot : object
            As `plot` takes them.

        Returns
        -------
        EmbeddingDisplay
            Drawn.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        MissingExtraError
            If matplotlib or umap-learn is needed and not installed.
        """
        vectors = check_vectors("embeddings", embeddings)
        labels = check_labels(y, vectors.shape[0])
        projection = project(vectors, method, random_state)
        display = cls(projection.points, labels=labels, axis_names=projection.axis_names)
        return display.plot(**plot)

    def plot(
        self, *, ax: Any = None, n_labels: int = 12, marker_size: float | None = None
    ) -> "EmbeddingDisplay":
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where; None makes a figure. The legend stands outside of the axes: give a figure of
            your own ``layout="constrained"``.
        n_labels : int, default=12
            Most labels with a colour of their own, the most frequent ones; all others are grey.
        marker_size : float, default=None
            Area in square points; None depends on the number of texts.

        Returns
        -------
        EmbeddingDisplay
            Itself.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        MissingExtraError
            If matplotlib is not installed.
        """
        if check_count("n_labels", n_labels, at_least=1) > MOST_STYLES:
            raise ParameterError(
                f"n_labels={n_labels} is more than anyone can tell apart; at most {MOST_STYLES}."
            )
        points = check_vectors("points", self.points)
        if points.shape[1] != PLANE:
            raise ParameterError(f"points must have two columns; got {points.shape[1]}.")
        labels = check_labels(self.labels, len(points))
        size = marker_size or float(np.clip(12000 / len(points), 10, 40))
        self.owns_figure_ = ax is None
        self.ax_ = open_axes(ax, SIZE)
        self.figure_ = self.ax_.figure
        if labels is None:
            _scatter(self.ax_, points, size, color=style_of(0).color)
        elif are_quantities(labels):
            drawn = _scatter(self.ax_, points, size, c=labels, cmap="cividis", plotnonfinite=True)
            self.figure_.colorbar(drawn, ax=self.ax_)
        else:
            _draw_groups(self.ax_, points, labels, n_labels, size)
        self.ax_.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1])
        self.ax_.spines[["top", "right"]].set_visible(False)
        return self

    def _repr_png_(self) -> bytes | None:
        return to_png(self)


def _scatter(ax: "Axes", points: NDArray[Any], size: float, **style: Any) -> Any:
    across, up = points.T
    return ax.scatter(across, up, s=size, linewidths=0, alpha=0.8, **style)


def _draw_groups(
    ax: "Axes", points: NDArray[Any], labels: NDArray[Any], n_labels: int, size: float
) -> None:
    grouping = group_labels(labels, n_labels)
    # Grey points lie below the others, which are what the picture is about.
    rest = [
        _scatter(ax, points[group.rows], size, color=GREY, marker=".", zorder=1)
        for group in grouping.rest
    ]
    shown = [
        _scatter(ax, points[group.rows], size, zorder=2, **style_of(rank)._asdict())
        for rank, group in enumerate(grouping.shown)
    ]
    _add_legend(ax, shown + rest, grouping.shown + grouping.rest)


def _add_legend(ax: "Axes", handles: list[Any], groups: list[Group]) -> None:
    legend = ax.legend(
        handles,
        [str(place) for place in range(len(groups))],
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        ncols=ceil(len(groups) / ROWS_OF_LEGEND),
        fontsize="small",
        frameon=False,
        borderaxespad=0,
        handletextpad=0.3,
    )
    drawn: list[Any] = legend.legend_handles
    for handle, text, group in zip(drawn, legend.get_texts(), groups, strict=True):
        handle.set_sizes([LEGEND_MARKER_SIZE])
        # As a label, a name with "_" first would be left out, and one with two "$" be a formula.
        text.set_text(f"{shorten_text(group.name, NAME_WIDTH)} ({len(group.rows)})")
        text.set_parse_math(False)
