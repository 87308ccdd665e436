import copy

import mteb
import numpy as np
import pandas as pd
import pytest
from mteb.models.model_meta import ModelMeta
from mteb.models.models_protocols import EncoderProtocol
from mteb.types import PromptType
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer

from benchmarks import MTEBModel
from benchmarks.errors import VectorsError
from skencoder import EncoderVectorizer
from skencoder.errors import CheckpointNotFoundError, ParameterError

TEXTS = ["one text", "another text", "one text", ""]
STS = mteb.get_task("STSBenchmark").metadata
RETRIEVAL = mteb.get_task("NFCorpus").metadata


def encode(model, texts, *, task=STS, role=None):
    batches = [{"text": texts[:1]}, {"text": texts[1:]}]
    return model.encode(
        batches, task_metadata=task, hf_split="test", hf_subset="default", prompt_type=role
    )


class Faulty(TransformerMixin, BaseEstimator):
    """Good vectors for two texts, which is what a model is tried with, bad ones for more."""

    def __init__(self, fault):
        self.fault = fault

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        vectors = np.ones((len(X), 3))
        return vectors if len(X) == 2 else self.fault(vectors)


def with_nan(vectors):
    vectors[2, 1] = np.nan
    return vectors


def test_it_is_an_encoder_to_mteb(tiny_model):
    assert isinstance(tiny_model, EncoderProtocol)
    assert isinstance(tiny_model.mteb_model_meta, ModelMeta)


def test_vectors_are_those_of_the_vectorizer_in_the_order_of_the_batches(tiny_bert, tiny_model):
    vectorizer = EncoderVectorizer(tiny_bert, precision="float32").fit(TEXTS)

    np.testing.assert_array_equal(encode(tiny_model, TEXTS), vectorizer.transform(TEXTS))


def test_an_unfitted_vectorizer_is_loaded_without_touching_it(tiny_bert):
    vectorizer = EncoderVectorizer(tiny_bert)

    model = MTEBModel(vectorizer)

    assert encode(model, TEXTS).shape == (4, 32)
    assert not hasattr(vectorizer, "encoder_")


def test_similarity_is_the_cosine(tiny_model):
    first, second = np.array([[3.0, 4.0]]), np.array([[4.0, 3.0], [-3.0, -4.0]])

    np.testing.assert_allclose(tiny_model.similarity(first, second), [[0.96, -1.0]], rtol=1e-6)
    np.testing.assert_allclose(
        tiny_model.similarity_pairwise(second, second[[1, 0]]), [-0.96, -0.96], rtol=1e-6
    )


def test_records_count_texts_cut_texts_and_seconds_by_task_split_and_subset(tiny_bert):
    model = MTEBModel(tiny_bert)
    encode(model, [*TEXTS, "word " * 1000])
    encode(model, TEXTS)
    encode(model, TEXTS, task=RETRIEVAL)

    record = model.records["STSBenchmark", "test", "default"]
    assert (record.n_texts, record.n_truncated) == (9, 1)
    assert record.seconds > 0
    other = model.records["NFCorpus", "test", "default"]
    assert other.n_texts == 4
    # What the session's cache gave is no work of the model.
    assert record.n_encoded <= 5
    assert other.n_encoded == 0
    assert record.texts_per_second == record.n_encoded / record.seconds
    assert other.texts_per_second == 0


def test_without_a_cache_each_text_is_encoded_again(tiny_bert):
    model = MTEBModel(EncoderVectorizer(tiny_bert, precision="float32", cache=None))
    encode(model, TEXTS)
    encode(model, TEXTS)

    record = model.records["STSBenchmark", "test", "default"]
    assert (record.n_texts, record.n_encoded) == (8, 8)
    assert record.texts_per_second == pytest.approx(8 / record.seconds)


def test_long_texts_are_cut_without_a_warning(tiny_bert, recwarn):
    encode(MTEBModel(EncoderVectorizer(tiny_bert)), ["word " * 1000, "short"])

    assert not recwarn.list


# --- prompts


@pytest.mark.parametrize(
    ("task", "role", "prompt"),
    [
        (RETRIEVAL, PromptType.query, "Q: "),
        (RETRIEVAL, PromptType.document, "P: "),
        (RETRIEVAL, None, ""),
        (STS, None, "T: "),
        (STS, PromptType.query, "T: "),
        (mteb.get_task("STS12").metadata, None, "K: "),
    ],
)
def test_prompts_follow_mteb_s_order(tiny_with_prompts, task, role, prompt):
    model = MTEBModel(tiny_with_prompts)
    prompted = EncoderVectorizer(tiny_with_prompts, precision="float32").fit(TEXTS)

    expected = prompted.transform([prompt + text for text in TEXTS])

    np.testing.assert_allclose(encode(model, TEXTS, task=task, role=role), expected, atol=1e-6)
    assert model.mteb_model_meta.use_instructions


def test_the_user_s_prompt_and_object_are_left_alone(tiny_with_prompts):
    chosen = EncoderVectorizer(tiny_with_prompts, prompt="U: ").fit(TEXTS)
    plain = EncoderVectorizer(tiny_with_prompts).fit(TEXTS)
    before = plain.transform(TEXTS)

    vectors = encode(MTEBModel(chosen), TEXTS)
    encode(MTEBModel(plain), TEXTS)

    np.testing.assert_array_equal(vectors, chosen.transform(TEXTS))
    np.testing.assert_array_equal(plain.transform(TEXTS), before)
    assert plain.prompt is None


