"""A fit that learns: what it changes, what it leaves alone, and what it needs of what is given."""

import copy
import gc
import pickle
import re
import weakref
from collections import Counter

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from skencoder import EmbeddingCache, EncoderRetriever, EncoderVectorizer
from skencoder.encoder import EncoderConfig
from skencoder.errors import CheckpointError, ParameterError, TrainingError, TrainingWarning
from skencoder.objectives import (
    Distillation,
    MaskedLanguageModeling,
    Matryoshka,
    PairRanking,
    SimCSE,
    SimilarityRegression,
    SupervisedContrastive,
    Training,
)
from tests.files import all_files
from tests.static_models import write_model2vec, write_teacher
from tests.training.corpora import docstrings

TEXTS = [text[:60] for text in docstrings()[:16]]
LABELS = ["left", "right"] * 8
PAIRS, LAST_FIRST = TEXTS[::-1], TEXTS[-1:] + TEXTS[:-1]
SCORED = [(text, number) for number, text in enumerate(PAIRS)]
TWO_STEPS = Training(max_steps=2, batch_size=8, learning_rate=1e-3)


def make(folder, fine_tune=None, **parameters):
    given = {"precision": "float32", "device": "cpu", "random_state": 0} | parameters
    objective = fine_tune or SupervisedContrastive(training=TWO_STEPS)
    return EncoderVectorizer(folder, fine_tune=objective, **given)


