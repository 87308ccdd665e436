"""Bars with the remaining time: on a terminal, and nowhere else."""

import io
import re
import sys

import pytest

from benchmarks.choose import run_choose
from benchmarks.choose_settings import ChooseSettings
from benchmarks.perplexity_progress import ScoringBar
from benchmarks.task_progress import task_bar

# A percentage, and a time that is left, as tqdm and the bar of scoring write them.
LEFT = re.compile(r"\d+%.*(<(\d\d:\d\d|\?)|(\d\d:\d\d|\?) left)")


class Terminal(io.StringIO):
    """A stream that says it is a terminal, or that it is not."""

    def __init__(self, is_terminal):
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self):
        return self.is_terminal


def run_tasks(*_):
    with task_bar(3) as advance:
        for _ in range(3):
            advance()


def score_texts(*_):
    with ScoringBar([100, 200]) as bar:
        bar.begin([100])
        bar.advance(1.0)
        bar.begin([200])


def cross_validate(folder, model):
    path = folder / "mine.csv"
    rows = [f"{word} number {row},{word}" for word in ("cat", "dog") for row in range(6)]
    path.write_text("\n".join(["text,y", *rows]))
    few = {"precisions": ["float32"], "folds": 2, "repeats": 1}
    run_choose(ChooseSettings(texts=path, label="y", models=[str(model)], **few))


BARS = {"Tasks": run_tasks, "Scoring 2 texts": score_texts, "Cross-validation": cross_validate}


@pytest.mark.parametrize("name", BARS)
@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_bar_tells_the_time_that_is_left_on_a_terminal_only(
    name, is_terminal, monkeypatch, tmp_path, tiny_bert
):
    stream = Terminal(is_terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    BARS[name](tmp_path, tiny_bert)
    shown = stream.getvalue()
    if is_terminal:
        assert name in shown
        assert LEFT.search(shown)
        assert "100%" in shown
    else:
        # `EncoderVectorizer.precompute` has a bar of its own in any case.
        assert name not in shown


def test_nothing_to_do_shows_no_bar(monkeypatch):
    stream = Terminal(True)
    monkeypatch.setattr(sys, "stderr", stream)
    with task_bar(1), ScoringBar([]):
        pass
    assert not stream.getvalue()
