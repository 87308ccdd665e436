"""What `EncoderRetriever.transform` gives is what other estimators take as precomputed."""

import warnings

import numpy as np
import pytest
from sklearn.cluster import DBSCAN, SpectralClustering
from sklearn.exceptions import EfficiencyWarning
from sklearn.manifold import TSNE
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer
from sklearn.pipeline import make_pipeline

from skencoder import EncoderRetriever, EncoderVectorizer
from skencoder.errors import ParameterError


@pytest.fixture(scope="module")
def labelled(docs):
    """120 short real texts of three topics, and the topics."""
    short = np.array([len(text.split()) < 25 for text in docs.data])
    rows = np.concatenate(
        [np.flatnonzero(short & (docs.target == topic))[:40] for topic in (2, 6, 7)]
    )
    rows = np.random.default_rng(0).permutation(rows)
    return [docs.data[row] for row in rows], docs.target[rows]


@pytest.fixture(scope="module")
def encoder(text_encoder):
    return EncoderVectorizer(text_encoder)


@pytest.fixture(autouse=True)
def rows_are_sorted():
    with warnings.catch_warnings():
        warnings.simplefilter("error", EfficiencyWarning)
        yield


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("n_neighbors", [1, 7, 90])
def test_the_graph_is_that_of_kneighbors_transformer(labelled, encoder, metric, n_neighbors):
    texts, _ = labelled
    vectors = encoder.fit_transform(texts)
    expected = KNeighborsTransformer(n_neighbors=n_neighbors, metric=metric).fit(vectors[:90])
    retriever = EncoderRetriever(encoder, metric=metric, n_neighbors=n_neighbors)
    retriever.fit(texts[:90])
    if n_neighbors == 90:
        # There is no 91st; the graph is then complete.
        expected = expected.set_params(n_neighbors=89)
    for found, wanted in (
        (retriever.transform(texts[90:]), expected.transform(vectors[90:])),
        (retriever.fit_transform(texts[:90]), expected.fit_transform(vectors[:90])),
    ):
        assert found.shape == wanted.shape
        assert found.nnz == wanted.nnz
        np.testing.assert_allclose(found.toarray(), wanted.toarray(), atol=1e-3)
        by_row = found.data.reshape(found.shape[0], -1)
        assert (np.diff(by_row, axis=1) >= 0).all()


def test_a_classifier_of_neighbours(labelled, encoder):
    texts, y = labelled
    retriever = EncoderRetriever(encoder, n_neighbors=10).fit(texts[:90])
    classifier = KNeighborsClassifier(n_neighbors=5, metric="precomputed")
    classifier.fit(retriever.transform(texts[:90]), y[:90])
    found = classifier.predict(retriever.transform(texts[90:]))
    vectors = encoder.fit_transform(texts)
    direct = KNeighborsClassifier(n_neighbors=5, metric="cosine").fit(vectors[:90], y[:90])
    assert found.tolist() == direct.predict(vectors[90:]).tolist()
    assert np.mean(found == y[90:]) > 0.6


def test_a_pipeline_of_both(labelled, encoder):
    """Labels are y of both steps: the retriever takes them as labels of its documents."""
    texts, y = labelled
    pipeline = make_pipeline(
        EncoderRetriever(encoder, n_neighbors=10, target="labels"),
        KNeighborsClassifier(n_neighbors=5, metric="precomputed"),
    )
    search = GridSearchCV(pipeline, {"kneighborsclassifier__n_neighbors": [1, 5]}, cv=3)
    assert search.fit(texts, y).best_score_ > 0.6


def test_clustering_and_a_map(labelled, encoder):
    texts, _ = labelled
    graph = EncoderRetriever(encoder, n_neighbors=30).fit_transform(texts)
    assert len(set(DBSCAN(eps=0.5, min_samples=3, metric="precomputed").fit_predict(graph))) > 1
    clusters = SpectralClustering(
        3, affinity="precomputed_nearest_neighbors", n_neighbors=30, random_state=0
    ).fit_predict(graph)
    assert np.bincount(clusters).min() > 5
    tsne = TSNE(perplexity=9, metric="precomputed", init="random", max_iter=250, random_state=0)
    assert np.isfinite(tsne.fit_transform(graph)).all()


def test_similarities(labelled, encoder):
    texts, _ = labelled
    retriever = EncoderRetriever(encoder, n_neighbors=5, mode="similarity").fit(texts[:90])
    graph = retriever.transform(texts[90:])
    distances, positions = retriever.kneighbors(texts[90:])
    assert graph.shape == (30, 90)
    assert np.array_equal(graph.indices.reshape(30, 5), positions)
    np.testing.assert_allclose(graph.data.reshape(30, 5), 1 - distances, atol=1e-6)


def test_a_fusion_has_distances_too(labelled, encoder):
    pytest.importorskip("bm25s")
    texts, y = labelled
    retriever = EncoderRetriever(encoder, lexical="bm25", n_neighbors=10).fit(texts[:90])
    classifier = KNeighborsClassifier(n_neighbors=5, metric="precomputed")
    classifier.fit(retriever.transform(texts[:90]), y[:90])
    assert classifier.score(retriever.transform(texts[90:]), y[90:]) > 0.6


@pytest.mark.parametrize("parameters", [{"metric": "dot"}, {"reranker": len}])
def test_what_has_no_distances_gives_none(labelled, encoder, parameters):
    texts, _ = labelled
    retriever = EncoderRetriever(encoder, n_neighbors=3, **parameters).fit(texts[:20])
    with pytest.raises(ParameterError, match="mode='distance' needs distances"):
        retriever.transform(texts[:2])
