"""Objectives are estimators: stored, cloned, searched, printed; what cannot be used is named."""

import re

import numpy as np
import pytest
from sklearn.base import clone

from skencoder import EncoderVectorizer
from skencoder.encoder import EncoderConfig
from skencoder.errors import ParameterError
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

TEXTS = ["one", "two", "three", "four"]
PLAIN = [
    MaskedLanguageModeling,
    SimCSE,
    SupervisedContrastive,
    PairRanking,
    SimilarityRegression,
    Distillation,
]


@pytest.mark.parametrize("kind", [*PLAIN, lambda **given: Matryoshka(SimCSE(), **given), Training])
def test_the_constructor_stores_and_does_nothing_else(kind):
    garbage = {name: object() for name in kind().get_params(deep=False)}
    objective = kind()
    objective.set_params(**garbage)
    assert all(getattr(objective, name) is value for name, value in garbage.items())
    assert clone(objective, safe=False).get_params(deep=False).keys() == garbage.keys()


@pytest.mark.parametrize("kind", PLAIN)
def test_a_training_s_parameters_can_be_set_where_nothing_is_said(kind):
    vectorizer = EncoderVectorizer(fine_tune=kind())
    searched = clone(vectorizer).set_params(fine_tune__training__learning_rate=3e-4)
    assert searched.fine_tune.training.learning_rate == 3e-4
    assert vectorizer.fine_tune.training is None
    # All else is still what suits the objective.
    asked = searched.fine_tune.training.options(kind.DEFAULTS, 1000)
    plain = Training(learning_rate=3e-4).options(kind.DEFAULTS, 1000)
    assert asked == plain


def test_what_is_wrapped_can_be_set():
    vectorizer = EncoderVectorizer(fine_tune=Matryoshka(SimCSE()))
    vectorizer.set_params(
        fine_tune__dims=(8,),
        fine_tune__objective__temperature=0.2,
        fine_tune__objective__training__epochs=7,
    )
    assert vectorizer.fine_tune.objective.temperature == 0.2
    assert vectorizer.fine_tune.training.epochs == 7
    assert "fine_tune__objective__training__epochs" in vectorizer.get_params()
    with pytest.raises(ValueError, match="Invalid parameter 'heat' for estimator SimCSE"):
        vectorizer.set_params(fine_tune__objective__heat=1)
    with pytest.raises(ValueError, match="Invalid parameter 'speed' for estimator Training"):
        vectorizer.set_params(fine_tune__objective__training__speed=1)


def test_printed_as_it_was_written():
    objective = Matryoshka(SimCSE(temperature=0.1, training=Training(epochs=2)), dims=(64,))
    inner = "SimCSE(temperature=0.1,training=Training(epochs=2))"
    assert "".join(repr(objective).split()) == f"Matryoshka(dims=(64,),objective={inner})"
    assert "SimCSE" in repr(EncoderVectorizer(fine_tune=objective))
    assert "SimCSE" in objective._repr_html_()


