"""Distillation: who teaches, and how the teacher's vectors are taken."""

import pytest

from skencoder import EncoderVectorizer, TextEncoder
from skencoder.objectives import Distillation, Training
from tests.training.corpora import docstrings

TEXTS = [text[:60] for text in docstrings()[:8]]


@pytest.fixture
def taught(monkeypatch):
    """In which precision each teacher was loaded, and where."""
    loaded = []
    load = TextEncoder.load

    def noted(model, **how):
        loaded.append((how.get("precision"), how.get("device")))
        return load(model, **how)

    monkeypatch.setattr(TextEncoder, "load", noted)
    return loaded


@pytest.mark.parametrize("teacher", [None, "all-MiniLM-L6-v2"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_teacher_computes_as_the_estimator_says(small_folder, taught, teacher, precision):
    objective = Distillation(teacher=teacher, num_hidden_layers=1, training=Training(max_steps=1))
    EncoderVectorizer(small_folder, fine_tune=objective, precision=precision, device="cpu").fit(
        TEXTS
    )
    # The tuned model is loaded after it.
    assert taught[0] == (precision, "cpu")


def test_a_model_that_was_loaded_teaches_as_it_was_loaded(small_folder, taught):
    given = TextEncoder.load(small_folder, precision="float32", device="cpu")
    objective = Distillation(num_hidden_layers=1, training=Training(max_steps=1))
    EncoderVectorizer(given, fine_tune=objective).fit(TEXTS)
    assert taught[1] == ("float32", "cpu")
