"""NeighborsDisplay: the texts nearest to a text, and how near they are."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import ParameterError, TextInputError
from skencoder.estimators.texts import read_texts
from skencoder.estimators.unit_vectors import cosines, to_length_one
from skencoder.parameter_checks import check_count
from skencoder.plotting.colors import style_of
from skencoder.plotting.figures import open_axes, to_png
from skencoder.plotting.shown_texts import as_texts, shorten_text
from skencoder.plotting.vectors import check_vectors, encode_for_display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 8.0
INCHES_PER_TEXT = 0.3
TITLE_WIDTH = 80


class NeighborsDisplay:
    """Draw the texts nearest to a text as bars, the nearest on top.

    Make it with `from_estimator`, or `from_neighbors` with what a search has found.

    Parameters
    ----------
    query : str
        The text.
    texts : iterable of str of shape (n_neighbors,)
        Its neighbours, the nearest first.
    similarities : array-like of shape (n_neighbors,)
        How near they are: the more, the nearer.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        What it stands in; ``figure_.savefig("neighbors.png")`` writes it.

    See Also
    --------
    EmbeddingDisplay : Many texts on a map.

    Examples
    --------
    >>> from skencoder import EncoderVectorizer
    >>> from skencoder.plotting import NeighborsDisplay
    >>> texts = ["a cat", "one euro", "two dollars"]
    >>> vectorizer = EncoderVectorizer().fit(texts)
    >>> display = NeighborsDisplay.from_estimator(vectorizer, texts, "a kitten")
    >>> display.texts[0]
    'a cat'
    """

    def __init__(self, query: str, *, texts: Any, similarities: Any) -> None:
        self.query = query
        self.texts = texts
        self.similarities = similarities

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, query: str, *, n_neighbors: int = 10, **plot: Any
    ) -> "NeighborsDisplay":
        """Encode texts and draw those with the largest cosines to a query.

        Parameters
        ----------
        estimator : transformer or Pipeline
            Fitted; of a Pipeline that ends in a classifier, the steps before it are used.
        X : iterable of str of shape (n_texts,)
            Texts among which neighbours are looked for.
        query : str
            Whose neighbours.
        n_neighbors : int, default=10
            Most neighbours shown.
        **plot : object
            As `plot` takes them.

        Returns
        -------
        NeighborsDisplay
            Drawn.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        TextInputError
            If X is no collection of texts, or the query no text.
        MissingExtraError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        """
        check_count("n_neighbors", n_neighbors, at_least=1)
        if not isinstance(query, str):
            raise TextInputError(f"query is a {type(query).__name__}; one text was expected.")
        texts = read_texts(X)
        vectors, wanted = (
            to_length_one(encode_for_display(estimator, given)) for given in (texts, [query])
        )
        similarities = cosines(wanted, vectors)[0]
        nearest = np.argsort(-similarities, kind="stable")[:n_neighbors]
        found = [texts[row] for row in nearest]
        return cls.from_neighbors(query, texts=found, similarities=similarities[nearest], **plot)

    @classmethod
    def from_neighbors(
        cls, query: str, *, texts: Any, similarities: Any, **plot: Any
    ) -> "NeighborsDisplay":
        """Draw neighbours that are known.

        Parameters
        ----------
        query : str
            Whose neighbours.
        texts : iterable of str of shape (n_neighbors,)
            Its neighbours, the nearest first.
        similarities : array-like of shape (n_neighbors,)
            How near they are: the more, the nearer.
        **plot : object
            As `plot` takes them.

        Returns
        -------
        NeighborsDisplay
            Drawn.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        TextInputError
            If texts is no collection of texts.
        MissingExtraError
            If matplotlib is not installed.
        """
        return cls(query, texts=texts, similarities=similarities).plot(**plot)

    def plot(self, *, ax: Any = None, text_width: int = 60) -> "NeighborsDisplay":
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where; None makes a figure that grows with the number of neighbours.
        text_width : int, default=60
            Most characters shown of a text.

        Returns
        -------
        NeighborsDisplay
            Itself.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        MissingExtraError
            If matplotlib is not installed.
        """
        check_count("text_width", text_width, at_least=2)
        texts = as_texts("texts", self.texts)
        values = check_vectors("similarities", [self.similarities])[0]
        if len(values) != len(texts) or not len(texts):
            raise ParameterError(
                f"texts and similarities must be as many, and one or more; got {len(texts)} and "
                f"{len(values)}."
            )
        self.owns_figure_ = ax is None
        self.ax_ = open_axes(ax, (WIDTH, INCHES_PER_TEXT * len(texts) + 1))
        self.figure_ = self.ax_.figure
        _draw_bars(self.ax_, [shorten_text(text, text_width) for text in texts], values)
        self.ax_.set_title(
            shorten_text(self.query, TITLE_WIDTH), loc="right", size="medium", parse_math=False
        )
        return self

    def _repr_png_(self) -> bytes | None:
        return to_png(self)


def _draw_bars(ax: "Axes", texts: list[str], values: NDArray[Any]) -> None:
    bars = ax.barh(range(len(texts)), values, color=style_of(0).color, height=0.7)
    ax.bar_label(bars, fmt="%.2f", padding=3, size="small")
    ax.set_yticks(range(len(texts)), texts, parse_math=False)
    ax.invert_yaxis()
    # Room for the numbers at the ends of the bars.
    ax.set_xlim(min(0.0, values.min() * 1.15), max(values.max() * 1.15, 0.1))
    ax.set_xlabel("similarity")
    ax.spines[["top", "right"]].set_visible(False)
