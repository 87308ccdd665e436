"""SimilarityDisplay: how similar each text is to each other, as a heat map."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import ParameterError
from skencoder.estimators.texts import read_texts
from skencoder.estimators.unit_vectors import cosines, to_length_one
from skencoder.parameter_checks import check_count
from skencoder.plotting.figures import open_axes, to_png
from skencoder.plotting.shown_texts import as_texts, shorten_text
from skencoder.plotting.vectors import check_vectors, encode_for_display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More than this, and neither numbers in cells nor texts beside them can be read.
MOST_NUMBERS = 12
MOST_TEXTS = 50
INCHES_PER_TEXT = 0.32
SLANTED: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}


class SimilarityDisplay:
    """Draw the similarities of texts as a heat map.

    Make it with `from_estimator` or `from_similarities`.

    Parameters
    ----------
    similarities : float of shape (n_rows, n_columns)
        How similar each row's text is to each column's.
    row_texts : iterable of str of shape (n_rows,), default=None
        Beside the rows; None numbers them.
    column_texts : iterable of str of shape (n_columns,), default=None
        Below the columns; None numbers them.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        What it stands in; ``figure_.savefig("similarities.png")`` writes it.

    See Also
    --------
    EmbeddingDisplay : Many texts on a map.

    Examples
    --------
    >>> from skencoder import EncoderVectorizer
    >>> from skencoder.plotting import SimilarityDisplay
    >>> texts = ["a cat", "a kitten", "one euro"]
    >>> display = SimilarityDisplay.from_estimator(EncoderVectorizer().fit(texts), texts)
    >>> display.similarities.shape
    (3, 3)
    """

    def __init__(
        self, similarities: Any, *, row_texts: Any = None, column_texts: Any = None
    ) -> None:
        self.similarities = similarities
        self.row_texts = row_texts
        self.column_texts = column_texts

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, Y: Any = None, **plot: Any
    ) -> "SimilarityDisplay":
        """Encode texts and draw their cosines.

        Parameters
        ----------
        estimator : transformer or Pipeline
            Fitted; of a Pipeline that ends in a classifier, the steps before it are used.
        X : iterable of str of shape (n_rows,)
            Texts of the rows.
        Y : iterable of str of shape (n_columns,), default=None
            Texts of the columns; None is X.
        **plot : object
            As `plot` takes them.

        Returns
        -------
        SimilarityDisplay
            Drawn.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        TextInputError
            If X or Y is no collection of texts.
        MissingExtraError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        """
        rows = read_texts(X)
        columns = rows if Y is None else read_texts(Y, name="Y")
        row_units = to_length_one(encode_for_display(estimator, rows))
        column_units = (
            row_units if Y is None else to_length_one(encode_for_display(estimator, columns))
        )
        return cls.from_similarities(
            cosines(row_units, column_units), row_texts=rows, column_texts=columns, **plot
        )

    @classmethod
    def from_similarities(
        cls, similarities: Any, *, row_texts: Any = None, column_texts: Any = None, **plot: Any
    ) -> "SimilarityDisplay":
        """Draw similarities that are known.

        Parameters
        ----------
        similarities : array-like of shape (n_rows, n_columns)
            How similar each row's text is to each column's.
        row_texts : iterable of str of shape (n_rows,), default=None
            Beside the rows; None numbers them.
        column_texts : iterable of str of shape (n_columns,), default=None
            Below the columns; None numbers them.
        **plot : object
            As `plot` takes them.

        Returns
        -------
        SimilarityDisplay
            Drawn.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        MissingExtraError
            If matplotlib is not installed.
        """
        display = cls(similarities, row_texts=row_texts, column_texts=column_texts)
        return display.plot(**plot)

    def plot(
        self, *, ax: Any = None, text_width: int = 30, cmap: Any = "cividis"
    ) -> "SimilarityDisplay":
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where; None makes a figure that grows with the number of texts.
        text_width : int, default=30
            Most characters shown of a text. Of more than 50 texts only numbers are shown.
        cmap : str or Colormap, default="cividis"
            Colours from 0, or the smallest similarity if it is less, to the largest.

        Returns
        -------
        SimilarityDisplay
            Itself.

        Raises
        ------
        ParameterError
            If a parameter cannot be used.
        MissingExtraError
            If matplotlib is not installed.
        """
        check_count("text_width", text_width, at_least=2)
        matrix = check_vectors("similarities", self.similarities)
        if not matrix.size:
            raise ParameterError(f"similarities are empty; got shape {matrix.shape}.")
        rows = _check_texts("row_texts", self.row_texts, matrix.shape[0])
        columns = _check_texts("column_texts", self.column_texts, matrix.shape[1])
        self.owns_figure_ = ax is None
        self.ax_ = open_axes(ax, _measure(matrix.shape))
        self.figure_ = self.ax_.figure
        image = self.ax_.imshow(
            matrix, cmap=cmap, vmin=min(0.0, matrix.min()), vmax=max(0.0, matrix.max())
        )
        self.figure_.colorbar(image, ax=self.ax_, label="similarity")
        if rows and len(rows) <= MOST_TEXTS:
            shown = [shorten_text(text, text_width) for text in rows]
            self.ax_.set_yticks(range(len(rows)), shown, parse_math=False)
        if columns and len(columns) <= MOST_TEXTS:
            shown = [shorten_text(text, text_width) for text in columns]
            self.ax_.set_xticks(range(len(columns)), shown, parse_math=False, **SLANTED)
        if max(matrix.shape) <= MOST_NUMBERS:
            _write_numbers(self.ax_, matrix, image)
        return self

    def _repr_png_(self) -> bytes | None:
        return to_png(self)


def _check_texts(name: str, texts: Any, expected: int) -> list[str] | None:
    if texts is None:
        return None
    read = as_texts(name, texts)
    if len(read) != expected:
        raise ParameterError(f"{name} holds {len(read)} texts; {expected} were expected.")
    return read


def _measure(shape: tuple[int, ...]) -> tuple[float, float]:
    height, width = (float(np.clip(INCHES_PER_TEXT * n, 1.5, 9)) for n in shape)
    # Beside and below the cells there is room for the texts.
    return width + 4, height + 2


def _write_numbers(ax: "Axes", matrix: NDArray[Any], image: Any) -> None:
    for (row, column), value in np.ndenumerate(matrix):
        red, green, blue, _ = image.cmap(image.norm(value))
        # Weights of brightness of ITU-R BT.601.
        is_bright = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5  # noqa: PLR2004 - middle
        color = "black" if is_bright else "white"
        ax.text(column, row, _write(value), ha="center", va="center", color=color, size="small")


def _write(value: float) -> str:
    # What is rounded to nothing has no sign.
    return f"{round(float(value), 2) + 0.0:.2f}"
