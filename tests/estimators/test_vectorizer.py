"""EncoderVectorizer as scikit-learn's tools use it, on real text with the embedded model."""

import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from skencoder import EncoderVectorizer, TextEncoder
from skencoder.errors import CheckpointError, CheckpointNotFoundError, DeviceError, ParameterError
from tests.checkpoints.test_checkpoint import edit_weights

PARAMETERS = {
    "model": "all-MiniLM-L6-v2",
    "pooling": "auto",
    "layer": -1,
    "normalize": "auto",
    "truncate_dim": None,
    "max_length": None,
    "overflow": "warn",
    "prompt": None,
    "missing": "error",
    "input": "content",
    "encoding": "utf-8",
    "decode_error": "strict",
    "strip_accents": None,
    "lowercase": False,
    "preprocessor": None,
    "precision": "auto",
    "device": "auto",
    "batch_tokens": "auto",
    "cache": "session",
    "fine_tune": None,
    "output": "numpy",
    "random_state": None,
    "verbose": 0,
}


@pytest.fixture(scope="module")
def labelled(docs):
    """120 short real texts of three topics, and their topics' names."""
    short = np.array([len(text.split()) < 25 for text in docs.data])
    rows = np.concatenate(
        [np.flatnonzero(short & (docs.target == topic))[:40] for topic in (2, 6, 7)]
    )
    rows = np.random.default_rng(0).permutation(rows)
    return [docs.data[row] for row in rows], docs.target[rows]


def test_parameters_and_defaults():
    assert EncoderVectorizer().get_params() == PARAMETERS


def test_constructor_stores_and_does_nothing_else():
    garbage = {name: object() for name in PARAMETERS}
    vectorizer = EncoderVectorizer(**garbage)
    assert all(getattr(vectorizer, name) is value for name, value in garbage.items())
    copied = clone(EncoderVectorizer(model="no such model", device="cuda:99"))
    assert copied.model == "no such model"


def test_clone_keeps_a_loaded_model(text_encoder):
    assert clone(EncoderVectorizer(text_encoder)).model is text_encoder


def test_fit_transform_equals_fit_then_transform(vectorizer, labelled):
    texts, y = labelled
    together = vectorizer.fit_transform(texts, y)
    assert together.shape == (120, 384)
    assert together.dtype == np.float32
    assert np.array_equal(together, vectorizer.fit(texts).transform(texts))
    assert np.array_equal(together, clone(vectorizer).fit(["other"]).transform(texts))


def test_subsets_agree_with_the_whole(vectorizer, labelled):
    texts, _ = labelled
    whole = vectorizer.fit_transform(texts)
    rows = [5, 3, 80, 3]
    np.testing.assert_allclose(
        vectorizer.transform([texts[row] for row in rows]), whole[rows], atol=1e-6
    )


def test_grid_search(labelled):
    texts, y = labelled
    search = GridSearchCV(
        make_pipeline(EncoderVectorizer(), LogisticRegression()),
        {"encodervectorizer__pooling": ["mean", "cls"], "logisticregression__C": [1, 10]},
        cv=2,
        n_jobs=2,
        error_score="raise",
    )
    search.fit(texts, y)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_score_ > 0.7
    assert search.predict(texts).shape == (120,)
    by_pooling = search.cv_results_["mean_test_score"].reshape(2, 2)
    assert not np.array_equal(by_pooling[0], by_pooling[1])


def test_cross_val_score(labelled):
    texts, y = labelled
    pipeline = make_pipeline(EncoderVectorizer(), LogisticRegression())
    scores = cross_val_score(pipeline, texts, y, cv=3)
    assert scores.mean() > 0.7


