"""TrainingCurveDisplay: how the loss fell, step by step; several trainings on one axes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skencoder.errors import ParameterError
from skencoder.parameter_checks import check_count
from skencoder.plotting.colors import COLORS
from skencoder.plotting.figures import open_axes, to_png
from skencoder.plotting.shown_texts import shorten_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

Floats: TypeAlias = NDArray[np.float64]

SIZE = (6.4, 4.0)
NAME_WIDTH = 40
# Where scikit-learn's estimators keep the fitted ones that they are made of.
PARTS = ("best_estimator_", "estimator_", "steps", "transformers_", "transformer_list")
# How lines and axes of this display are found again on axes that were drawn on before.
CURVE, RATE = "skencoder-training-curve", "skencoder-learning-rate"


class TrainingCurveDisplay:
    """Draw a training: the loss of each step, its running mean, and the loss on held-out rows.

    Make it with `from_estimator`, or with the ``history_`` of an estimator that was trained. To
    compare trainings, draw them on the same axes: each gets a colour of its own.

    Parameters
    ----------
    history : DataFrame
        One row per step, with the columns ``step`` and ``loss``; ``validation_loss``,
        ``validation_loss_before`` and ``learning_rate`` are drawn where they are there.
    name : str, default=None
        What the legend calls the training.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The running mean of the loss.
    steps_line_ : matplotlib Line2D
        The loss of each step.
    held_out_line_ : matplotlib Line2D or None
        The loss on held-out rows; None where there were none.
    learning_rate_line_ : matplotlib Line2D or None
        The learning rate; None where it was not asked for.
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        What it stands in; ``figure_.savefig("training.png")`` writes it.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Scores by the number of texts.

    Examples
    --------
    >>> import pandas as pd
    >>> from skencoder.plotting import TrainingCurveDisplay
    >>> history = pd.DataFrame({"step": [1, 2, 3], "loss": [3.0, 2.0, 1.5]})
    >>> display = TrainingCurveDisplay(history, name="three steps").plot()
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel()
    ('step', 'loss')
    """

    def __init__(self, history: Any, *, name: str | None = None) -> None:
        self.history = history
        self.name = name

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, name: str | None = None, **plot: Any
    ) -> "TrainingCurveDisplay":
        """Draw how an estimator was trained.

        Parameters
        ----------
        estimator : estimator, Pipeline, ColumnTransformer, FeatureUnion or search
            Fitted, with a ``history_``; of several parts the first that has one is taken, of a
            search its best estimator.
        name : str, default=None
            What the legend calls the training.
        **plot : object
            As `plot` takes them.

        Returns
        -------
        TrainingCurveDisplay
            Drawn.

        Raises
        ------
        ParameterError
            If it was not trained, or a parameter cannot be used.
        MissingExtraError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        """
        return cls(_find_history(estimator), name=name).plot(**plot)

    def plot(
        self,
        *,
        ax: Any = None,
        name: str | None = None,
        smoothing: int = 20,
        learning_rate: bool = False,
    ) -> "TrainingCurveDisplay":
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where; None makes a figure.
        name : str, default=None
            What the legend calls the training; None is the name that the display was made with.
        smoothing : int, default=20
            Steps that the running mean covers, more or less: of each step that is further back it
            takes less. 1 is the loss itself.
        learning_rate : bool, default=False
            Whether the learning rate is drawn too, dotted, on a scale of its own.

        Returns
        -------
        TrainingCurveDisplay
            Itself.

        Raises
        ------
        ParameterError
            If a parameter cannot be used, or the history has no loss.
        MissingExtraError
            If matplotlib is not installed.
        """
        check_count("smoothing", smoothing, at_least=1)
        history = _check_history(self.history)
        self.owns_figure_ = ax is None
        self.ax_ = open_axes(ax, SIZE)
        self.figure_ = self.ax_.figure
        shown = self.name if name is None else name
        color = COLORS[len(_curves(self.ax_)) % len(COLORS)]
        self._draw_losses(history, smoothing, color)
        self._draw_held_out(history, color)
        self.learning_rate_line_ = None
        if learning_rate:
            self.learning_rate_line_ = _draw_rate(self.ax_, history, color)
        self.line_.set_label("loss" if shown is None else shorten_text(str(shown), NAME_WIDTH))
        _add_legend(self.ax_)
        return self

    def _draw_losses(self, history: pd.DataFrame, smoothing: int, color: str) -> None:
        steps, loss = history["step"].to_numpy(), history["loss"]
        mean = loss.ewm(span=smoothing).mean().to_numpy()
        (self.steps_line_,) = self.ax_.plot(
            steps, loss.to_numpy(), color=color, alpha=0.25, linewidth=0.8
        )
        (self.line_,) = self.ax_.plot(steps, mean, color=color, linewidth=1.8, gid=CURVE)
        self.ax_.set(xlabel="step", ylabel="loss")
        self.ax_.spines[["top", "right"]].set_visible(False)

    def _draw_held_out(self, history: pd.DataFrame, color: str) -> None:
        self.held_out_line_: Line2D | None = None
        steps, loss = _held_out(history)
        if not len(steps):
            return
        (self.held_out_line_,) = self.ax_.plot(
            steps, loss, color=color, linestyle="--", linewidth=1.2, marker="o", markersize=4
        )

    def _repr_png_(self) -> bytes | None:
        return to_png(self)


