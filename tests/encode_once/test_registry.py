"""One model per process, loaded when a text needs it, and let go when nobody does."""

import gc
import threading
import weakref

import numpy as np
import pytest
from sklearn.base import clone

from skencoder import EmbeddingCache, EncoderVectorizer, TextEncoder, release
from skencoder.encode_once.registry import REGISTRY
from tests.cache.scripts import run

TEXTS = ["a text", "another text"]


@pytest.fixture(autouse=True)
def nothing_loaded():
    release()
    yield
    release()


@pytest.fixture
def cache(tmp_path):
    return EmbeddingCache(tmp_path / "cache")


@pytest.mark.parametrize("kept", [True, False])
def test_thirty_clones_share_one_model(tiny_bert, cache, kept):
    place = cache if kept else None
    clones = [EncoderVectorizer(tiny_bert, cache=place) for _ in range(2)]
    clones = [clone(clones[i % 2]) for i in range(30)]
    for number, one in enumerate(clones):
        one.fit_transform([f"text {number}"])
    assert len({id(one.encoder_) for one in clones}) == 1
    if kept:
        assert cache.stats().model_loads == 1
        assert cache.stats().texts_encoded == 30


def test_one_model_whatever_auto_means_here(tiny_bert, cache):
    auto = EncoderVectorizer(tiny_bert, cache=cache).fit(TEXTS)
    same = EncoderVectorizer(str(tiny_bert), cache=cache, precision=auto.encoder_.precision)
    assert same.set_params(device="cpu").fit(TEXTS).encoder_ is auto.encoder_
    given = EncoderVectorizer(auto.encoder_, cache=cache).fit(TEXTS)
    assert given.encoder_ is auto.encoder_
    assert cache.stats().model_loads == 1


def test_models_that_differ_are_two(tiny_bert, cache):
    precisions = ("float32", "bfloat16")
    found = [EncoderVectorizer(tiny_bert, cache=cache, precision=p).fit(TEXTS) for p in precisions]
    assert [one.encoder_.precision for one in found] == list(precisions)


def test_a_loaded_model_of_the_user_serves_those_who_name_it(tiny_bert, cache):
    encoder = TextEncoder.load(tiny_bert)
    EncoderVectorizer(encoder, cache=cache).fit(TEXTS)
    assert EncoderVectorizer(tiny_bert, cache=cache).fit(TEXTS).encoder_ is encoder
    assert cache.stats().model_loads == 0


def test_threads_that_load_at_once_load_once(tiny_bert, cache):
    vectorizers = [EncoderVectorizer(tiny_bert, cache=cache).fit(TEXTS) for _ in range(8)]
    release()
    loads = cache.stats().model_loads
    start, found = threading.Barrier(8), []

    def work(one, number):
        start.wait(60)
        one.transform([f"text {number}", "the same for all"])
        found.append(one.encoder_)

    threads = [
        threading.Thread(target=work, args=(one, number)) for number, one in enumerate(vectorizers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert len(found) == 8
    assert len({id(one) for one in found}) == 1
    assert cache.stats().model_loads == loads + 1
    assert cache.stats().texts_encoded == 9


def test_threads_get_the_vectors_of_their_own_texts(tiny_bert, cache):
    vectorizer = EncoderVectorizer(tiny_bert, cache=cache, precision="float32").fit(TEXTS)
    texts = [f"this is text number {number}" for number in range(40)]
    expected = EncoderVectorizer(tiny_bert, cache=None, precision="float32").fit_transform(texts)
    found = {}

    def work(number):
        rows = np.random.default_rng(number).permutation(40)
        vectors = vectorizer.transform([texts[row] for row in rows])
        found[number] = np.abs(vectors - expected[rows]).max()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert len(found) == 6
    assert max(found.values()) < 1e-6
    assert cache.stats().texts_encoded == 40


@pytest.mark.parametrize("way", ["function", "method"])
def test_release_frees_the_model_and_the_next_new_text_loads_it(tiny_bert, cache, way):
    vectorizer = EncoderVectorizer(tiny_bert, cache=cache)
    vectors = vectorizer.fit_transform(TEXTS)
    model = weakref.ref(vectorizer.encoder_)
    release() if way == "function" else vectorizer.release()
    gc.collect()
    assert model() is None
    assert np.array_equal(vectorizer.transform(TEXTS), vectors)
    assert not REGISTRY._models
    assert cache.stats().model_loads == 1
    assert vectorizer.transform(["new"]).shape == (1, 32)
    assert cache.stats().model_loads == 2


def test_release_leaves_the_users_own_model(tiny_bert, cache):
    encoder = TextEncoder.load(tiny_bert)
    vectorizer = EncoderVectorizer(encoder, cache=cache).fit(TEXTS)
    release()
    assert vectorizer.encoder_ is encoder
    assert vectorizer.transform(["new"]).shape == (1, 32)


@pytest.mark.parametrize("kept", [True, False])
def test_another_model_in_the_same_estimator_frees_the_old_one(tiny_bert, cache, kept):
    vectorizer = EncoderVectorizer(tiny_bert, cache=cache if kept else None)
    vectorizer.fit_transform(TEXTS)
    old = weakref.ref(vectorizer.encoder_)
    vectorizer.set_params(model="all-MiniLM-L6-v2").fit(TEXTS)
    vectorizer.transform(["new"])
    gc.collect()
    assert old() is None
    assert vectorizer.encoder_.facts.hidden_size == 384


def test_fitting_and_what_is_known_load_nothing(tmp_path, tiny_bert, cache):
    EncoderVectorizer(tiny_bert, cache=cache).fit_transform(TEXTS)
    code = """
import sys
from skencoder import EncoderVectorizer
vectorizer = EncoderVectorizer(sys.argv[1], cache=sys.argv[2], truncate_dim=3)
assert vectorizer.fit_transform(["another text", "a text"]).shape == (2, 3)
assert vectorizer.n_features_out_ == 3 and len(vectorizer.model_fingerprint_) == 64
assert vectorizer._prepared.cache.stats().model_loads == 1
assert "torch" not in sys.modules
assert vectorizer.encoder_.facts.hidden_size == 32
assert vectorizer._prepared.cache.stats().model_loads == 2
"""
    run(tmp_path, code, tiny_bert, tmp_path / "cache")
