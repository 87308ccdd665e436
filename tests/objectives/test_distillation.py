"""Distillation: who teaches, and what the student's vectors are told."""

import json

import numpy as np
import pytest
import torch

from skencoder import EncoderVectorizer, TextEncoder
from skencoder.encoding_options import EncodingOptions
from skencoder.objectives import Distillation, Training
from skencoder.training import Lesson, text_source
from tests.training.corpora import docstrings
from tests.training.small import NO_DROPOUT, write_small

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


def test_a_vector_of_zeros_gets_no_gradient_and_spoils_no_other(small_folder):
    objective = Distillation(num_hidden_layers=1)
    parts = objective.open_model(str(small_folder), 0)
    source = text_source(parts, EncodingOptions(overflow="truncate"))
    texts = docstrings()[:2]
    task = objective.make_task(Lesson(texts, None, parts, source, str(small_folder), 0))
    vectors = torch.zeros(1, 2, 32)
    vectors[0, 1, 0] = 1
    vectors.requires_grad_()
    task.loss(vectors, np.arange(2)).backward()
    assert vectors.grad[0, 0].abs().max() == 0
    assert 0 < vectors.grad[0, 1].abs().max() < 100


@pytest.mark.parametrize("prompt", [None, "", "another prompt: "])
def test_a_model_teaches_itself_with_the_student_s_prompt(tmp_path, prompt):
    folder = write_small(tmp_path / "model", **NO_DROPOUT)
    settings = {"prompts": {"query": "find what answers this: "}, "default_prompt_name": "query"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(settings))
    # All layers are kept, so that the student knows all that it is told.
    training = Training(max_steps=1, precision="float32")
    objective = Distillation(num_hidden_layers=2, training=training)
    vectorizer = EncoderVectorizer(
        folder, fine_tune=objective, prompt=prompt, precision="float32", device="cpu"
    )
    assert vectorizer.fit(TEXTS).history_.loss.iloc[0] == pytest.approx(0, abs=1e-6)