def test_joblib_round_trip_in_another_process(labelled, tmp_path):
    texts, y = labelled
    pipeline = make_pipeline(EncoderVectorizer(), LogisticRegression()).fit(texts, y)
    joblib.dump(pipeline, tmp_path / "pipeline.joblib")
    joblib.dump((texts, pipeline.predict_proba(texts)), tmp_path / "expected.joblib")
    assert (tmp_path / "pipeline.joblib").stat().st_size < 100_000
    code = (
        "import joblib, numpy, pathlib, sys; folder = pathlib.Path(sys.argv[1]); "
        "texts, expected = joblib.load(folder / 'expected.joblib'); "
        "found = joblib.load(folder / 'pipeline.joblib').predict_proba(texts); "
        "numpy.testing.assert_allclose(found, expected, atol=1e-3)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output(vectorizer, labelled, container):
    texts, _ = labelled
    series = pd.Series(texts, index=[f"row {i}" for i in range(len(texts))])
    vectorizer.set_output(transform=container).set_params(truncate_dim=5)
    frame = vectorizer.fit_transform(series)
    assert type(frame).__module__.startswith(container)
    assert list(frame.columns) == [f"encodervectorizer{i}" for i in range(5)]
    assert np.array_equal(
        frame.to_numpy(), vectorizer.set_output(transform="default").transform(series)
    )
    if container == "pandas":
        assert list(frame.index) == list(series.index)


@pytest.mark.parametrize("truncate_dim", [None, 10])
def test_feature_names(vectorizer, truncate_dim):
    vectorizer.set_params(truncate_dim=truncate_dim)
    vectors = vectorizer.fit_transform(["a", "b"])
    names = vectorizer.get_feature_names_out()
    assert names.dtype == object
    assert len(names) == vectors.shape[1] == vectorizer.n_features_out_


def test_feature_union_with_tfidf(labelled):
    texts, y = labelled
    union = FeatureUnion([("words", TfidfVectorizer()), ("vectors", EncoderVectorizer())])
    pipeline = make_pipeline(union, LogisticRegression()).fit(texts, y)
    assert pipeline.score(texts, y) > 0.9
    assert len(union.get_feature_names_out()) == pipeline[:-1].transform(texts[:2]).shape[1]
    assert union.get_feature_names_out()[-1] == "vectors__encodervectorizer383"


@pytest.mark.parametrize("selection", ["text", ["text"]])
def test_column_transformer(labelled, selection):
    texts, y = labelled
    frame = pd.DataFrame({"text": texts, "n_words": [len(text.split()) for text in texts]})
    columns = make_column_transformer(
        (EncoderVectorizer(truncate_dim=64), selection), (StandardScaler(), ["n_words"])
    )
    vectors = columns.set_output(transform="pandas").fit_transform(frame, y)
    assert vectors.shape == (120, 65)
    assert isinstance(columns, ColumnTransformer)
    assert make_pipeline(columns, LogisticRegression()).fit(frame, y).score(frame, y) > 0.9


def test_search_finds_the_text_itself_and_its_paraphrase(vectorizer, docs):
    texts = [text for text in docs.data if len(text.split()) < 20][:300]
    neighbours = NearestNeighbors(n_neighbors=1, metric="cosine")
    neighbours.fit(vectorizer.fit_transform(texts))
    distances, found = neighbours.kneighbors(vectorizer.transform(texts))
    assert found.ravel().tolist() == list(range(300))
    assert distances.max() < 1e-5


def test_transform_only_pipeline_is_fitted_after_fit():
    pipeline = Pipeline([("vectors", EncoderVectorizer())])
    with pytest.raises(NotFittedError):
        pipeline.transform(["a"])
    assert pipeline.fit(["a"]).transform(["b"]).shape == (1, 384)


def test_unfitted():
    for attempt in (
        lambda v: v.transform(["a"]),
        lambda v: v.get_feature_names_out(),
        lambda v: v.model_fingerprint_,
    ):
        with pytest.raises(NotFittedError):
            attempt(EncoderVectorizer())


def test_tags():
    tags = get_tags(EncoderVectorizer())
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert tags.transformer_tags.preserves_dtype == []
    assert tags.requires_fit
    assert not tags.target_tags.required


def test_fitted_attributes(vectorizer):
    vectorizer.fit(["a"])
    assert isinstance(vectorizer.encoder_, TextEncoder)
    assert vectorizer.n_features_out_ == 384
    assert len(vectorizer.model_fingerprint_) == 64
    assert vectorizer.n_truncated_ == 0
    vectorizer.set_params(overflow="truncate").fit_transform(["word " * 300, "b", "word " * 301])
    assert vectorizer.n_truncated_ == 2
    vectorizer.transform(["b"])
    assert vectorizer.n_truncated_ == 0


def test_set_params_takes_effect_at_the_next_fit(tiny_bert, labelled):
    texts, _ = labelled
    vectorizer = EncoderVectorizer().fit(texts)
    fingerprint = vectorizer.model_fingerprint_
    vectorizer.set_params(model=tiny_bert)
    assert vectorizer.transform(texts[:2]).shape == (2, 384)
    vectorizer.fit(texts)
    assert vectorizer.transform(texts[:2]).shape == (2, 32)
    assert vectorizer.n_features_out_ == len(vectorizer.get_feature_names_out()) == 32
    assert vectorizer.model_fingerprint_ != fingerprint


def test_output_torch(vectorizer):
    vectors = vectorizer.set_params(output="torch").fit_transform(["a", "b"])
    assert isinstance(vectors, torch.Tensor)
    assert vectors.device == vectorizer.encoder_.device
    vectorizer.set_params(output="numpy")
    assert isinstance(vectorizer.transform(["a"]), torch.Tensor)  # read by fit only
    array = vectorizer.fit_transform(["a", "b"])
    assert np.array_equal(vectors.cpu().numpy(), array)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"missing": "drop"}, ParameterError, "missing must be one of error, empty; got 'drop'"),
        ({"input": "url"}, ParameterError, "input must be one of content, filename, file"),
        ({"output": "jax"}, ParameterError, "output must be one of numpy, torch"),
        ({"pooling": "median"}, ParameterError, "pooling must be 'auto' or one of mean"),
        ({"model": 3}, ParameterError, "model must be a checkpoint's name .* got a int"),
        ({"model": "./nowhere"}, CheckpointNotFoundError, "model='./nowhere' looks like a path"),
        ({"device": "cuda:99"}, DeviceError, "device='cuda:99' is not there"),
        ({"precision": "int3"}, ParameterError, "precision must be"),
        ({"truncate_dim": 1000}, ParameterError, "truncate_dim=1000 is above the width"),
        ({"strip_accents": "most"}, ParameterError, "strip_accents must be"),
        ({"decode_error": "hide"}, ParameterError, "decode_error must be one of"),
        ({"encoding": "utf-9"}, ParameterError, "encoding='utf-9' is not known"),
        ({"preprocessor": "lower"}, ParameterError, "preprocessor must be callable or None"),
    ],
)
def test_garbage_is_refused_by_fit(parameters, error, message):
    vectorizer = EncoderVectorizer().set_params(**parameters)
    with pytest.raises(error, match=message):
        vectorizer.fit(["a"])
    with pytest.raises(error, match=message):
        vectorizer.fit_transform(["a"])


def test_failed_fit_leaves_the_old_model(vectorizer):
    vectorizer.fit(["a"])
    with pytest.raises(ParameterError):
        vectorizer.set_params(truncate_dim=1000).fit(["a"])
    assert vectorizer.transform(["a"]).shape == (1, 384)


def test_loaded_model_cannot_be_asked_for_something_else(text_encoder):
    EncoderVectorizer(text_encoder, precision="float32", device="cpu").fit(["a"])
    with pytest.raises(ParameterError, match="already loaded in float32 on cpu"):
        EncoderVectorizer(text_encoder, precision="bfloat16").fit(["a"])


def test_damaged_folder_is_refused_by_fit(tiny_bert_copy):
    edit_weights(tiny_bert_copy, lambda tensors: tensors.pop("embeddings.LayerNorm.bias"))
    with pytest.raises(CheckpointError, match=r"missing: embeddings\.LayerNorm\.bias"):
        EncoderVectorizer(tiny_bert_copy).fit(["a"])


def test_fit_changes_neither_parameters_nor_input(vectorizer):
    before, texts = vectorizer.get_params(), ["a", "b"]
    vectorizer.fit(texts)
    assert vectorizer.get_params() == before
    assert texts == ["a", "b"]
