"""What follows from rows that are there, or from one pass, is not encoded again."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skencoder import EmbeddingCache, EncoderVectorizer
from skencoder.errors import ParameterError

POOLINGS = ["mean", "cls", "max", "last", "weighted_mean", "mean_sqrt_len"]


@pytest.fixture(scope="module")
def texts(docs):
    return [text for text in docs.data if len(text.split()) < 25][:40]


@pytest.fixture
def cache(tmp_path):
    return EmbeddingCache(tmp_path / "cache")


def encode(cache, model, texts, **parameters):
    vectorizer = EncoderVectorizer(model, cache=cache, precision="float32", **parameters)
    return vectorizer.fit_transform(texts)


def check(cache, model, texts, **parameters):
    """The vectors are right; how many texts were encoded for that."""
    before = cache.stats().texts_encoded
    found = encode(cache, model, texts, **parameters)
    np.testing.assert_allclose(found, encode(None, model, texts, **parameters), atol=1e-6)
    return cache.stats().texts_encoded - before


def test_width_and_length_are_derived(cache, tiny_bert, texts):
    assert check(cache, tiny_bert, texts, normalize=False) == 40
    for truncate_dim in (None, 1, 7, 32):
        for normalize in (True, False, "auto"):
            derived = {"truncate_dim": truncate_dim, "normalize": normalize}
            assert check(cache, tiny_bert, texts, **derived) == 0
            shape = encode(cache, tiny_bert, texts, **derived).shape
            assert shape == (40, truncate_dim or 32)


def test_width_and_length_are_derived_the_other_way_round(cache, tiny_bert, texts):
    assert check(cache, tiny_bert, texts, truncate_dim=5, normalize=True) == 40
    assert check(cache, tiny_bert, texts, normalize=False) == 0


def test_truncating_and_warning_are_the_same_encoding(cache, tiny_bert, texts):
    assert check(cache, tiny_bert, texts, max_length=64, overflow="truncate") == 40
    for overflow in ("warn", "error"):
        assert check(cache, tiny_bert, texts, max_length=64, overflow=overflow) == 0


def test_poolings_side_by_side_are_put_together(cache, tiny_bert, texts):
    assert check(cache, tiny_bert, texts, pooling="cls") == 40
    assert check(cache, tiny_bert, texts, pooling="mean") == 40
    assert check(cache, tiny_bert, texts, pooling="cls+mean") == 0
    assert check(cache, tiny_bert, texts, pooling="mean+cls+mean") == 0
    assert check(cache, tiny_bert, texts, pooling="max+mean") == 40


def test_poolings_side_by_side_serve_each_alone(cache, tiny_bert, texts):
    assert check(cache, tiny_bert, texts, pooling="cls+max") == 40
    assert check(cache, tiny_bert, texts, pooling="max") == 0
    assert check(cache, tiny_bert, texts, pooling="cls") == 0


def test_a_text_that_appears_often_is_encoded_once(cache, tiny_bert, texts):
    assert check(cache, tiny_bert, texts[:5] * 10) == 5
    assert cache.stats().rows == 5


def test_only_what_is_missing_is_encoded(cache, tiny_bert, texts):
    assert check(cache, tiny_bert, texts[10:20]) == 10
    assert check(cache, tiny_bert, texts) == 30
    stats = cache.stats()
    assert (stats.hits, stats.misses) == (10, 40)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_over_layers_and_poolings_is_one_pass(tmp_path, tiny_bert, texts, n_jobs):
    cache = EmbeddingCache(tmp_path / "cache")
    y = np.arange(40) % 2
    pipeline = make_pipeline(
        EncoderVectorizer(tiny_bert, cache=cache, precision="float32"), LogisticRegression()
    )
    grid = {
        "encodervectorizer__layer": [-1, 0, 1],
        "encodervectorizer__pooling": ["mean", "max", "cls+mean"],
    }
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs, error_score="raise")
    search.fit(texts, y)
    assert cache.stats().texts_encoded == 40
    for layer in (0, 1, 2):
        for pooling in POOLINGS:
            assert check(cache, tiny_bert, texts, layer=layer, pooling=pooling) == 0
    plain = GridSearchCV(
        make_pipeline(
            EncoderVectorizer(tiny_bert, cache=None, precision="float32"), LogisticRegression()
        ),
        grid,
        cv=2,
    ).fit(texts, y)
    scores = [one.cv_results_["mean_test_score"] for one in (search, plain)]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-9)


def test_precompute_keeps_every_layer_and_pooling_and_changes_nothing(cache, tiny_bert, texts):
    vectorizer = EncoderVectorizer(
        tiny_bert, cache=cache, precision="float32", max_length=20, overflow="truncate"
    )
    before = vars(vectorizer).copy()
    assert vectorizer.precompute(texts, layers=[0, 1, -1], poolings=["mean", "cls"]) is vectorizer
    assert vars(vectorizer) == before
    assert cache.stats().texts_encoded == 40
    same = {"max_length": 20, "overflow": "truncate"}
    for layer in (0, 1, 2, -2):
        for pooling in ("mean", "cls", "cls+mean"):
            assert check(cache, tiny_bert, texts, layer=layer, pooling=pooling, **same) == 0
    assert check(cache, tiny_bert, texts, pooling="max", **same) == 40


def test_precompute_alone_keeps_what_the_estimator_needs(cache, tiny_bert, texts):
    EncoderVectorizer(tiny_bert, cache=cache, precision="float32").precompute(iter(texts))
    assert check(cache, tiny_bert, texts) == 0


def test_precompute_refuses_what_fit_would_refuse(cache, tiny_bert):
    with pytest.raises(ParameterError, match="precompute fills a cache, but cache=None"):
        EncoderVectorizer(tiny_bert, cache=None).precompute(["a"])
    for wrong in ({"layers": [3]}, {"poolings": ["median"]}):
        with pytest.raises(ParameterError, match="layer=3|pooling must be"):
            EncoderVectorizer(tiny_bert, cache=cache, precision="float32").precompute(
                ["a"], **wrong
            )
    assert cache.stats().texts_encoded == 0
