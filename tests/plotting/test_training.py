"""TrainingCurveDisplay: the losses of a training, several trainings on one axes."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline

from skencoder import EncoderVectorizer
from skencoder.errors import ParameterError
from skencoder.objectives import SimCSE, Training
from skencoder.plotting import TrainingCurveDisplay

TEXTS = [
    "one text",
    "another text",
    "a third one",
    "and one more",
    "five",
    "six",
    "seven",
    "eight",
]


def history(n_steps=30, held_out=10):
    steps = np.arange(1, n_steps + 1)
    validation = np.where(steps % held_out == 0, 2.0 - steps / 100, np.nan) if held_out else np.nan
    return pd.DataFrame(
        {
            "step": steps,
            "loss": 3.0 - steps / 20,
            "learning_rate": 1e-3 * steps[::-1],
            "validation_loss": validation,
        }
    )


def legend(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


@pytest.fixture(scope="module")
def trained(small_folder):
    training = Training(epochs=2, batch_size=2, validation_share=0.25)
    return EncoderVectorizer(
        small_folder, fine_tune=SimCSE(training=training), random_state=0, device="cpu"
    ).fit(TEXTS)


def test_what_an_estimator_went_through_is_drawn(trained):
    table = trained.history_
    display = TrainingCurveDisplay.from_estimator(trained, learning_rate=True, smoothing=1)
    for line in (display.line_, display.steps_line_):
        assert line.get_xdata().tolist() == table["step"].tolist() == [1, 2, 3, 4, 5, 6]
        assert line.get_ydata().tolist() == table["loss"].tolist()
    taken = table.dropna(subset=["validation_loss"])
    assert taken["step"].tolist() == [3, 6]
    assert display.held_out_line_.get_xdata().tolist() == [0, 3, 6]
    losses = [table["validation_loss_before"][0], *taken["validation_loss"]]
    assert display.held_out_line_.get_ydata().tolist() == losses
    rates = display.learning_rate_line_
    assert rates.get_ydata().tolist() == table["learning_rate"].tolist()
    assert rates.axes is not display.ax_
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("step", "loss")
    assert legend(display) == ["loss", "held out"]


def test_in_a_pipeline_and_in_a_search(trained):
    pipeline = make_pipeline(trained, LogisticRegression())
    steps = TrainingCurveDisplay.from_estimator(pipeline).line_.get_xdata()
    assert steps.tolist() == [1, 2, 3, 4, 5, 6]
    search = GridSearchCV(pipeline, {})
    search.best_estimator_ = pipeline
    assert TrainingCurveDisplay.from_estimator(search).line_.get_xdata().tolist() == steps.tolist()


@pytest.mark.parametrize(
    "kind",
    [
        lambda encoder: FeatureUnion([("text", encoder)]),
        lambda encoder: make_column_transformer((encoder, "text")),
    ],
)
def test_deep_in_a_pipeline(small_folder, kind):
    training = Training(max_steps=2, batch_size=4)
    encoder = EncoderVectorizer(small_folder, fine_tune=SimCSE(training=training), device="cpu")
    parts = kind(encoder)
    X = TEXTS if isinstance(parts, FeatureUnion) else pd.DataFrame({"text": TEXTS})
    pipeline = make_pipeline(parts, LogisticRegression()).fit(X, [0, 1] * 4)
    assert TrainingCurveDisplay.from_estimator(pipeline).line_.get_xdata().tolist() == [1, 2]


def test_the_running_mean_is_smoother_and_keeps_the_level():
    rng = np.random.default_rng(0)
    noisy = pd.DataFrame({"step": np.arange(1, 201), "loss": 1 + rng.normal(0, 0.3, 200)})
    display = TrainingCurveDisplay(noisy).plot(smoothing=20)
    mean = display.line_.get_ydata()
    assert mean[0] == noisy["loss"][0]
    assert np.abs(np.diff(mean)).mean() < 0.2 * np.abs(np.diff(noisy["loss"])).mean()
    assert mean[50:].mean() == pytest.approx(1, abs=0.1)
    assert display.held_out_line_ is None
    assert legend(display) == ["loss"]


def test_several_trainings_on_one_axes():
    ax = Figure().subplots()
    names = ["sinusoidal", "_rotary $a$ $b$", "learned"]
    displays = [
        TrainingCurveDisplay(history(held_out=10 * (name != "learned")), name=name).plot(
            ax=ax, learning_rate=True
        )
        for name in names
    ]
    assert all(display.ax_ is ax for display in displays)
    assert legend(displays[0]) == [*names, "held out"]
    colors = {display.line_.get_color() for display in displays}
    assert len(colors) == 3
    assert displays[0].held_out_line_.get_color() == displays[0].line_.get_color()
    # One scale for all rates.
    assert len({display.learning_rate_line_.axes for display in displays}) == 1
    assert len(ax.figure.axes) == 2
    ax.figure.savefig("/dev/null", format="png", dpi=20)


def test_a_name_can_be_given_when_it_is_drawn():
    display = TrainingCurveDisplay(history(), name="first").plot(name="second")
    assert legend(display) == ["second", "held out"]
    assert display.plot() is display
    assert legend(display)[0] == "first"


def test_what_has_no_history_is_refused(small_folder):
    frozen = EncoderVectorizer(small_folder, device="cpu")
    with pytest.raises(NotFittedError):
        TrainingCurveDisplay.from_estimator(frozen)
    with pytest.raises(ParameterError, match="EncoderVectorizer was not trained, so it has no"):
        TrainingCurveDisplay.from_estimator(frozen.fit(TEXTS))
    with pytest.raises(ParameterError, match="estimator must be fitted and have a history_"):
        TrainingCurveDisplay.from_estimator("a name")
    with pytest.raises(ParameterError, match="columns step and loss, as history_ is; got a list"):
        TrainingCurveDisplay([1, 2]).plot()
    with pytest.raises(ParameterError, match="history has no step: nothing was trained"):
        TrainingCurveDisplay(history(0)).plot()
    with pytest.raises(ParameterError, match="no column learning_rate, which was asked for"):
        TrainingCurveDisplay(history()[["step", "loss"]]).plot(learning_rate=True)
    with pytest.raises(ParameterError, match="smoothing must be an integer of at least 1; got 0"):
        TrainingCurveDisplay(history()).plot(smoothing=0)
