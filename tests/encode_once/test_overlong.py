"""Over-long texts are told of alike, whether their vectors were there or had to be made."""

import warnings

import numpy as np
import pytest

from skencoder import EmbeddingCache, EncoderVectorizer
from skencoder.errors import OverlongTextError, OverlongTextWarning

TEXTS = ["a", "word " * 30, "b", "word " * 50, "word " * 30]
LIMIT = {"max_length": 20, "precision": "float32"}


@pytest.fixture
def cache(tmp_path):
    return EmbeddingCache(tmp_path / "cache")


def call(vectorizer, method="transform", texts=TEXTS):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        vectors = getattr(vectorizer, method)(texts)
    given = [one for one in caught if issubclass(one.category, OverlongTextWarning)]
    return vectors, given, vectorizer.n_truncated_


@pytest.mark.parametrize("overflow", ["warn", "truncate", "chunk"])
@pytest.mark.parametrize("known", [[], [1], [0, 2], [1, 3], [0, 1, 2, 3]])
def test_the_same_is_told_from_a_warm_and_a_cold_cache(tiny_bert, cache, overflow, known):
    if known:
        EncoderVectorizer(tiny_bert, cache=cache, overflow=overflow, **LIMIT).fit_transform(
            [TEXTS[row] for row in known]
        )
    for place in (cache, cache, None):
        vectorizer = EncoderVectorizer(tiny_bert, cache=place, overflow=overflow, **LIMIT)
        for method in ("fit_transform", "transform"):
            vectors, given, n_truncated = call(vectorizer, method)
            assert n_truncated == 3
            assert len(given) == (overflow == "warn")
            for one in given:
                assert "3 of 5 texts have more than max_length=20" in str(one.message)
                assert "(the longest 52)" in str(one.message)
                assert one.filename == __file__
            assert np.array_equal(vectors[1], vectors[4])
    _, given, n_truncated = call(vectorizer, texts=["a", "b"])
    assert (given, n_truncated) == ([], 0)


def test_a_prompt_counts_from_a_warm_cache_too(tiny_bert, cache):
    for _ in range(2):
        vectorizer = EncoderVectorizer(tiny_bert, cache=cache, prompt="one two three ", **LIMIT)
        _, given, n_truncated = call(
            vectorizer, "fit_transform", ["word " * 16, "word " * 15, "a"]
        )
        assert n_truncated == len(given) == 1
    assert cache.stats().texts_encoded == 3


@pytest.mark.parametrize("known", [[], [0], [3], [1, 3], [0, 1, 2, 3]])
def test_error_names_the_row_and_encodes_nothing(tiny_bert, cache, known):
    if known:
        EncoderVectorizer(tiny_bert, cache=cache, overflow="truncate", **LIMIT).fit_transform(
            [TEXTS[row] for row in known]
        )
    before = cache.stats()
    for place in (cache, None):
        vectorizer = EncoderVectorizer(tiny_bert, cache=place, overflow="error", **LIMIT)
        with pytest.raises(OverlongTextError, match=r"Row 1 has 32 tokens.*\(3 such rows\)"):
            vectorizer.fit_transform(TEXTS)
        vectorizer.fit(["a"])
        with pytest.raises(OverlongTextError, match=r"Row 2 has 52 tokens.*\(1 such rows\)"):
            vectorizer.transform(["new", "a", TEXTS[3]])
    after = cache.stats()
    assert (after.texts_encoded, after.rows) == (before.texts_encoded, before.rows)


def test_error_lets_short_texts_pass(tiny_bert, cache):
    vectorizer = EncoderVectorizer(tiny_bert, cache=cache, overflow="error", **LIMIT)
    first = vectorizer.fit_transform(["a", "b c", "word " * 18])
    assert np.array_equal(vectorizer.transform(["a", "b c", "word " * 18]), first)
    assert cache.stats().texts_encoded == 3
