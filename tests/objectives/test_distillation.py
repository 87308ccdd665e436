"""Distillation: what the student's vectors are told."""

import numpy as np
import torch

from skencoder.encoding_options import EncodingOptions
from skencoder.objectives import Distillation
from skencoder.training import Lesson, text_source
from tests.training.corpora import docstrings


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
