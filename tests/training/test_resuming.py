"""Going on after an interruption: where it came, and however often, the result is the same."""

import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from skencoder.errors import CheckpointError, TrainingError
from skencoder.training.adapters import add_adapters
from skencoder.training.loop import Training
from skencoder.training.options import AdapterOptions
from skencoder.training.resuming import Resuming
from skencoder.training.state_files import STATE_FILE, load_state
from tests.training.small import (
    assert_equal,
    loop_options,
    make_encoder,
    make_learner,
    pair_task,
    rank,
    seeded,
    weights,
)

# Three epochs of two steps, each in several passes, the loss on held-out rows after each epoch.
COURSE = {"epochs": 3, "batch_size": 3, "batch_tokens": 60, "validation_share": 0.25}
COURSE |= {"patience": 3}
N_STEPS = 6
ONE, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2
REPOSITORY = Path(__file__).parents[2]


def make_training(loss=rank, **options):
    learner = make_learner(make_small_encoder())
    return Training(learner, pair_task(8, loss), loop_options(**COURSE | options), seed=2)


def make_small_encoder():
    return make_encoder(hidden_size=16, num_attention_heads=2, intermediate_size=16)


def run(folder, training=None, watch=None, identity=ONE, seconds=0.0):
    """Train with a state in a folder, from where it stands."""
    training = training or make_training()
    told = []
    with Resuming.open(folder, identity, training) as resuming:
        training.run(resuming.watching(watch or (lambda record, n: told.append(record)), seconds))
    return training, told


def state_folder(folder):
    return folder / ONE[:16]


def result(training):
    """All that a training gives, but for what a clock decides."""
    records = [replace(record, seconds=0.0) for record in training.records]
    return records, training.best.loss, training.best.age


def assert_same(found, expected):
    assert result(found) == result(expected)
    assert_equal(weights(found.modules), weights(expected.modules))
    assert_equal(found.best.weights, expected.best.weights)


@pytest.fixture(scope="module")
def uninterrupted():
    training = make_training()
    training.run(lambda record, total: None)
    assert len(training.records) == N_STEPS
    return training


class Countdown:
    """Raises at the n-th call."""

    def __init__(self, calls, error=KeyboardInterrupt):
        self.left, self.error = calls, error

    def __call__(self, *given, **named):
        self.left -= 1
        if not self.left:
            raise self.error


def interrupted_loss(calls, learning):
    """The loss, which is interrupted on rows to learn from, or on those held out."""
    countdown = Countdown(calls)

    def loss(vectors, rows):
        if torch.is_grad_enabled() == learning:
            countdown()
        return rank(vectors, rows)

    return loss


def in_the_loss():
    """Between a step's passes: the fourth step."""
    return make_training(interrupted_loss(4, learning=True)), None, 3


def in_the_validation():
    """After the second epoch; the step before it is kept."""
    return make_training(interrupted_loss(3, learning=False)), None, 4


def in_the_optimizer():
    """Weights changed, nothing written down: that step is as if it had not been."""
    training = make_training()
    training.optimizer.register_step_post_hook(Countdown(5))
    return training, None, 4


def in_the_watching():
    return make_training(), Countdown(5), 5


def by_an_error():
    return make_training(), Countdown(5, OSError("No space left for the user's own log.")), 5


PLACES = [in_the_loss, in_the_validation, in_the_optimizer, in_the_watching, by_an_error]


@pytest.mark.parametrize("place", PLACES)
def test_interrupted(place, uninterrupted, tmp_path):
    training, watch, kept = place()
    with pytest.raises((KeyboardInterrupt, OSError)):
        run(tmp_path, training, watch)
    assert len(load_state(state_folder(tmp_path))[1]["records"]) == kept
    found, told = run(tmp_path)
    assert [record.step for record in told] == list(range(kept + 1, N_STEPS + 1))
    assert_same(found, uninterrupted)


@pytest.mark.parametrize("place", PLACES)
def test_interrupted_where_nothing_was_saved_before(place, uninterrupted, tmp_path):
    """What is whole is saved on the way out; from what is not, nothing is, and all begins anew."""
    training, watch, kept = place()
    with pytest.raises((KeyboardInterrupt, OSError)):
        run(tmp_path, training, watch, seconds=1e9)
    state = load_state(state_folder(tmp_path))
    assert (state is None) == (place is in_the_optimizer)
    assert state is None or len(state[1]["records"]) == kept
    assert_same(run(tmp_path)[0], uninterrupted)


def test_interrupted_before_the_first_step(uninterrupted, tmp_path):
    """Nothing was learned, so nothing is kept."""
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, make_training(interrupted_loss(1, learning=False)))
    assert load_state(state_folder(tmp_path)) is None
    assert_same(run(tmp_path)[0], uninterrupted)


def test_interrupted_at_every_step(uninterrupted, tmp_path):
    for _ in range(N_STEPS - 1):
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, watch=Countdown(1))
    assert_same(run(tmp_path)[0], uninterrupted)


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.training.test_resuming import make_training, rank, run

calls = 0

def loss(vectors, rows):
    global calls
    calls += vectors.requires_grad
    if calls == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return rank(vectors, rows)

