"""Perplexities and their intervals: by hand, and against scipy's bootstrap."""

import math

import numpy as np
import pytest
from scipy.stats import bootstrap

from benchmarks.language_models import TextScore
from benchmarks.perplexity_statistics import choose_measures, find_too_large, measure_texts

SCORES = [TextScore(-6 * math.log(2), 3, 2, 12, 1), TextScore(-2 * math.log(2), 1, 2, 4, 1)]


def test_by_hand():
    """8 bits for 4 tokens, 4 words, 16 bytes and 2 texts."""
    found = measure_texts(SCORES, choose_measures("masked", "pll"))
    assert {name: figure.value for name, figure in found.items()} == pytest.approx(
        {
            "mean_pll_per_text": -4 * math.log(2),
            "pppl_per_token": 4,
            "pppl_per_word": 4,
            "pseudo_bits_per_byte": 0.5,
        }
    )
    # Both texts have 2 bits per token, so a draw of texts changes nothing.
    assert found["pppl_per_token"].low == pytest.approx(4)
    assert found["pppl_per_token"].high == pytest.approx(4)
    low, high = found["pppl_per_word"].low, found["pppl_per_word"].high
    assert (low, high) == pytest.approx((2, 8))
    low, high = found["mean_pll_per_text"].low, found["mean_pll_per_text"].high
    assert (low, high) == pytest.approx((-6 * math.log(2), -2 * math.log(2)))


def test_autoregressive_figures_are_the_harness_s():
    found = measure_texts(SCORES, choose_measures("autoregressive", "left-to-right"))
    assert found["word_perplexity"].value == pytest.approx(math.exp(8 * math.log(2) / 4))
    assert found["byte_perplexity"].value == pytest.approx(math.exp(8 * math.log(2) / 16))
    assert found["bits_per_byte"].value == pytest.approx(8 / 16)


def test_the_loss_has_no_figure_per_word():
    found = measure_texts(SCORES, choose_measures("masked", "mlm-loss"))
    assert found.keys() == {"masked_lm_loss", "masked_lm_perplexity"}
    assert found["masked_lm_loss"].value == pytest.approx(2 * math.log(2))


def test_one_text_has_no_interval():
    figure = measure_texts(SCORES[:1], choose_measures("masked", "pll"))["pppl_per_token"]
    assert (figure.low, figure.high) == (None, None)


def test_intervals_are_scipy_s():
    rng = np.random.default_rng(0)
    tokens = rng.integers(5, 60, 80)
    nats = -rng.gamma(2, 1.5, 80) * tokens
    scores = [
        TextScore(a, int(n), int(n), int(4 * n), 1) for a, n in zip(nats, tokens, strict=True)
    ]
    found = measure_texts(scores, choose_measures("masked", "pll"))["pppl_per_token"]

    def rate(nats, tokens, axis):
        return -nats.sum(axis) / tokens.sum(axis)

    expected = bootstrap(
        (nats, tokens), rate, paired=True, vectorized=True, method="percentile", n_resamples=9999
    ).confidence_interval
    assert math.log(found.low) == pytest.approx(expected.low, rel=0.02)
    assert math.log(found.high) == pytest.approx(expected.high, rel=0.02)
    assert found.low < found.value < found.high


def test_texts_without_tokens_and_numbers_too_large_are_left_out():
    scores = [TextScore(0.0, 0, 0, 0, 0), TextScore(-5000.0, 1, 1, 3, 1)]
    found = measure_texts(scores, choose_measures("masked", "pll"))
    assert found.keys() == {"mean_pll_per_text", "pseudo_bits_per_byte"}
    measures = choose_measures("masked", "pll")
    assert find_too_large(scores, measures) == ("pppl_per_token", "pppl_per_word")
    assert find_too_large(scores[:1], measures) == ()
    assert found["pseudo_bits_per_byte"].value == pytest.approx(5000 / math.log(2) / 3)
