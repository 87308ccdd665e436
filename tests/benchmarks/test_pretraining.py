"""Encoders from nothing, in small: the same places are guessed by all, and figures by hand."""

import json

import numpy as np
import pytest

from benchmarks.cli import main
from benchmarks.held_out_guesses import Estimate, guess, guess_by_frequency, perplexity
from benchmarks.pretraining import run_pretraining
from benchmarks.pretraining_report import format_pretraining
from benchmarks.pretraining_settings import PretrainingSettings
from benchmarks.topic_classifier import right_answers
from skencoder.encoder import Rotary
from skencoder.errors import ParameterError

SMALL = {
    "topics": ["email", "numbers and dates"],
    "hidden_size": 32,
    "layers": 1,
    "vocab_size": 300,
    "max_length": 32,
    "batch_size": 16,
}


@pytest.fixture(scope="module")
def report():
    settings = PretrainingSettings(positions=["learned"], steps=30, learning_rate=2e-3, **SMALL)
    return run_pretraining(settings)


def test_a_model_that_knows_nothing_is_as_unsure_as_its_vocabulary_is_large(report):
    (model,) = report.models
    # Of 300 tokens, and a little wrong: its first logits are drawn with a variance of 2 / 5.
    assert model.before.value == pytest.approx(300 * np.exp(0.2), rel=0.1)
    assert model.before.low < model.before.value < model.before.high
    assert model.fall > 1.3
    assert model.after.value / model.unigram.value == pytest.approx(model.over_unigram.value)
    assert 1 < model.unigram.value < 300


def test_accuracies_are_of_the_held_out_documents(report):
    (model,) = report.models
    assert report.n_topics == 2
    assert report.n_test == pytest.approx(0.2 * (report.n_train + report.n_test), abs=1)
    assert 0.5 < model.accuracy_before.value < report.tfidf.value < 1
    gain = model.accuracy_after.value - model.accuracy_before.value
    assert model.gain.value == pytest.approx(gain)
    assert model.gain.low < gain < model.gain.high
    shown = format_pretraining(report)
    assert f"{model.before.value:.0f} ({model.before.low:.0f} to" in shown
    assert len(model.loss) == len(model.tokens) == 30


def test_frequencies_by_hand(small_folder):
    from skencoder.tokenization import TextTokenizer

    text = "the red fox and the blue fox"
    tokenizer = TextTokenizer.load(small_folder)
    names = tokenizer.token_names()
    ids = tokenizer.read_words([text]).tokens.input_ids.tolist()
    wanted = [names[ids[0]], names[ids[-1]]]
    expected = [
        -np.log((ids.count(id_) + 1) / (len(ids) + tokenizer.vocab_size))
        for id_ in (ids[0], ids[-1])
    ]
    assert guess_by_frequency(small_folder, [text], wanted) == pytest.approx(expected)


def test_what_is_masked_depends_on_the_text_alone(small_folder):
    texts = ["a short one", "and another one that is a little longer than it"]
    both, one = guess(small_folder, texts, "mlm-loss"), guess(small_folder, texts[1:], "mlm-loss")
    of_second = [token for text, token in zip(both.texts, both.tokens, strict=True) if text]
    assert of_second == one.tokens
    # With "pll" every token is guessed.
    assert len(guess(small_folder, texts, "pll").tokens) > len(both.tokens)


def test_perplexity_is_that_of_all_tokens_together():
    found = perplexity(np.log([2.0, 8.0, 4.0]), np.array([0, 0, 1]))
    assert found.value == pytest.approx(4)
    assert found.low == pytest.approx(4)  # both texts have the same mean
    assert found.high == pytest.approx(4)
    constant = Estimate.of_mean(np.ones(5))
    assert (constant.value, constant.low, constant.high) == (1, 1, 1)


def test_answers_are_those_of_vectors_that_tell(docs):
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    telling = rng.normal(size=(60, 4)) + 4 * labels[:, None]
    right = right_answers(telling[:40], labels[:40], telling[40:], labels[40:])
    assert right.mean() == 1
    noise = rng.normal(size=(60, 4))
    assert right_answers(noise[:40], labels[:40], noise[40:], labels[40:]).mean() < 0.9


def test_positions_are_those_asked_for():
    from benchmarks.pretraining_recipe import make_config

    settings = PretrainingSettings(**SMALL)
    rotary = make_config("rotary", settings)
    assert rotary.positions == "none"
    assert isinstance(rotary.attention_positions, Rotary)
    assert make_config("sinusoidal", settings).positions == "sinusoidal"
    with pytest.raises(ParameterError, match="positions: alibi; expected some of sinusoidal"):
        PretrainingSettings(positions=["alibi"])
    with pytest.raises(ParameterError, match="steps=0: expected 1 or more"):
        PretrainingSettings(steps=0)


def test_command(tmp_path, capsys):
    file, picture = tmp_path / "out.json", tmp_path / "out.svg"
    code = main([
        "pretraining", "--positions", "rotary", "--topics", *SMALL["topics"],
        "--hidden-size", "32", "--layers", "1", "--vocab-size", "300", "--max-length", "32",
        "--steps", "3", "--batch-size", "8", "--json", str(file), "--plot", str(picture),
    ])  # fmt: skip
    assert code == 0
    assert "rotary" in capsys.readouterr().out
    assert json.loads(file.read_text())["models"][0]["positions"] == "rotary"
    assert picture.stat().st_size > 1000
    assert main(["pretraining", "--json", str(tmp_path / "missing" / "out.json")]) == 2
