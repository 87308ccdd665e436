"""Published scores of published weights, where those are on this machine; no download."""

import huggingface_hub.constants
import pytest

from skencoder.errors import CheckpointNotFoundError
from skencoder.pseudo_likelihood import PseudoLikelihood

# Of mlm-scoring (Salazar et al. 2020) and minicons: their tests and READMEs.
PUBLISHED = [
    ("google-bert/bert-base-cased", "Hello world!", [-6.126739, -5.501766, -0.782497]),
    ("distilbert/distilbert-base-cased", "Hello world!", [-5.187490, -6.390862, -3.822556]),
    ("albert/albert-base-v2", "Hello world!", [-16.480087, -12.897506, -4.277406]),
    ("google-bert/bert-base-uncased", "I am Sam.", -13.3065947),
]


@pytest.mark.parametrize(("model", "text", "expected"), PUBLISHED)
def test_published_scores(model, text, expected, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    try:
        loaded = PseudoLikelihood.load(model, device="cpu")
    except CheckpointNotFoundError as error:
        pytest.skip(f"the weights of {model} are not here: {str(error)[:200]}")
    scores = loaded.score([text])
    found = scores.log_probabilities if isinstance(expected, list) else scores.sums[0]
    assert found == pytest.approx(expected, abs=1e-4)
