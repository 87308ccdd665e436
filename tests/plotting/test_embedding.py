"""EmbeddingDisplay: what is drawn where, in which colours, and what the legend says."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from scipy.sparse import csr_array
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.pipeline import make_pipeline

from skencoder import EncoderVectorizer
from skencoder.errors import ParameterError
from skencoder.plotting import EmbeddingDisplay
from skencoder.plotting.colors import COLORS, GREY, MOST_STYLES, style_of

TEXTS = ["a cat", "a dog", "one euro", "two euros", "a horse"]
KINDS = ["pet", "pet", "coin", "coin", "pet"]


@pytest.fixture(scope="module")
def vectors():
    return np.random.default_rng(0).normal(size=(60, 5)) * [5, 3, 1, 1, 1]


def entries(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def drawn(display):
    return [np.asarray(points.get_offsets()) for points in display.ax_.collections]


def test_points_and_shares_are_those_of_scikit_learn_s_pca(vectors):
    display = EmbeddingDisplay.from_embeddings(vectors)
    pca = PCA(2).fit(vectors)
    np.testing.assert_allclose(drawn(display)[0], pca.transform(vectors), atol=1e-12)
    first, second = pca.explained_variance_ratio_
    assert display.ax_.get_xlabel() == f"component 1: {first:.0%} of variance"
    assert display.ax_.get_ylabel() == f"component 2: {second:.0%} of variance"
    assert display.ax_.get_legend() is None


def test_from_estimator_encodes(vectorizer):
    vectorizer.fit(TEXTS)
    display = EmbeddingDisplay.from_estimator(vectorizer, TEXTS, KINDS)
    expected = EmbeddingDisplay.from_embeddings(vectorizer.transform(TEXTS), KINDS)
    np.testing.assert_allclose(display.points, expected.points, atol=1e-6)
    assert entries(display) == ["pet (3)", "coin (2)"]


def test_of_a_pipeline_with_a_classifier_the_steps_before_it_are_used():
    pipeline = make_pipeline(EncoderVectorizer(), LogisticRegression()).fit(TEXTS, KINDS)
    display = EmbeddingDisplay.from_estimator(pipeline, TEXTS)
    np.testing.assert_allclose(
        display.points, EmbeddingDisplay.from_estimator(pipeline[0], TEXTS).points
    )


def test_each_label_s_points_have_their_own_style(vectors):
    labels = np.repeat(["a", "b", "c"], 20)
    display = EmbeddingDisplay.from_embeddings(vectors, labels)
    assert entries(display) == ["a (20)", "b (20)", "c (20)"]
    for collection, label, color in zip(display.ax_.collections, "abc", COLORS, strict=False):
        np.testing.assert_array_equal(collection.get_offsets(), display.points[labels == label])
        assert to_hex(collection.get_facecolors()[0]).upper() == color


def test_many_labels_are_grey_but_the_most_frequent(vectors):
    labels = ["often"] * 20 + ["seldom"] * 10 + [f"rare {i}" for i in range(30)]
    display = EmbeddingDisplay.from_embeddings(vectors, labels, n_labels=2)
    assert entries(display) == ["often (20)", "seldom (10)", "30 other labels (30)"]
    grey = display.ax_.collections[0]
    assert to_hex(grey.get_facecolors()[0]).upper() == GREY
    assert len(grey.get_offsets()) == 30
    assert grey.get_zorder() < display.ax_.collections[1].get_zorder()


def test_points_without_a_label_are_shown_as_such(vectors):
    labels = [None] * 10 + [float("nan")] * 10 + ["a"] * 40
    assert entries(EmbeddingDisplay.from_embeddings(vectors, labels)) == [
        "a (40)",
        "no label (20)",
    ]


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        ([float("nan")] * 10 + ["a"] * 50, ["a (50)", "no label (10)"]),
        (pd.Series(["a"] * 50 + [None] * 10, dtype="string"), ["a (50)", "no label (10)"]),
        (pd.Series([1] * 50 + [None] * 10, dtype="Int64"), ["1 (50)", "no label (10)"]),
        (pd.Series(["a"] * 50 + [None] * 10, dtype="category"), ["a (50)", "no label (10)"]),
        ([None] * 60, ["no label (60)"]),
        ([True] * 50 + [None] * 10, ["True (50)", "no label (10)"]),
    ],
)
def test_a_missing_label_is_none_however_it_is_written(vectors, labels, shown):
    assert entries(EmbeddingDisplay.from_embeddings(vectors, labels)) == shown


def test_missing_amounts_are_amounts_still(vectors):
    amounts = pd.Series([0.5] * 30 + [1] * 20 + [None] * 10, dtype="Float64")
    display = EmbeddingDisplay.from_embeddings(vectors, amounts)
    assert display.ax_.get_legend() is None
    drawn_amounts = np.ma.filled(display.ax_.collections[0].get_array(), np.nan)
    np.testing.assert_array_equal(drawn_amounts, amounts.to_numpy(float, na_value=np.nan))


def test_two_texts_of_a_million_features_have_a_map():
    texts = ["a cat", "a dog"]
    display = EmbeddingDisplay.from_estimator(HashingVectorizer(), texts)
    distance = np.linalg.norm(np.subtract(*HashingVectorizer().transform(texts).toarray()))
    assert np.linalg.norm(np.subtract(*display.points)) == pytest.approx(distance)
    assert "100% of variance" in display.ax_.get_xlabel()


def test_whole_numbers_are_labels_in_their_own_order(vectors):
    labels = np.repeat([10, 9, 2], 20)
    assert entries(EmbeddingDisplay.from_embeddings(vectors, labels)) == [
        "2 (20)",
        "9 (20)",
        "10 (20)",
    ]
    as_floats = EmbeddingDisplay.from_embeddings(vectors, labels.astype(float))
    assert len(entries(as_floats)) == 3


def test_amounts_are_shown_by_a_scale_of_colours(vectors):
    amounts = np.linspace(0, 1, 60)
    display = EmbeddingDisplay.from_embeddings(vectors, amounts)
    assert display.ax_.get_legend() is None
    np.testing.assert_array_equal(display.ax_.collections[0].get_array(), amounts)
    assert len(display.figure_.axes) == 2


def test_styles_all_differ():
    styles = [style_of(rank) for rank in range(MOST_STYLES)]
    assert len(set(styles)) == MOST_STYLES
    assert len({style.color for style in styles[: len(COLORS)]}) == len(COLORS)
    assert len({style.marker for style in styles[: len(COLORS)]}) == len(COLORS)


def test_legend_shows_hostile_names_as_they_are(vectors):
    labels = np.repeat(["$x_1^$ costs $2", "_hidden", "two\nlines " + "long " * 20], 20)
    display = EmbeddingDisplay.from_embeddings(vectors, labels)
    display.figure_.savefig("/dev/null", format="png", dpi=20)
    assert entries(display) == [
        "$x_1^$ costs $2 (20)",
        "_hidden (20)",
        "two lines long long long lo… (20)",
    ]


def test_the_legend_lies_inside_of_the_figure_and_outside_of_the_axes(vectors):
    labels = [f"label number {i}" for i in range(30)] * 2
    display = EmbeddingDisplay.from_embeddings(vectors, labels, n_labels=30)
    display.figure_.savefig("/dev/null", format="png", dpi=50)
    legend = display.ax_.get_legend().get_window_extent()
    figure, axes = display.figure_.bbox, display.ax_.get_window_extent()
    assert axes.x1 < legend.x0 < legend.x1 <= figure.x1
    assert figure.y0 <= legend.y0 < legend.y1 <= figure.y1


def test_plot_draws_on_the_axes_it_is_given(vectors):
    ax = Figure().subplots()
    display = EmbeddingDisplay(vectors[:, :2], axis_names=("one", "other"))
    assert display.plot(ax=ax) is display
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert ax.get_ylabel() == "other"


def test_sparse_vectors_give_what_dense_ones_give(docs):
    counts = TfidfVectorizer().fit_transform(docs.data[:100])
    sparse = EmbeddingDisplay.from_embeddings(csr_array(counts))
    dense = EmbeddingDisplay.from_embeddings(counts.toarray())
    np.testing.assert_allclose(np.abs(sparse.points), np.abs(dense.points), atol=1e-6)


def test_the_same_map_each_time(docs):
    counts = TfidfVectorizer().fit_transform(docs.data[:100]).toarray()
    one, other = (EmbeddingDisplay.from_embeddings(counts) for _ in range(2))
    np.testing.assert_array_equal(one.points, other.points)


def test_what_has_fit_transform_may_make_the_map(vectors):
    display = EmbeddingDisplay.from_embeddings(vectors, method=TSNE(perplexity=5, random_state=0))
    assert display.ax_.get_xlabel() == "TSNE 1"
    expected = TSNE(perplexity=5, random_state=0).fit_transform(vectors)
    np.testing.assert_array_equal(display.points, expected)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of umap-learn and numba, about themselves
def test_umap_keeps_groups_together_and_is_the_same_each_time():
    pytest.importorskip("umap")
    rng = np.random.default_rng(0)
    vectors = np.repeat(np.eye(2, 8), 30, axis=0) + 0.1 * rng.normal(size=(60, 8))
    display = EmbeddingDisplay.from_embeddings(vectors, method="umap")
    assert display.ax_.get_xlabel() == "UMAP 1"
    one, other = display.points[:30], display.points[30:]
    within = np.linalg.norm(one - one.mean(axis=0), axis=1).max()
    assert np.linalg.norm(one.mean(axis=0) - other.mean(axis=0)) > within
    again = EmbeddingDisplay.from_embeddings(vectors, method="umap")
    np.testing.assert_array_equal(display.points, again.points)


@pytest.mark.parametrize("n_features", [2, 4, 1200])
def test_equal_vectors_are_one_point(n_features):
    display = EmbeddingDisplay.from_embeddings(np.ones((3, n_features)))
    assert np.ptp(display.points) == 0
    assert display.ax_.get_xlabel() == "component 1: 0% of variance"


@pytest.mark.parametrize(
    ("vectors", "options", "message"),
    [
        (
            np.ones((1, 4)),
            {},
            r"two or more vectors of two or more dimensions; got shape \(1, 4\)",
        ),
        (np.ones((4, 1)), {}, "two or more vectors"),
        (np.ones(4), {}, r"embeddings must be a matrix of finite numbers; got shape \(4,\)"),
        ([[1, float("nan")]] * 3, {}, "with NaN or infinity"),
        (["a", "b"], {}, "embeddings must be a matrix of numbers"),
        (np.eye(3), {"y": ["a"]}, r"y must hold one label per text, 3; got shape \(1,\)"),
        (np.eye(3), {"method": "tsne"}, r"method must be one of pca, umap, or.*TSNE"),
        (np.eye(3), {"method": TSNE}, "method must have fit_transform"),
        (np.eye(3), {"method": PCA(3)}, r"give two columns.*gave shape \(3, 3\)"),
        (np.eye(3), {"n_labels": 0}, "n_labels must be an integer of at least 1"),
        (np.eye(3), {"n_labels": 100}, "n_labels=100 is more than anyone can tell apart"),
        (np.eye(3), {"ax": "here"}, "ax must be matplotlib Axes or None; got a str"),
        (np.eye(3), {"ax": Figure().subplots(1, 2)}, "Of several axes give one"),
    ],
)
def test_bad_input_is_refused(vectors, options, message):
    with pytest.raises(ParameterError, match=message):
        EmbeddingDisplay.from_embeddings(vectors, **options)


def test_an_estimator_that_is_not_fitted_or_gives_no_vectors_is_refused():
    with pytest.raises(NotFittedError):
        EmbeddingDisplay.from_estimator(EncoderVectorizer(), TEXTS)
    with pytest.raises(ParameterError, match="must be a fitted transformer"):
        EmbeddingDisplay.from_estimator(LogisticRegression(), TEXTS)
