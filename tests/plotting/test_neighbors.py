"""NeighborsDisplay: the nearest texts in their order, and how near they are."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.neighbors import NearestNeighbors

from skencoder.errors import ParameterError, TextInputError
from skencoder.plotting import NeighborsDisplay

TEXTS = ["one euro", "a cat", "the weather in June", "a dog", "two dollars and a half"]


def labels(display):
    return [label.get_text() for label in display.ax_.get_yticklabels()]


def test_neighbors_are_those_of_scikit_learn(vectorizer):
    vectors = vectorizer.fit_transform(TEXTS)
    index = NearestNeighbors(n_neighbors=3, metric="cosine").fit(vectors)
    distances, rows = index.kneighbors(vectorizer.transform(["a kitten"]))
    display = NeighborsDisplay.from_estimator(vectorizer, TEXTS, "a kitten", n_neighbors=3)
    assert labels(display) == [TEXTS[row] for row in rows[0]]
    bars = [bar.get_width() for bar in display.ax_.patches]
    np.testing.assert_allclose(bars, 1 - distances[0], atol=1e-6)
    assert display.ax_.get_title(loc="right") == "a kitten"
    low, high = display.ax_.get_ylim()
    assert low > high  # the nearest is on top


def test_there_are_never_more_than_there_are_texts(vectorizer):
    display = NeighborsDisplay.from_estimator(vectorizer.fit(TEXTS), TEXTS, "a kitten")
    assert len(display.texts) == 5


def test_what_a_search_found_can_be_drawn():
    display = NeighborsDisplay.from_neighbors(
        "which?", texts=["$one$ " * 30, "other\ntext"], similarities=[12.5, -3]
    )
    display.figure_.savefig("/dev/null", format="png", dpi=20)
    assert labels(display)[1] == "other text"
    assert labels(display)[0].endswith("…")
    assert len(labels(display)[0]) <= 60
    low, high = display.ax_.get_xlim()
    assert low < -3 < 12.5 < high


def test_plot_draws_on_the_axes_it_is_given():
    ax = Figure().subplots()
    display = NeighborsDisplay("a", texts=["b"], similarities=[0.5])
    assert display.plot(ax=ax) is display
    assert display.ax_ is ax
    assert display.figure_ is ax.figure


def test_bad_input_is_refused(vectorizer):
    vectorizer.fit(TEXTS)
    with pytest.raises(
        ParameterError, match="n_neighbors must be an integer of at least 1; got 0"
    ):
        NeighborsDisplay.from_estimator(vectorizer, TEXTS, "a", n_neighbors=0)
    with pytest.raises(TextInputError, match="query is a list; one text was expected"):
        NeighborsDisplay.from_estimator(vectorizer, TEXTS, ["a"])
    with pytest.raises(ParameterError, match="as many, and one or more; got 1 and 2"):
        NeighborsDisplay.from_neighbors("a", texts=["b"], similarities=[1, 2])
    with pytest.raises(ParameterError, match="as many, and one or more; got 0 and 0"):
        NeighborsDisplay.from_neighbors("a", texts=[], similarities=[])
    with pytest.raises(TextInputError, match="texts is a str"):
        NeighborsDisplay.from_neighbors("a", texts="b", similarities=[1])
