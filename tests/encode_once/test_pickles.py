"""Pickles hold a reference to the model, small and checked; never its weights."""

import pickle
import shutil

import cloudpickle
import joblib
import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skencoder import EncoderVectorizer, TextEncoder, release
from skencoder.errors import CheckpointError, CheckpointNotFoundError
from tests.cache.scripts import run
from tests.checkpoints.test_checkpoint import edit_weights


def through_joblib(estimator, folder):
    joblib.dump(estimator, folder / "estimator.joblib")
    return (folder / "estimator.joblib").read_bytes(), lambda: joblib.load(
        folder / "estimator.joblib"
    )


def through_skops(estimator, folder):
    io = pytest.importorskip("skops.io")
    content = io.dumps(estimator)
    trusted = io.get_untrusted_types(data=content)
    assert not [name for name in trusted if not name.startswith("skencoder.")]
    return content, lambda: io.loads(content, trusted=trusted)


WAYS = {
    "pickle": lambda one, _: (content := pickle.dumps(one), lambda: pickle.loads(content)),
    "cloudpickle": lambda one, _: (
        content := cloudpickle.dumps(one),
        lambda: cloudpickle.loads(content),
    ),
    "joblib": through_joblib,
    "skops": through_skops,
}


@pytest.fixture(scope="module")
def texts(docs):
    return [text for text in docs.data if len(text.split()) < 25][:20]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("loaded", [False, True])
@pytest.mark.parametrize("cache", ["session", None])
def test_a_fitted_vectorizer(tmp_path, embedded_folder, texts, way, loaded, cache):
    model = TextEncoder.load(embedded_folder) if loaded else str(embedded_folder)
    parameters = {"pooling": "cls+mean", "truncate_dim": 100, "max_length": 30}
    vectorizer = EncoderVectorizer(model, cache=cache, overflow="truncate", **parameters)
    vectors = vectorizer.fit_transform(texts)
    content, load = WAYS[way](vectorizer, tmp_path)
    assert len(content) < 100_000
    found = load()
    np.testing.assert_allclose(found.transform(texts), vectors, atol=1e-6)
    np.testing.assert_allclose(found.fit(texts).transform(texts), vectors, atol=1e-6)
    assert found.model_fingerprint_ == vectorizer.model_fingerprint_
    assert found.n_features_out_ == 100
    assert {name: found.get_params()[name] for name in parameters} == parameters


@pytest.mark.parametrize("way", WAYS)
def test_an_unfitted_one_and_a_pipeline(tmp_path, tiny_bert, texts, way):
    pipeline = make_pipeline(EncoderVectorizer(str(tiny_bert)), LogisticRegression())
    _, load = WAYS[way](pipeline, tmp_path)
    y = np.arange(20) % 2
    expected = pipeline.fit(texts, y).predict_proba(texts)
    np.testing.assert_allclose(load().fit(texts, y).predict_proba(texts), expected, atol=1e-5)
    _, load = WAYS[way](pipeline, tmp_path)
    np.testing.assert_allclose(load().predict_proba(texts), expected, atol=1e-5)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("warm", [False, True])
def test_another_model_in_the_same_place_is_refused(tmp_path, tiny_bert_copy, texts, way, warm):
    vectorizer = EncoderVectorizer(str(tiny_bert_copy), cache=str(tmp_path / "cache"))
    vectorizer.fit_transform(texts) if warm else vectorizer.fit(texts)
    before = vectorizer.model_fingerprint_
    (tmp_path / way).mkdir()
    _, load = WAYS[way](vectorizer, tmp_path / way)
    edit_weights(tiny_bert_copy, lambda t: t["embeddings.LayerNorm.bias"].add_(1))
    release()
    after = EncoderVectorizer(tiny_bert_copy).fit(texts).model_fingerprint_
    with pytest.raises(CheckpointError, match=f"{before} expected, got {after}"):
        load().transform(texts)


def test_a_model_that_is_gone_is_named(tmp_path, tiny_bert_copy, texts):
    content = pickle.dumps(EncoderVectorizer(tiny_bert_copy).fit(texts))
    shutil.rmtree(tiny_bert_copy)
    with pytest.raises(CheckpointNotFoundError, match=tiny_bert_copy.name):
        pickle.loads(content)


def fitted_on_a_gpu(model, texts, cache):
    """What a pickle of a vectorizer that was fitted on a GPU holds."""
    vectorizer = EncoderVectorizer(model, device="cpu", cache=cache).fit(texts)
    state = pickle.loads(pickle.dumps(vectorizer.__getstate__()))
    state["_prepared"]["source"]["device"] = "cuda"
    state["device"] = "cuda"
    found = EncoderVectorizer.__new__(EncoderVectorizer)
    found.__setstate__(state)
    return found


def test_a_pickle_from_a_gpu_goes_on_here(tmp_path, tiny_bert, texts):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    expected = EncoderVectorizer(tiny_bert, cache=None).fit_transform(texts)
    for cache in (None, tmp_path / "cache"):
        found = fitted_on_a_gpu(tiny_bert, texts, cache)
        with pytest.warns(UserWarning, match="The pickled encoder goes on there") as caught:
            vectors = found.transform(texts)
        assert len(caught) == 1
        np.testing.assert_allclose(vectors, expected, atol=1e-5)
        again = pickle.loads(pickle.dumps(found))
        np.testing.assert_allclose(again.transform(texts), expected, atol=1e-5)
    # One for the fit on the "GPU", one here.
    assert found._prepared.cache.stats().model_loads <= 2


def test_a_pickle_from_a_gpu_works_in_workers_too(tmp_path, tiny_bert):
    code = """
import pickle, sys, warnings
import numpy as np
from joblib import Parallel, delayed
from skencoder import EncoderVectorizer

def work(content, texts):
    warnings.simplefilter("ignore")
    return pickle.loads(content).transform(texts)

if __name__ == "__main__":
    from tests.encode_once.test_pickles import fitted_on_a_gpu
    texts = ["a text", "another"]
    content = pickle.dumps(fitted_on_a_gpu(sys.argv[1], texts, "session"))
    expected = EncoderVectorizer(sys.argv[1], cache=None).fit_transform(texts)
    for found in Parallel(n_jobs=2)(delayed(work)(content, texts) for _ in range(2)):
        np.testing.assert_allclose(found, expected, atol=1e-5)
"""
    run(tmp_path, code, tiny_bert)


def test_a_pickle_in_a_process_of_its_own_loads_no_torch_while_all_is_known(
    tmp_path, tiny_bert, texts
):
    vectorizer = EncoderVectorizer(tiny_bert, cache=tmp_path / "cache")
    vectors = vectorizer.fit_transform(texts)
    joblib.dump((vectorizer, texts, vectors), tmp_path / "all.joblib")
    code = """
import sys
import joblib
import numpy as np
vectorizer, texts, expected = joblib.load(sys.argv[1])
np.testing.assert_allclose(vectorizer.transform(texts), expected, atol=1e-7)
assert "torch" not in sys.modules
assert vectorizer.transform(["a text that is new"]).shape == (1, 32)
"""
    run(tmp_path, code, tmp_path / "all.joblib")