def _find_history(estimator: Any) -> Any:
    for part in _with_parts(estimator):
        if hasattr(part, "history_"):
            return part.history_
    if not hasattr(estimator, "fit"):
        raise ParameterError(
            f"estimator must be fitted and have a history_, such as EncoderVectorizer(fine_tune="
            f"...).fit(texts); got {estimator!r}."
        )
    check_is_fitted(estimator)
    raise ParameterError(
        f"{type(estimator).__name__} was not trained, so it has no history_; give it an objective "
        f"as fine_tune."
    )


def _with_parts(estimator: Any) -> Iterator[Any]:
    """Go through an estimator and all that it is made of, as deep as that goes."""
    yield estimator
    for name in PARTS:
        found = getattr(estimator, name, None)
        for part in found if isinstance(found, list) else [found]:
            # Of a name, the part, and, in a ColumnTransformer, its columns.
            whole = part[1] if isinstance(part, tuple) else part
            if hasattr(whole, "fit"):
                yield from _with_parts(whole)


def _check_history(history: Any) -> pd.DataFrame:
    if not isinstance(history, pd.DataFrame) or not {"step", "loss"} <= {*history.columns}:
        raise ParameterError(
            f"history must be a DataFrame with the columns step and loss, as history_ is; got a "
            f"{type(history).__name__}."
        )
    if history.empty:
        raise ParameterError("history has no step: nothing was trained (max_steps=0?).")
    return history


def _held_out(history: pd.DataFrame) -> tuple[Floats, Floats]:
    """Give steps after which the loss on held-out rows was taken, and that loss.

    Before a step is after the one before it; where a training went on, both were looked at.
    """
    missing = np.full(len(history), np.nan)
    after = np.asarray(history.get("validation_loss", missing), dtype=float)
    before = np.asarray(history.get("validation_loss_before", missing), dtype=float)
    steps = np.asarray(history["step"], dtype=float)
    # Row by row, what was before first.
    pairs = np.column_stack([steps - 1, steps]).ravel(), np.column_stack([before, after]).ravel()
    taken = ~np.isnan(pairs[1])
    return pairs[0][taken], pairs[1][taken]


def _curves(ax: "Axes") -> "list[Line2D]":
    return [line for line in ax.get_lines() if line.get_gid() == CURVE]


def _draw_rate(ax: "Axes", history: pd.DataFrame, color: str) -> "Line2D":
    if "learning_rate" not in history:
        raise ParameterError("history has no column learning_rate, which was asked for.")
    beside = [other for other in ax.figure.axes if other.get_gid() == RATE]
    siblings = ax.get_shared_x_axes().get_siblings(ax)
    known = [other for other in beside if other in siblings]
    right = known[0] if known else ax.twinx()
    right.set(gid=RATE, ylabel="learning rate (dotted)")
    right.spines["top"].set_visible(False)
    (line,) = right.plot(
        history["step"].to_numpy(),
        history["learning_rate"].to_numpy(),
        color=color,
        linestyle=":",
        linewidth=1.2,
    )
    right.set_ylim(bottom=0)
    return line


def _add_legend(ax: "Axes") -> None:
    from matplotlib.lines import Line2D

    handles = _curves(ax)
    names = [str(line.get_label()) for line in handles]
    if any(line.get_linestyle() == "--" for line in ax.get_lines()):
        handles.append(Line2D([], [], color="grey", linestyle="--", marker="o", markersize=4))
        names.append("held out")
    places = [str(place) for place in range(len(handles))]
    legend = ax.legend(handles, places, frameon=False, fontsize="small")
    for text, name in zip(legend.get_texts(), names, strict=True):
        # As a label, a name with "_" first would be left out, and one with two "$" be a formula.
        text.set_text(name)
        text.set_parse_math(False)
