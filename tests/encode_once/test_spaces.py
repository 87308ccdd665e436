"""One cache for everything: nobody is given vectors of another model or other options."""

import shutil
from itertools import product

import numpy as np
import pytest

from skencoder import EmbeddingCache, EncoderVectorizer, TextEncoder
from tests.checkpoints.test_checkpoint import edit_weights

COMMON = {"pooling": "mean", "overflow": "truncate", "normalize": False, "precision": "float32"}
# Each differs from the first in one thing that vectors depend on.
VARIANTS = [
    {},
    {"prompt": "query: "},
    {"prompt": "passage: "},
    {"pooling": "cls"},
    {"pooling": "max"},
    {"pooling": "last"},
    {"pooling": "weighted_mean"},
    {"pooling": "mean_sqrt_len"},
    {"pooling": "cls+mean"},
    {"pooling": "mean+cls"},
    {"layer": 0},
    {"layer": 1},
    {"max_length": 5},
    {"max_length": 6},
    {"max_length": 6, "overflow": "chunk"},
    {"max_length": 6, "prompt": "a"},
    {"precision": "bfloat16"},
    {"cache_dtype": "float16"},
]


@pytest.fixture(scope="module")
def texts(docs):
    short = [text for text in docs.data if len(text.split()) < 40][:12]
    return ["", "a", "query: a", "a b", *short]


def encode(model, texts, cache, **parameters):
    dtype = parameters.pop("cache_dtype", "float32")
    if cache is not None:
        cache = EmbeddingCache(cache, dtype=dtype)
    vectors = EncoderVectorizer(model, cache=cache, **COMMON | parameters).fit_transform(texts)
    return vectors.astype(dtype)


@pytest.fixture(scope="module")
def other_bert(tiny_bert, tmp_path_factory):
    """The same model but for one number in its weights."""
    folder = shutil.copytree(tiny_bert, tmp_path_factory.mktemp("other") / "model")
    edit_weights(folder, lambda t: t["embeddings.LayerNorm.bias"].add_(0.5))
    return folder


def check_shared(cache, texts, variants):
    """Fill one cache with all variants, each half first and in both orders."""
    expected = [encode(model, texts, None, **rest) for model, rest in variants]
    for i, j in product(range(len(variants)), repeat=2):
        assert i == j or not same(expected[i], expected[j]), (variants[i], variants[j])
    some = slice(None, len(texts) // 2)
    for model, rest in variants:
        encode(model, texts[some], cache, **rest)
    for rows in (slice(None, None, -1), slice(None)):
        for (model, rest), vectors in zip(variants, expected, strict=True):
            found = encode(model, texts[rows], cache, **rest)
            scale = np.abs(vectors).max()
            tolerance = 2e-3 * scale if "cache_dtype" in rest else 1e-6 * scale
            if rest.get("precision") == "bfloat16":
                tolerance = 2e-2 * scale  # one rounding more or less, by the batch it is in
            np.testing.assert_allclose(found, vectors[rows], atol=tolerance, rtol=0)


def same(first, second):
    return first.shape == second.shape and np.array_equal(first, second)


def test_options_never_answer_each_other(tmp_path, tiny_bert, texts):
    check_shared(tmp_path / "cache", texts, [(tiny_bert, dict(rest)) for rest in VARIANTS])


def test_models_never_answer_each_other(tmp_path, tiny_bert, other_bert, texts):
    models = [tiny_bert, other_bert, "all-MiniLM-L6-v2"]
    variants = [(m, rest) for m in models for rest in ({}, {"pooling": "cls"}, {"layer": 1})]
    check_shared(tmp_path / "cache", texts[:8], variants)


def test_settings_of_the_authors_count(tmp_path, tiny_bert_copy, tiny_bert, texts):
    """Lowercasing is done by the model, and stands in no parameter of ours."""
    (tiny_bert_copy / "sentence_bert_config.json").write_text(
        '{"max_seq_length": 512, "do_lower_case": true}'
    )
    assert TextEncoder.load(tiny_bert_copy).fingerprint != TextEncoder.load(tiny_bert).fingerprint
    words = ["Some Words", "some words"]
    for model in (tiny_bert, tiny_bert_copy):
        expected = encode(model, words, None)
        found = encode(model, words, tmp_path / "cache")
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_changed_folder_is_another_model(tmp_path, tiny_bert_copy, texts):
    before = encode(tiny_bert_copy, texts, tmp_path / "cache")
    edit_weights(tiny_bert_copy, lambda t: t["embeddings.LayerNorm.bias"].add_(0.5))
    after = encode(tiny_bert_copy, texts, tmp_path / "cache")
    np.testing.assert_allclose(after, encode(tiny_bert_copy, texts, None), atol=1e-6)
    assert np.abs(before - after).max() > 1e-3


def test_float16_rows_are_not_given_to_those_who_want_float32(tmp_path, tiny_bert, texts):
    expected = encode(tiny_bert, texts, None)
    encode(tiny_bert, texts, tmp_path / "cache", cache_dtype="float16")
    np.testing.assert_allclose(encode(tiny_bert, texts, tmp_path / "cache"), expected, atol=1e-6)
    half = EmbeddingCache(tmp_path / "cache", dtype="float16")
    read = EncoderVectorizer(tiny_bert, cache=half, **COMMON).fit_transform(texts)
    assert np.array_equal(read, read.astype(np.float16))
    assert read.dtype == np.float32


def test_rows_are_named_as_before_when_some_are_known(tmp_path, tiny_bert):
    cache = tmp_path / "cache"
    first = encode(tiny_bert, ["a", "b", "a"], cache)
    mixed = encode(tiny_bert, ["c", "a", "c", "b"], cache)
    assert np.array_equal(first[0], first[2])
    assert np.array_equal(mixed[[1, 3]], first[:2])
    assert np.array_equal(mixed[0], mixed[2])