def test_a_prompt_reaches_the_encoder_in_a_pipeline(tiny_with_prompts):
    pipeline = make_pipeline(EncoderVectorizer(tiny_with_prompts), Normalizer()).fit(TEXTS)

    vectors = encode(MTEBModel(pipeline), TEXTS)

    np.testing.assert_allclose(vectors, pipeline.transform(["T: " + t for t in TEXTS]), atol=1e-6)
    assert pipeline[0].prompt is None


# --- what mteb records


def test_the_record_of_a_checkpoint_names_its_weights(tiny_bert):
    vectorizer = EncoderVectorizer(tiny_bert, precision="float32", max_length=64).fit(TEXTS)
    meta = MTEBModel(vectorizer).mteb_model_meta

    assert meta.name == f"local/{tiny_bert.name}"
    assert meta.revision == vectorizer.model_fingerprint_
    assert (meta.embed_dim, meta.max_tokens, meta.similarity_fn_name.value) == (32, 64, "cosine")
    assert meta.n_parameters == sum(
        parameter.numel() for parameter in vectorizer.encoder_.encoder.parameters()
    )
    assert meta.experiment_kwargs == {"max_length": 64}


def test_settings_that_give_other_vectors_get_results_of_their_own(tiny_bert):
    def experiment(**parameters):
        return MTEBModel(
            EncoderVectorizer(tiny_bert, **parameters)
        ).mteb_model_meta.experiment_name

    assert experiment(precision="float32") is None
    assert experiment(precision="float32", overflow="truncate", batch_tokens=99) is None
    names = {
        experiment(precision="float32", overflow="chunk"),
        experiment(precision="float32", truncate_dim=8),
        experiment(precision="bfloat16"),
    }
    assert len(names) == 3


def test_the_embedded_model_is_named_as_its_scores_are_published(text_encoder):
    meta = MTEBModel(EncoderVectorizer(text_encoder)).mteb_model_meta

    assert meta.name == "sentence-transformers/all-MiniLM-L6-v2"
    assert meta.revision == text_encoder.fingerprint


def test_the_record_of_a_pipeline_names_its_steps_and_follows_what_it_learned(tfidf_svd, docs):
    other = make_pipeline(TfidfVectorizer(), TruncatedSVD(64, random_state=0)).fit(docs.data[:300])
    first, again, second = (MTEBModel(p).mteb_model_meta for p in (tfidf_svd, tfidf_svd, other))

    assert first.name == "sklearn/TfidfVectorizer-TruncatedSVD"
    assert first.revision == again.revision != second.revision
    assert MTEBModel(tfidf_svd, name="me/baseline").mteb_model_meta.name == "me/baseline"


def test_an_estimator_that_cannot_be_pickled_never_shares_results():
    def model():
        faulty = Faulty(lambda vectors: vectors)
        return MTEBModel(faulty).mteb_model_meta.revision

    assert model() != model()


# --- any estimator


def test_a_pipeline_gives_its_own_vectors(tfidf_svd):
    np.testing.assert_array_equal(encode(MTEBModel(tfidf_svd), TEXTS), tfidf_svd.transform(TEXTS))


def test_a_frame_is_taken(tfidf_svd):
    framed = copy.deepcopy(tfidf_svd)
    framed[-1].set_output(transform="pandas")
    assert isinstance(framed.transform(TEXTS), pd.DataFrame)

    np.testing.assert_array_equal(encode(MTEBModel(framed), TEXTS), tfidf_svd.transform(TEXTS))


def test_vectors_in_reverse_memory_order_are_taken(tiny_bert, tiny_model):
    backwards = FunctionTransformer(lambda vectors: vectors[:, ::-1])
    model = MTEBModel(make_pipeline(EncoderVectorizer(tiny_bert), backwards).fit(TEXTS))

    vectors = encode(model, TEXTS)

    assert model.similarity(vectors, vectors).shape == (4, 4)


def test_torch_output_is_taken(tiny_bert, tiny_model):
    model = MTEBModel(EncoderVectorizer(tiny_bert, precision="float32", output="torch"))

    np.testing.assert_array_equal(encode(model, TEXTS), encode(tiny_model, TEXTS))


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (TfidfVectorizer(), ParameterError, "TfidfVectorizer is not fitted.*call fit"),
        (HashingVectorizer(), VectorsError, "sparse matrix.*TruncatedSVD"),
        (PCA(1).fit([[0.0], [1.0]]), ParameterError, "PCA cannot transform a list of texts"),
        (TruncatedSVD, ParameterError, "no transform method"),
        (42, ParameterError, "no transform method"),
        ("./no-such-folder", CheckpointNotFoundError, "no-such-folder"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_with_the_reason(model, error, message):
    with pytest.raises(error, match=message):
        MTEBModel(model)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (with_nan, r"Faulty gave NaN or infinity for 1 of 4 texts.*number 2: 'one text'"),
        (lambda vectors: vectors[:-1], r"shape \(3, 3\) for 4 texts"),
        (lambda vectors: vectors[:, :2], "vectors of 2 dimensions after vectors of 3"),
        (lambda vectors: vectors[0], r"shape \(3,\) for 4 texts"),
        (lambda vectors: vectors.astype(str), "expected numbers"),
    ],
)
def test_vectors_that_cannot_be_right_are_refused(fault, message):
    model = MTEBModel(Faulty(fault))

    with pytest.raises(VectorsError, match=message):
        encode(model, TEXTS)
