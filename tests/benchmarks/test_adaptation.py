"""Adapting a masked language model, in small: what is held out, and what is told of it."""

import json

import numpy as np
import pytest

from benchmarks.adaptation import divide, run_adaptation
from benchmarks.adaptation_report import format_adaptation
from benchmarks.adaptation_settings import AdaptationSettings
from benchmarks.cli import main
from benchmarks.errors import MissingDataError
from skencoder.errors import ParameterError

COLOURS = ("red", "blue", "green", "white", "black")


@pytest.fixture(scope="module")
def texts_file(tmp_path_factory):
    """A hundred sentences of one kind."""
    path = tmp_path_factory.mktemp("texts") / "foxes.txt"
    rows = [f"the {COLOURS[row % 5]} fox saw number {row}" for row in range(100)]
    path.write_text("\n".join(rows))
    return path


@pytest.fixture(scope="module")
def report(texts_file, small_folder):
    settings = AdaptationSettings(
        texts_file, model=str(small_folder), adaptation_steps=40, learning_rate=5e-3, judged=10
    )
    return run_adaptation(settings)


def test_held_out_texts_are_guessed_better(report):
    assert report.n_train == 80
    new = report.new
    assert (new.name, new.n_texts) == ("foxes", 10)
    assert new.n_tokens > 10 * 5
    assert new.after.value / new.before.value == pytest.approx(new.ratio.value)
    assert new.ratio.high < 1
    assert new.improved > 0.5
    # The model was trained elsewhere: its own texts are not known.
    assert report.old is None
    assert len(report.loss) == 40


def test_the_table_has_both_perplexities(report):
    shown = format_adaptation(report)
    assert "Adapted on 80 texts of foxes in 40 steps" in shown
    assert f"{report.new.before.value:.1f} (" in shown
    assert f"{report.new.ratio.value:.3f} (" in shown


def test_neighbours_are_on_one_side():
    texts = [f"text {row}" for row in range(95)]
    divided = divide("texts", texts, 0)
    assert sorted(divided.train + divided.test) == sorted(texts)
    held = {int(text.split()[1]) // 10 for text in divided.test}
    assert held.isdisjoint(int(text.split()[1]) // 10 for text in divided.train)
    assert held == set(divided.tens.tolist())
    assert divide("texts", texts, 1).test != divided.test
    with pytest.raises(ParameterError, match="texts has 20 texts; at least 50"):
        divide("texts", texts[:20], 0)


def test_what_cannot_be_used_is_told(texts_file, tmp_path):
    with pytest.raises(ParameterError, match="got both"):
        AdaptationSettings(texts_file, dataset="python-docs")
    with pytest.raises(ParameterError, match="expected one of python-docs"):
        AdaptationSettings(dataset="wikitext")
    with pytest.raises(ParameterError, match="judged=0"):
        AdaptationSettings(judged=0)
    with pytest.raises(MissingDataError, match="wikitext2"):
        run_adaptation(AdaptationSettings(dataset="wikitext-2-paragraphs", data_root=tmp_path))


def test_command(texts_file, small_folder, tmp_path, capsys):
    file = tmp_path / "out.json"
    code = main([
        "adaptation", "--texts", str(texts_file), "--model", str(small_folder),
        "--adaptation-steps", "1", "--judged", "2", "--json", str(file),
    ])  # fmt: skip
    assert code == 0
    assert "foxes" in capsys.readouterr().out
    assert np.isfinite(json.loads(file.read_text())["new"]["ratio"]["value"])


@pytest.mark.minutes
def test_without_a_model_one_is_trained_first(texts_file):
    settings = AdaptationSettings(steps=20, adaptation_steps=20, judged=20)
    report = run_adaptation(settings)
    assert report.old.name == "Python's documentation, 5 topics"
    assert report.new.ratio.value < 1
    assert "trained from nothing" in format_adaptation(report)