OBJECTIVES = {
    "masked": (MaskedLanguageModeling(training=TWO_STEPS), None),
    "words": (MaskedLanguageModeling(whole_word=True, training=TWO_STEPS), None),
    "simcse": (SimCSE(training=TWO_STEPS), None),
    "supervised": (SupervisedContrastive(training=TWO_STEPS), LABELS),
    "pairs": (PairRanking(symmetric=True, training=TWO_STEPS), PAIRS),
    "negatives": (PairRanking(training=TWO_STEPS), [*zip(PAIRS, LAST_FIRST, strict=True)]),
    "cosent": (SimilarityRegression(training=TWO_STEPS), SCORED),
    "angle": (SimilarityRegression(loss="angle", training=TWO_STEPS), SCORED),
    "matryoshka": (Matryoshka(SimCSE(training=TWO_STEPS), dims=(8, 16)), None),
    "fewer-layers": (Distillation(num_hidden_layers=1, training=TWO_STEPS), None),
    "narrower": (Distillation(hidden_size=16, training=TWO_STEPS), None),
    "static": (Distillation(static=True, training=TWO_STEPS), None),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_fit_changes_the_model_and_nothing_that_was_given(small_folder, name):
    objective, y = OBJECTIVES[name]
    given = copy.deepcopy((TEXTS, y, objective.get_params()))
    files = all_files(small_folder)
    vectorizer = make(small_folder, objective)
    frozen = clone(vectorizer).set_params(fine_tune=None).fit(TEXTS)
    vectors = vectorizer.fit_transform(TEXTS, y)
    assert vectorizer.model_fingerprint_ != frozen.model_fingerprint_
    assert np.isfinite(vectors).all()
    width = 16 if name == "narrower" else 32
    assert vectors.shape == (16, vectorizer.n_features_out_) == (16, width)
    if width == 32:
        assert not np.allclose(vectors, frozen.transform(TEXTS), atol=1e-5)
    history = vectorizer.history_
    assert history["step"].tolist() == [1, 2]
    watched = ["validation_loss", "validation_loss_before"]
    assert history[watched].isna().all(axis=None)
    assert np.isfinite(history.drop(columns=watched)).all(axis=None)
    assert (TEXTS, y) == given[:2]
    assert repr(objective.get_params()) == repr(given[2])
    assert all_files(small_folder) == files


def fingerprint(folder, name, random_state):
    objective, y = OBJECTIVES[name]
    return make(folder, objective, random_state=random_state).fit(TEXTS, y).model_fingerprint_


@pytest.mark.parametrize("name", ["masked", "simcse", "fewer-layers"])
def test_the_same_seed_gives_the_same_model(small_folder, name):
    assert fingerprint(small_folder, name, 3) == fingerprint(small_folder, name, np.int64(3))


def test_another_seed_gives_another_model(small_folder):
    states = (3, 4, None, None, np.random.RandomState(3))
    found = [fingerprint(small_folder, "supervised", state) for state in states]
    assert len({*found}) == 4
    assert found[0] == found[-1]


def test_a_new_model_is_made_of_a_configuration():
    config = EncoderConfig(
        vocab_size=150,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
    )
    objective = MaskedLanguageModeling(training=Training(max_steps=2, batch_size=8))
    vectorizer = make(config, objective, overflow="truncate")
    before = repr(vectorizer.get_params())
    vectors = vectorizer.fit_transform(docstrings())
    assert vectors.shape == (len(docstrings()), 16)
    assert repr(vectorizer.get_params()) == before
    assert clone(vectorizer).fit(docstrings()).model_fingerprint_ == vectorizer.model_fingerprint_
    assert "EncoderConfig" in repr(vectorizer)


def test_after_an_error_the_estimator_is_what_it_was(small_folder):
    vectorizer = make(small_folder, cache=None)
    vectors = vectorizer.fit_transform(TEXTS, LABELS)
    wrong = [
        ({"pooling": "middle"}, LABELS, ParameterError),
        ({"output": "list"}, LABELS, ParameterError),
        ({"cache": 3}, LABELS, ParameterError),
        ({"truncate_dim": 99}, LABELS, ParameterError),
        ({}, LABELS[:3], TrainingError),
    ]
    for parameters, y, error in wrong:
        broken = {name: vectorizer.get_params()[name] for name in parameters}
        vectorizer.set_params(**parameters)
        with pytest.raises(error):
            vectorizer.fit(TEXTS, y)
        vectorizer.set_params(**broken)
        assert np.array_equal(vectorizer.transform(TEXTS), vectors)
        assert len(vectorizer.history_) == 2


def test_a_fit_that_does_not_learn_forgets_what_was_learned(small_folder):
    vectorizer = make(small_folder).fit(TEXTS, LABELS)
    frozen = EncoderVectorizer(small_folder).fit(TEXTS)
    vectorizer.set_params(fine_tune=None).fit(TEXTS)
    assert vectorizer.model_fingerprint_ == frozen.model_fingerprint_
    assert not hasattr(vectorizer, "history_")


def test_a_model_s_folder_lives_as_long_as_somebody_holds_it(small_folder):
    vectorizer = make(small_folder).fit(TEXTS, LABELS)
    first = vectorizer._tuned.path
    vectorizer.set_params(random_state=1).fit(TEXTS, LABELS)
    second, encoder = vectorizer._tuned.path, vectorizer.encoder_
    assert not first.exists()
    del vectorizer
    gc.collect()
    # A model can be sent to a worker, or trained again, as long as its files are there.
    again = EncoderVectorizer(encoder).fit(TEXTS)
    assert pickle.loads(pickle.dumps(again)).transform(TEXTS).shape == (16, 32)
    assert make(encoder).fit(TEXTS, LABELS).transform(TEXTS).shape == (16, 32)
    gone = weakref.ref(encoder)
    del encoder, again
    # The model that was used last is kept.
    EncoderVectorizer(small_folder, cache=None).fit_transform(TEXTS)
    gc.collect()
    assert gone() is None
    assert not second.exists()


def test_a_text_is_encoded_once_per_model(small_folder, tmp_path):
    cache = EmbeddingCache(tmp_path)
    one, other = (make(small_folder, cache=cache, random_state=seed) for seed in (0, 1))
    vectors = one.fit_transform(TEXTS, LABELS)
    for _ in range(2):
        assert np.array_equal(one.transform(TEXTS), vectors)
    different = len(Counter(TEXTS))
    assert cache.stats().texts_encoded == different
    elsewhere = other.fit_transform(TEXTS, LABELS)
    assert not np.allclose(elsewhere, vectors, atol=1e-5)
    assert cache.stats().texts_encoded == 2 * different
    # What is trained in the same way is the same model, so nothing is encoded for it.
    assert np.array_equal(clone(one).fit_transform(TEXTS, LABELS), vectors)
    assert cache.stats().texts_encoded == 2 * different
    alone = make(small_folder, cache=None, random_state=1).fit_transform(TEXTS, LABELS)
    np.testing.assert_allclose(elsewhere, alone, atol=1e-6)


@pytest.mark.parametrize(
    ("parameters", "y", "sentence"),
    [
        ({}, None, "y is None, but this objective learns from it"),
        ({}, ["one class"] * 16, "y has one class, 'one class'"),
        ({}, list(range(16)), "Each of the 16 classes of y has a single text"),
        ({"fine_tune": SimCSE()}, None, "There are not two different texts among 16: 'same'"),
        ({"fine_tune": PairRanking()}, ["same"] * 16, "There are not two different texts"),
        ({"fine_tune": Distillation(num_hidden_layers=1)}, None, "There are not two different"),
    ],
)
def test_what_cannot_be_learned_from(small_folder, parameters, y, sentence):
    with pytest.raises(TrainingError, match=re.escape(sentence)):
        make(small_folder, **parameters).fit(["same"] * 16 if y is None else TEXTS, y)


@pytest.mark.parametrize(
    ("objective", "y", "sentence"),
    [
        (PairRanking(), TEXTS, "There are not two different texts among 16: 'same'"),
        (
            SimilarityRegression(),
            [("other", score) for score in range(16)],
            "There are not two different pairs among 16: ('same', 'other'). What is learned is to",
        ),
    ],
)
def test_one_text_with_many_answers_is_none_to_learn_from(small_folder, objective, y, sentence):
    with pytest.raises(TrainingError, match=re.escape(sentence)):
        make(small_folder, objective).fit(["same"] * 16, y)


WATCHED = Training(epochs=2, batch_size=8, validation_share=0.25, patience=2)


@pytest.mark.parametrize("name", [*OBJECTIVES])
def test_what_is_held_out_says_something(small_folder, name):
    objective, y = OBJECTIVES[name]
    watched = clone(objective).set_params(
        **{f"{'objective__' if name == 'matryoshka' else ''}training": WATCHED}
    )
    losses = make(small_folder, watched).fit(TEXTS, y).history_.validation_loss.dropna()
    assert len(losses) > 1
    assert (losses > 0).all()


@pytest.mark.parametrize(
    ("objective", "y", "share"),
    [
        (SimCSE(), None, 0.02),
        (PairRanking(), PAIRS, 0.02),
        (SimilarityRegression(), SCORED, 0.02),
        (Distillation(hidden_size=16), None, 0.1),
        (SupervisedContrastive(), LABELS, 0.2),
        # Three texts of a class: two cannot be held out where two stay.
        (SupervisedContrastive(), [number % 6 for number in range(16)], 0.4),
    ],
)
def test_held_out_rows_that_cannot_be_compared(small_folder, objective, y, share):
    objective.training = Training(epochs=2, validation_share=share, patience=1)
    with pytest.raises(TrainingError, match="validation_share"):
        make(small_folder, objective).fit(TEXTS, y)


def test_models_that_cannot_be_trained(small_folder, tmp_path):
    masked = MaskedLanguageModeling(training=TWO_STEPS)
    static = write_model2vec(tmp_path / "static")
    with pytest.raises(CheckpointError, match="static model: a table without layers cannot guess"):
        make(static, masked).fit(TEXTS)
    with pytest.raises(ParameterError, match="A static model has no linear maps; lora_rank"):
        make(static, PairRanking(training=Training(lora_rank=2))).fit(
            ["the cat", "a dog"], ["a cat", "the dog"]
        )
    maskless = write_teacher(tmp_path / "maskless")
    new_head = pytest.warns(TrainingWarning, match="was published without the head")
    with new_head, pytest.raises(CheckpointError, match="has no mask token"):
        make(maskless, masked).fit(TEXTS)


def test_a_model_that_transformers_computes_is_refused(embedded_folder, tmp_path):
    import transformers

    config = transformers.FNetConfig(
        vocab_size=30522, hidden_size=16, num_hidden_layers=1, intermediate_size=16
    )
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes((embedded_folder / "tokenizer.json").read_bytes())
    with pytest.raises(CheckpointError, match="'fnet', which is computed by transformers; only"):
        make(tmp_path, SimCSE(training=TWO_STEPS)).fit(TEXTS)


def test_a_new_model_that_no_other_library_could_load():
    odd = EncoderConfig(vocab_size=150, positions="sinusoidal", gated=True)
    with pytest.raises(CheckpointError, match="With gated=False it can be written"):
        make(odd, MaskedLanguageModeling()).fit(docstrings())
    with pytest.raises(ParameterError, match="vocab_size=20 is too small"):
        make(EncoderConfig(vocab_size=20), MaskedLanguageModeling()).fit(docstrings())


def test_a_retriever_uses_a_trained_model_and_trains_none(small_folder):
    vectorizer = make(small_folder).fit(TEXTS, LABELS)
    with pytest.raises(ParameterError, match="only used here and not trained. Fit it first"):
        EncoderRetriever(vectorizer).fit(TEXTS)
    with pytest.raises(
        ParameterError, match=r"encoder has fine_tune=SupervisedContrastive\(...\)"
    ):
        EncoderRetriever(make_pipeline(vectorizer)).fit(TEXTS)
    retriever = EncoderRetriever(EncoderVectorizer(vectorizer.encoder_)).fit(TEXTS)
    assert retriever.kneighbors(TEXTS[:1], n_neighbors=1)[1].tolist() == [[0]]
