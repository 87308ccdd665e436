"""SimilarityDisplay: the cosines that are drawn, and the texts beside them."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity

from skencoder.errors import ParameterError, TextInputError
from skencoder.plotting import SimilarityDisplay

TEXTS = ["a cat", "a kitten sleeps on the sofa of a cat", "one euro"]


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def image_of(display):
    return np.asarray(display.ax_.images[0].get_array())


def test_cells_are_cosines(vectorizer):
    vectors = vectorizer.fit_transform(TEXTS)
    display = SimilarityDisplay.from_estimator(vectorizer, TEXTS)
    np.testing.assert_allclose(image_of(display), cosine_similarity(vectors), atol=1e-6)
    assert labels(display.ax_.yaxis) == ["a cat", "a kitten sleeps on the sofa o…", "one euro"]
    assert labels(display.ax_.xaxis) == labels(display.ax_.yaxis)


def test_rows_and_columns_may_be_different_texts():
    counts = TfidfVectorizer().fit(TEXTS)
    display = SimilarityDisplay.from_estimator(counts, TEXTS, ["cat", "euro"], text_width=6)
    expected = cosine_similarity(counts.transform(TEXTS), counts.transform(["cat", "euro"]))
    np.testing.assert_allclose(image_of(display), expected)
    assert labels(display.ax_.yaxis) == ["a cat", "a kit…", "one e…"]
    assert labels(display.ax_.xaxis) == ["cat", "euro"]


def test_numbers_are_written_where_they_can_be_read():
    display = SimilarityDisplay.from_similarities([[1.0, -0.254], [0.5, -0.001]])
    assert [text.get_text() for text in display.ax_.texts] == ["1.00", "-0.25", "0.50", "0.00"]
    # Dark on the bright cell, bright on the dark one.
    assert [text.get_color() for text in display.ax_.texts[:2]] == ["black", "white"]
    assert display.ax_.images[0].get_clim() == (-0.254, 1.0)
    assert not SimilarityDisplay.from_similarities(np.eye(13)).ax_.texts


def test_of_too_many_texts_only_numbers_are_shown():
    texts = [f"text {i}" for i in range(51)]
    display = SimilarityDisplay.from_similarities(np.eye(51), row_texts=texts, column_texts=texts)
    assert "text 0" not in labels(display.ax_.yaxis) + labels(display.ax_.xaxis)


def test_hostile_texts_are_drawn_as_they_are():
    texts = ["$\\frac{1$", "two\nlines", ""]
    display = SimilarityDisplay.from_similarities(np.eye(3), row_texts=texts, column_texts=texts)
    display.figure_.savefig("/dev/null", format="png", dpi=20)
    assert labels(display.ax_.yaxis) == ["$\\frac{1$", "two lines", ""]


def test_plot_draws_on_the_axes_it_is_given():
    ax = Figure().subplots()
    display = SimilarityDisplay(np.eye(2))
    assert display.plot(ax=ax) is display
    assert display.ax_ is ax
    assert display.figure_ is ax.figure


@pytest.mark.parametrize(
    ("similarities", "options", "error", "message"),
    [
        (np.ones(3), {}, ParameterError, r"matrix of finite numbers; got shape \(3,\)"),
        ([[np.nan]], {}, ParameterError, "with NaN or infinity"),
        (np.ones((0, 0)), {}, ParameterError, r"similarities are empty; got shape \(0, 0\)"),
        (np.eye(2), {"row_texts": ["a"]}, ParameterError, "row_texts holds 1 texts; 2 were"),
        (np.eye(2), {"column_texts": "ab"}, TextInputError, "column_texts is a str; a list"),
        (
            np.eye(2),
            {"text_width": 1},
            ParameterError,
            "text_width must be an integer of at least",
        ),
    ],
)
def test_bad_input_is_refused(similarities, options, error, message):
    with pytest.raises(error, match=message):
        SimilarityDisplay.from_similarities(similarities, **options)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("a cat", "string object received"),
        (["a", None], "Row 1 of [XY] is missing"),
        (["a", float("nan")], "Row 1 of [XY] is missing"),
        (["a", 3], "Row 1 of [XY] is a int"),
        ({"a": "cat"}, "[XY] is a dict; a list"),
        (pd.DataFrame({"text": TEXTS, "other": TEXTS}), "[XY] has 2 columns"),
    ],
)
def test_what_is_no_collection_of_texts_is_refused(vectorizer, texts, message):
    vectorizer.fit(TEXTS)
    with pytest.raises(TextInputError, match=message.replace("[XY]", "X")):
        SimilarityDisplay.from_estimator(vectorizer, texts)
    with pytest.raises(TextInputError, match=message.replace("[XY]", "Y")):
        SimilarityDisplay.from_estimator(vectorizer, TEXTS, texts)


def test_texts_may_be_the_only_column_of_a_frame(vectorizer):
    frame = pd.DataFrame({"text": TEXTS})
    display = SimilarityDisplay.from_estimator(vectorizer.fit(TEXTS), frame)
    assert display.similarities.shape == (3, 3)
    assert display.row_texts == TEXTS
