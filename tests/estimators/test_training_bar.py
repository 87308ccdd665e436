"""How far a training has come, shown to whoever asked for it."""

import os
import sys
import time
from contextlib import suppress

import pytest

from skencoder.estimators.training_bar import TrainingBar
from skencoder.objectives import SimCSE, Training
from skencoder.training.history import Record
from tests.estimators.test_fine_tune import TEXTS, make


def record(step, loss, tokens=100, seconds=1.0, validation_loss=None):
    return Record(
        step=step,
        epoch=step / 10,
        loss=loss,
        learning_rate=1e-3,
        gradient_norm=1.0,
        tokens=tokens,
        seconds=seconds,
        validation_loss=validation_loss,
    )


@pytest.mark.parametrize("verbose", [0, 1])
def test_a_fit_shows_a_bar_if_asked(small_folder, capsys, verbose):
    training = Training(epochs=2, max_steps=4, batch_size=4, validation_share=0.25)
    make(small_folder, SimCSE(training=training), verbose=verbose).fit(TEXTS)
    shown = capsys.readouterr()
    assert shown.out == ""
    if not verbose:
        assert shown.err == ""
    else:
        last = shown.err.strip().split("\r")[-1]
        assert "Training: 100%" in last
        assert "4/4" in last
        for part in ("loss ", " tokens/s", "held out "):
            assert part in last


def test_the_loss_is_smoothed_and_the_rate_is_of_this_run(capsys):
    with TrainingBar(1) as bar:
        # The first step after an interruption: 500 seconds were spent before it.
        bar.see(record(501, 2.0, seconds=501.0), 1000)
        bar.see(record(502, 4.0, seconds=502.0), 1000)
    last = capsys.readouterr().err.strip().split("\r")[-1]
    assert "loss 2.100" in last
    assert "502/1000" in last
    rate = float(last.split(", ")[-1].split(" tokens/s")[0].replace(",", ""))
    assert rate > 100  # 200 tokens in far less than a second


def test_nothing_was_begun_so_nothing_is_shown(capsys):
    with TrainingBar(1):
        pass
    assert capsys.readouterr().err == ""


def read_all(terminal):
    """Read what was shown, which comes in pieces, until the other side is closed."""
    shown = b""
    with suppress(OSError):
        while piece := os.read(terminal, 10_000):
            shown += piece
    os.close(terminal)
    return shown.decode()


def test_a_terminal_sees_the_remaining_time(monkeypatch):
    termios = pytest.importorskip("termios")
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with TrainingBar(1) as bar:
            for step in range(1, 4):
                time.sleep(0.15)
                bar.see(record(step, 3.0 / step), 8)
    last = read_all(ours).strip().split("\r")[-1]
    assert "3/8" in last
    # Elapsed and remaining time, as in "00:00<00:01".
    assert "<00:0" in last
    assert "tokens/s" in last