REFUSED = [
    (SimCSE, "fine_tune must be None or an objective of skencoder.objectives"),
    ("simcse", "such as SimCSE(); got 'simcse'"),
    (Training(), "got Training()"),
    (SimCSE(training=Training), "training must be None or a Training of skencoder.objectives"),
    (SimCSE(training={"epochs": 1}), "got {'epochs': 1}"),
    (SimCSE(temperature=0), "temperature must be above 0; got 0"),
    (SimCSE(temperature="low"), "temperature must be a finite number; got 'low'"),
    (PairRanking(temperature=-1), "temperature must be above 0; got -1"),
    (SupervisedContrastive(temperature=0), "temperature must be above 0; got 0"),
    (SupervisedContrastive(texts_per_class=1), "texts_per_class must be an integer of at least 2"),
    (SimilarityRegression(scale=0), "scale must be above 0; got 0"),
    (SimilarityRegression(loss="cos"), "loss must be one of cosent, angle; got 'cos'"),
    (MaskedLanguageModeling(mask_probability=0), "mask_probability must be above 0; got 0"),
    (MaskedLanguageModeling(mask_probability=2), "mask_probability must be at most 1; got 2"),
    (Distillation(), "The student would be its own teacher: choose num_hidden_layers"),
    (Distillation(static=True, hidden_size=8), "A static student has no layers"),
    (Distillation(num_hidden_layers=9), "num_hidden_layers=9, but the model has 2"),
    (Distillation(num_hidden_layers=1, loss="cos"), "loss must be 'auto', 'vectors' or"),
    (Distillation(hidden_size=16, loss="vectors"), "the student has 16 dimensions"),
    (Distillation(num_hidden_layers=1, temperature=0), "temperature must be above 0; got 0"),
    (Matryoshka(SimCSE), "objective must be an objective of skencoder.objectives"),
    (Matryoshka(SimCSE(), dims=4), "dims must be a sequence of widths; got 4"),
    (Matryoshka(SimCSE(), dims=()), "dims must name widths below the model's 32; got []"),
    (Matryoshka(SimCSE(), dims=(16, 32)), "dims must name widths below the model's 32"),
    (Matryoshka(MaskedLanguageModeling()), "MaskedLanguageModeling does not"),
    (SimCSE(training=Training(batch_size=5)), "batch_size=5, but there are 4 rows"),
    (SimCSE(training=Training(batch_size=np.int64(6))), "batch_size=6, but there are 4 rows"),
    (SimCSE(training=Training(batch_size=1)), "learns nothing from fewer than 2; choose at least"),
    (PairRanking(training=Training(batch_size=1)), "batch_size=1, but this objective compares"),
    (SimilarityRegression(training=Training(batch_size=np.int64(1))), "batch_size=1, but this"),
    (SupervisedContrastive(training=Training(batch_size=2)), "nothing from fewer than 4"),
    (Distillation(hidden_size=16, training=Training(batch_size=2)), "nothing from fewer than 3"),
    (Matryoshka(SimCSE(training=Training(batch_size=1)), dims=(8,)), "fewer than 2; choose"),
    (SimCSE(training=Training(learning_rate=-1)), "learning_rate must be above 0; got -1"),
    (SimCSE(training=Training(lora_rank=99)), "rank=99 is larger than the smaller side"),
    (SimCSE(training=Training(lora_rank=1, lora_targets="key")), "lora_targets must be a tuple"),
    (SimCSE(training=Training(lora_rank=1, lora_targets=("ke",))), "Did you mean 'key'?"),
    (SimCSE(training=Training(folder=3)), "folder must name a folder or be None; got 3"),
    (
        SimCSE(training=Training(folder="f")),
        "random_state=None draws another seed each time; give",
    ),
    (SimCSE(training=Training(patience=1)), "validation_share=0 holds none out"),
]


@pytest.mark.parametrize(("objective", "sentence"), REFUSED, ids=[text for _, text in REFUSED])
def test_what_cannot_be_used_is_named(objective, sentence, small_folder):
    vectorizer = EncoderVectorizer(small_folder, fine_tune=objective, device="cpu")
    y = [("a", 1), ("b", 2), ("c", 3), ("d", 4)]
    if isinstance(objective, SupervisedContrastive):
        y = [0, 0, 1, 1]
    elif isinstance(objective, PairRanking):
        y = list("abcd")
    with pytest.raises(ParameterError, match=re.escape(sentence)):
        vectorizer.fit(TEXTS, y)


@pytest.mark.parametrize(
    ("objective", "y", "batch_size"),
    [
        (MaskedLanguageModeling(), None, 1),
        (SimCSE(), None, 2),
        (PairRanking(), [("a", "b"), ("c", "d"), ("e", "f"), ("g", "h")], 1),
        (PairRanking(), list("abcd"), 2),
        (Distillation(num_hidden_layers=1), None, 1),
        # More than a class has cannot be drawn together.
        (SupervisedContrastive(texts_per_class=9), [0, 0, 1, 1], 4),
    ],
)
def test_the_least_batch_learns(objective, y, batch_size, small_folder):
    objective.training = Training(batch_size=batch_size, max_steps=1)
    vectorizer = EncoderVectorizer(small_folder, fine_tune=objective, random_state=0, device="cpu")
    assert vectorizer.fit(TEXTS, y).history_.gradient_norm[0] > 0


def test_a_batch_that_nobody_chose_is_large_enough():
    defaults = SupervisedContrastive.DEFAULTS
    sizes = [
        Training().options(defaults, n_rows, least).batch_size
        for n_rows, least in [(1000, 4), (1000, 200), (100, 200), (3, 4)]
    ]
    assert sizes == [defaults.batch_size, 200, 100, 3]
    assert Training(batch_size=3).options(defaults, 3, 4).batch_size == 3


CONFIG = EncoderConfig(
    vocab_size=99, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
)


@pytest.mark.parametrize(
    ("objective", "sentence"),
    [
        (None, "A configuration is trained from scratch by fine_tune, which is None"),
        (MaskedLanguageModeling(tokenizer="words"), "tokenizer must be one of wordpiece, bpe"),
        (MaskedLanguageModeling(lowercase="no"), "lowercase must be True or False; got 'no'"),
        (Distillation(), "The student would be its own teacher"),
    ],
)
def test_what_a_new_model_cannot_be_made_with(objective, sentence):
    with pytest.raises(ParameterError, match=re.escape(sentence)):
        EncoderVectorizer(CONFIG, fine_tune=objective, device="cpu").fit(TEXTS * 4)
