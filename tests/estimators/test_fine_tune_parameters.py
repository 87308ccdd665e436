"""What a training's parameters and seed reach, seen from the estimators."""

import shutil

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skencoder import EncoderClassifier
from skencoder.encoder import stack
from skencoder.objectives import Distillation, SimCSE, Training
from tests.estimators.small_models import plant, quick, write_small_model
from tests.estimators.test_fine_tune import LABELS, TEXTS, make
from tests.training.small import write_small


@pytest.mark.parametrize("saves", [True, False])
def test_gradient_checkpointing_is_switched_on(small_folder, monkeypatch, saves):
    calls = []
    original = stack.checkpoint
    monkeypatch.setattr(
        stack, "checkpoint", lambda *given, **how: calls.append(given) or original(*given, **how)
    )
    training = Training(max_steps=1, batch_size=8, gradient_checkpointing=saves)
    make(small_folder, SimCSE(training=training)).fit(TEXTS)
    assert bool(calls) == saves


def test_another_seed_is_another_training(small_folder, tmp_path):
    """A state is taken up by its own seed alone."""
    kept, free = (
        SimCSE(training=Training(max_steps=2, batch_size=8, folder=folder))
        for folder in (tmp_path, None)
    )
    first = make(small_folder, kept, random_state=0).fit(TEXTS)
    second = make(small_folder, kept, random_state=1).fit(TEXTS)
    fresh = make(small_folder, free, random_state=1).fit(TEXTS)
    assert second.model_fingerprint_ == fresh.model_fingerprint_ != first.model_fingerprint_


def test_a_warm_start_draws_anew(tmp_path):
    texts, topics = plant(24)
    folder = write_small_model(tmp_path / "model")
    # So slow that the weights stay: what differs is which texts a step looks at.
    training = quick(max_steps=1, learning_rate=1e-12)
    classifier = EncoderClassifier(
        folder, training=training, dropout=0, warm_start=True, random_state=0, precision="float32"
    )
    losses = [classifier.fit(texts, topics).history_.loss.iloc[-1] for _ in range(3)]
    assert len(np.unique(np.round(losses, 4))) == 3


def test_a_search_s_workers_share_a_training(small_folder, tmp_path):
    """What varies comes after the encoder: two workers ask for the same training at once."""
    training = Training(max_steps=3, batch_size=8, folder=tmp_path)
    pipeline = make_pipeline(make(small_folder, SimCSE(training=training)), LogisticRegression())
    grid = {"logisticregression__C": [0.1, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2, refit=False, error_score="raise")
    search.fit(TEXTS, LABELS)
    # A training for each fold, and no more.
    assert len(list(tmp_path.iterdir())) == 2


def test_a_teacher_that_changed_teaches_anew(small_folder, tmp_path):
    teacher = write_small(tmp_path / "teacher")
    training = Training(max_steps=2, batch_size=8, folder=tmp_path / "states")
    objective = Distillation(teacher=teacher, training=training)
    first = make(small_folder, objective).fit(TEXTS)
    shutil.rmtree(teacher.parent)
    assert write_small(teacher.parent, hidden_act="relu") == teacher
    second = make(small_folder, objective).fit(TEXTS)
    assert second.model_fingerprint_ != first.model_fingerprint_
    assert make(small_folder, objective).fit(TEXTS).model_fingerprint_ == second.model_fingerprint_
