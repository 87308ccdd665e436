"""SimCSE lives on dropout: a model without it is refused before anything is learned."""

import pytest

from skencoder import EncoderVectorizer
from skencoder.errors import ParameterError
from skencoder.objectives import Matryoshka, SimCSE, Training
from tests.static_models import write_model2vec
from tests.training.corpora import docstrings
from tests.training.small import NO_DROPOUT, write_small

TEXTS = [text[:60] for text in docstrings()[:8]]
ONE_STEP = SimCSE(training=Training(max_steps=1))


def fit(model, objective=ONE_STEP):
    return EncoderVectorizer(model, fine_tune=objective, overflow="truncate", device="cpu").fit(
        TEXTS
    )


@pytest.mark.parametrize("objective", [ONE_STEP, Matryoshka(ONE_STEP, dims=(8,))])
def test_a_model_without_dropout(tmp_path, objective):
    model = write_small(tmp_path, **NO_DROPOUT)
    with pytest.raises(ParameterError, match="hidden_dropout_prob=0 and attention_probs_dropout"):
        fit(model, objective)


def test_a_static_model(tmp_path):
    with pytest.raises(ParameterError, match="A static model has no dropout"):
        fit(write_model2vec(tmp_path / "static"))


@pytest.mark.parametrize("one", [*NO_DROPOUT])
def test_one_of_them_is_enough(tmp_path, one):
    left = {name: value for name, value in NO_DROPOUT.items() if name != one}
    assert len(fit(write_small(tmp_path, **left)).history_) == 1
