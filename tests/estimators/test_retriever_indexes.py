"""Every index serves a retriever alike; approximate ones find nearly what the exact one does."""

import pickle

import numpy as np
import pytest

from skencoder import Corpus, EncoderRetriever, EncoderVectorizer, FixedCorpusRetriever
from skencoder.indexes import INDEXES

LIBRARIES = {"hnsw": "usearch", "faiss": "faiss"}


@pytest.fixture(scope="module")
def texts(docs):
    return [text for text in docs.data if len(text.split()) < 30][:400]


@pytest.fixture(params=sorted(INDEXES))
def index(request):
    if request.param in LIBRARIES:
        pytest.importorskip(LIBRARIES[request.param])
    return request.param


@pytest.fixture
def make(tiny_bert):
    def make(index, **parameters):
        return EncoderRetriever(EncoderVectorizer(tiny_bert), index=index, **parameters)

    return make


def recall(found, expected):
    pairs = zip(found.tolist(), expected.tolist(), strict=True)
    return np.mean([len({*one} & {*other}) / len(one) for one, other in pairs])


def ids(retriever, queries):
    return retriever.ids_[retriever.kneighbors(queries, return_distance=False)]


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_it_finds_what_the_exact_one_does(make, index, texts, tmp_path, metric):
    names = [f"{row:03d}" for row in np.random.default_rng(0).permutation(400)]
    queries = [text[: len(text) // 2] for text in texts[::9]]

    def fit(index):
        retriever = make(index, metric=metric).fit(texts[:300], names[:300])
        return retriever.partial_fit(texts[300:], names[300:]).remove(names[::7])

    retriever, exact = fit(index), fit("exact")
    expected = ids(exact, queries)
    assert recall(ids(retriever, queries), expected) > 0.95
    assert not np.isin(ids(retriever, queries), names[::7]).any()
    loaded = EncoderRetriever.load(retriever.save(tmp_path / "saved"))
    for again in (loaded, pickle.loads(pickle.dumps(retriever))):
        assert recall(ids(again, queries), expected) > 0.95
        again.partial_fit(["Something new."], ["new"]).remove(names[1])
        assert again.predict(["Something new."]).tolist() == ["new"]


def test_a_shared_index_is_copied_before_it_changes(make, index, texts):
    corpus = Corpus(texts[:60])
    one, other = (FixedCorpusRetriever(make(index), corpus).fit(texts[:1]) for _ in range(2))
    one.retriever_.partial_fit(["Something new."]).remove([0])
    assert len(one.retriever_.index_) == 60
    assert len(other.retriever_.index_) == 60
    assert one.predict(["Something new."]).tolist() == [60]
    assert other.predict(texts[:1]).tolist() == [0]
