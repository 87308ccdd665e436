"""Weights that somebody changed by hand: another model, which is never taken for the old one."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone

from skencoder import EmbeddingCache, EncoderVectorizer, TextEncoder, release
from skencoder.errors import CheckpointError

TEXTS = ["a text", "another text", "and a third one"]


def parameter(encoder):
    """The table of token vectors, whatever it is called."""
    return max(encoder.parameters(), key=lambda one: one.shape[0])


def in_place(encoder):
    with torch.no_grad():
        parameter(encoder).mul_(3).add_(0.5)


def by_data(encoder):
    parameter(encoder).data.mul_(3).add_(0.5)


def by_other_data(encoder):
    one = parameter(encoder)
    one.data = one.detach() * 3 + 0.5


def by_state_dict(encoder):
    state = {name: value.clone() * 1.5 for name, value in encoder.state_dict().items()}
    encoder.load_state_dict(state)


def by_replacement(encoder):
    one = parameter(encoder)
    for module in encoder.modules():
        for name, value in module.named_parameters(recurse=False):
            if value is one:
                setattr(module, name, torch.nn.Parameter(value.detach() * 3 + 0.5, False))


CHANGES = [in_place, by_data, by_other_data, by_state_dict, by_replacement]


@pytest.fixture
def cache(tmp_path):
    return EmbeddingCache(tmp_path / "cache")


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_model_is_never_answered_with_rows_of_the_old(tiny_bert, cache, change):
    old = EncoderVectorizer(tiny_bert, cache=cache, precision="float32").fit_transform(TEXTS)
    encoder = TextEncoder.load(tiny_bert, precision="float32")
    change(encoder.encoder)
    expected = encoder.encode(TEXTS).vectors.numpy()
    assert np.abs(expected - old).max() > 1e-3
    vectorizer = EncoderVectorizer(encoder, cache=cache)
    np.testing.assert_allclose(vectorizer.fit_transform(TEXTS), expected, atol=1e-6)
    # Nor is anyone else given its rows.
    again = EncoderVectorizer(tiny_bert, cache=cache, precision="float32").fit_transform(TEXTS)
    np.testing.assert_allclose(again, old, atol=1e-6)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_after_fit_is_seen_by_transform(tiny_bert, cache, change):
    encoder = TextEncoder.load(tiny_bert, precision="float32")
    vectorizer = EncoderVectorizer(encoder, cache=cache)
    old = vectorizer.fit_transform(TEXTS)
    change(encoder.encoder)
    expected = encoder.encode(TEXTS).vectors.numpy()
    np.testing.assert_allclose(vectorizer.transform(TEXTS), expected, atol=1e-6)
    assert np.abs(expected - old).max() > 1e-3
    release()
    again = EncoderVectorizer(tiny_bert, cache=cache, precision="float32").fit_transform(TEXTS)
    np.testing.assert_allclose(again, old, atol=1e-6)


def test_a_change_of_the_shared_model_does_not_spoil_the_cache(tiny_bert, cache):
    """Whoever changes ``encoder_`` changes a model that a name stands for."""
    vectorizer = EncoderVectorizer(tiny_bert, cache=cache, precision="float32")
    old = vectorizer.fit_transform(TEXTS)
    in_place(vectorizer.encoder_.encoder)
    new = ["a fourth", "a fifth"]
    vectorizer.transform(new)
    other = clone(vectorizer).fit(TEXTS)
    other.transform(["a sixth"])
    release()
    found = EncoderVectorizer(tiny_bert, cache=cache, precision="float32").fit(TEXTS)
    everything = [*TEXTS, *new, "a sixth"]
    expected = EncoderVectorizer(tiny_bert, cache=None, precision="float32")
    np.testing.assert_allclose(
        found.transform(everything), expected.fit_transform(everything), atol=1e-6
    )
    np.testing.assert_allclose(found.transform(TEXTS), old, atol=1e-6)


@pytest.mark.parametrize("change", CHANGES)
def test_changed_weights_are_not_pickled(tiny_bert, cache, change):
    encoder = TextEncoder.load(tiny_bert)
    unfitted = EncoderVectorizer(encoder, cache=cache)
    fitted = clone(unfitted).fit(TEXTS)
    change(encoder.encoder)
    for one in (encoder, unfitted, fitted):
        with pytest.raises(CheckpointError, match="were changed since they were loaded"):
            pickle.dumps(one)


def test_what_was_changed_and_saved_is_a_model_like_any_other(tiny_bert, tmp_path, cache):
    encoder = TextEncoder.load(tiny_bert, precision="float32")
    in_place(encoder.encoder)
    vectorizer = EncoderVectorizer(encoder, cache=cache)
    expected = vectorizer.fit_transform(TEXTS)
    vectorizer.save(tmp_path / "saved")
    found = EncoderVectorizer.load(tmp_path / "saved", precision="float32", cache=cache)
    np.testing.assert_allclose(found.fit_transform(TEXTS), expected, atol=1e-5)
    assert found.model_fingerprint_ != EncoderVectorizer(tiny_bert).fit(TEXTS).model_fingerprint_
    pickle.loads(pickle.dumps(found)).transform(TEXTS)
