"""Masked copies in batches are worth it: by how much, and that both ways agree."""

import pytest

from benchmarks.errors import VectorsError
from benchmarks.perplexity_speed import format_perplexity_speed, run_perplexity_speed
from skencoder.errors import ParameterError
from skencoder.pseudo_likelihood import PseudoLikelihood
from tests.pseudo_likelihood.models import write_family


def test_a_report(tmp_path):
    write_family("bert", tmp_path)
    report = run_perplexity_speed(str(tmp_path), texts=2, rounds=2)
    assert len(report.ours) == len(report.loop) == 2
    assert report.ratio > 1
    shown = format_perplexity_speed(report)
    assert f"2 texts, {report.tokens} masked copies" in shown
    assert "times as fast (median of rounds)" in shown


def test_numbers_that_differ_are_not_timed(tmp_path, monkeypatch):
    write_family("bert", tmp_path)
    guess = PseudoLikelihood._guess
    monkeypatch.setattr(PseudoLikelihood, "_guess", lambda *args: guess(*args) - 0.1)
    with pytest.raises(VectorsError, match="do not agree"):
        run_perplexity_speed(str(tmp_path), texts=1, rounds=1)


def test_rounds():
    with pytest.raises(ParameterError, match="rounds=0"):
        run_perplexity_speed(rounds=0)


@pytest.mark.minutes
@pytest.mark.parametrize("model", ["minilm", "bert-base"])
def test_three_times_as_fast_as_one_copy_at_a_time(model):
    """On sentences; the machine may be busy, so the best of three counts."""
    ratios = (run_perplexity_speed(model, texts=6, rounds=2).ratio for _ in range(3))
    assert any(ratio >= 3 for ratio in ratios)