run(Path(sys.argv[1]), make_training(loss))
"""


def test_killed_in_the_middle_of_a_step(uninterrupted, tmp_path):
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], cwd=REPOSITORY, check=False
    )
    assert killed.returncode == -9
    assert len(load_state(state_folder(tmp_path))[1]["records"]) == 3
    assert_same(run(tmp_path)[0], uninterrupted)


def test_finished(uninterrupted, tmp_path):
    """The state of a finished training gives its result at once: the best weights."""
    run(tmp_path)
    before = (state_folder(tmp_path) / STATE_FILE).read_bytes()
    found, told = run(tmp_path)
    assert not told
    assert_same(found, uninterrupted)
    assert (state_folder(tmp_path) / STATE_FILE).read_bytes() == before


def test_stopped_early(tmp_path):
    """Patience that ran out before an interruption has run out after it."""
    script = iter([9.0, 1.0, 2.0, 3.0])

    def loss(vectors, rows):
        return rank(vectors, rows) if torch.is_grad_enabled() else vectors.sum() * 0 + next(script)

    training = make_training(loss, patience=2)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, training, Countdown(6))
    assert training.is_done
    again = make_training(patience=2)
    found, told = run(tmp_path, again)
    assert not told
    assert (found.best.loss, found.best.age) == (1.0, 2)
    assert_equal(found.best.weights, {k: p.detach() for k, p in found.parameters.items()})
    assert_equal(found.best.weights, training.best.weights)


def test_another_training_has_a_folder_of_its_own(uninterrupted, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, watch=Countdown(3))
    before = (state_folder(tmp_path) / STATE_FILE).read_bytes()
    with Resuming.open(tmp_path, ONE, make_training()):
        found, told = run(tmp_path, identity=OTHER)
    assert len(told) == N_STEPS
    assert_same(found, uninterrupted)
    assert (state_folder(tmp_path) / STATE_FILE).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [ONE[:16], OTHER[:16]]
    assert len(run(tmp_path)[1]) == N_STEPS - 3


def test_a_damaged_state_is_told(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, watch=Countdown(3))
    file = state_folder(tmp_path) / STATE_FILE
    file.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(CheckpointError, match="cannot be read as a training state") as error:
        run(tmp_path)
    assert str(file) in str(error.value)
    # Others are not held up by it.
    assert len(run(tmp_path, identity=OTHER)[1]) == N_STEPS


def test_numbers_as_a_search_draws_them(tmp_path):
    """They go into the state, which is JSON."""
    drawn = {"learning_rate": np.float32(1e-3), "weight_decay": np.float32(0.1)}
    drawn |= {"epochs": np.int64(1), "batch_size": np.int64(3)}
    training, _ = run(tmp_path, make_training(**drawn))
    records = load_state(state_folder(tmp_path))[1]["records"]
    assert len(records) == len(training.records) == 2


def test_what_is_not_finite_keeps_the_step_before(tmp_path):
    """The error comes again, at the same step; with the loss mended it goes on."""
    calls = []

    def loss(vectors, rows):
        calls.append(1)
        return rank(vectors, rows) * (torch.nan if len(calls) == 3 else 1)

    options = {"validation_share": 0.0, "patience": None}
    with pytest.raises(TrainingError, match="Step 3"):
        run(tmp_path, make_training(loss, **options), seconds=1e9)
    assert len(load_state(state_folder(tmp_path))[1]["records"]) == 2
    expected = make_training(**options)
    expected.run(lambda record, total: None)
    assert_same(run(tmp_path, make_training(**options))[0], expected)


def test_no_room_for_the_next_state(tmp_path):
    """The error names the folder, and the state before goes on."""
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, watch=Countdown(2))
    before = (state_folder(tmp_path) / STATE_FILE).read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, limits[1]))
        with pytest.raises(OSError, match="could not be written to .*the one before it is intact"):
            run(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (state_folder(tmp_path) / STATE_FILE).read_bytes() == before
    assert len(load_state(state_folder(tmp_path))[1]["records"]) == 2


def test_how_often_it_is_saved(tmp_path):
    training = make_training(max_steps=3)
    seen = []
    with Resuming.open(tmp_path, ONE, training) as resuming:
        watch = resuming.watching(
            lambda record, n: seen.append(load_state(state_folder(tmp_path))), 1e9
        )
        training.run(watch)
    assert seen == [None] * 3
    assert len(load_state(state_folder(tmp_path))[1]["records"]) == 3


def test_time_goes_on(tmp_path):
    """Pauses are not counted, and what came before them is."""
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, watch=Countdown(3))
    before = load_state(state_folder(tmp_path))[1]["records"]
    found, _ = run(tmp_path)
    seconds = [record.seconds for record in found.records]
    assert seconds == sorted(seconds)
    assert seconds[:3] == [record["seconds"] for record in before]


def test_adapters_keep_a_small_state(tmp_path):
    """Only what is trained is written."""

    def make():
        model = make_small_encoder()
        add_adapters(model, rank=2, generator=seeded(0))
        options = loop_options(**COURSE, adapters=AdapterOptions(rank=2))
        return Training(make_learner(model), pair_task(8), options, seed=2)

    expected = make()
    expected.run(lambda record, total: None)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, make(), Countdown(5))
    tensors, _ = load_state(state_folder(tmp_path))
    trained = [name for name in tensors if name.startswith("weights/")]
    assert len(trained) == 8
    assert all(name.endswith((".up", ".down")) for name in trained)
    assert_same(run(tmp_path, make())[0], expected)
