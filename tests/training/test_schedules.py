"""The learning rate's course: hand values, and what holds for every length of run."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from skencoder.errors import ParameterError
from skencoder.training.schedules import DECAYS, warmup_then

RUNS = st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


def course(kind, total_steps, warmup_steps, last=0):
    return [
        warmup_then(kind, step, total_steps=total_steps, warmup_steps=warmup_steps)
        for step in range(total_steps + last)
    ]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("constant", [1 / 3, 2 / 3, 1, 1, 1, 1]),
        ("linear", [1 / 3, 2 / 3, 1, 3 / 4, 2 / 4, 1 / 4]),
        ("cosine", [1 / 3, 2 / 3, 1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2]),
    ],
)
def test_hand_values(kind, expected):
    assert course(kind, 6, 2) == pytest.approx(expected)


def test_without_warmup_the_first_step_has_the_full_rate():
    assert course("linear", 4, 0) == [1, 0.75, 0.5, 0.25]


def test_a_run_of_one_step():
    assert course("cosine", 1, 0) == [1]
    assert course("cosine", 1, 1) == [0.5]


@pytest.mark.parametrize("kind", DECAYS)
@given(run=RUNS)
def test_it_rises_then_falls_within_0_and_1(kind, run):
    factors = course(kind, *run)
    top = min(run[1], run[0] - 1)
    assert all(0 < factor <= 1 for factor in factors)
    assert all(a < b for a, b in pairwise(factors[: top + 1]))
    assert all(a >= b for a, b in pairwise(factors[top:]))


@pytest.mark.parametrize("kind", DECAYS)
@given(run=RUNS)
def test_it_has_no_jump(kind, run):
    total, warmup = run
    # The steepest a line, or a cosine, can be between two of these steps.
    steepest = max(1 / (warmup + 1), math.pi / 2 / max(1, total - warmup))
    factors = course(kind, total, warmup)
    assert all(abs(a - b) <= steepest + 1e-12 for a, b in pairwise(factors))


@pytest.mark.parametrize("kind", ["linear", "cosine"])
@given(run=RUNS)
def test_after_the_last_step_nothing_is_left(kind, run):
    assert course(kind, *run, last=1)[-1] == 0


def test_torch_s_scheduler_follows_it():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: warmup_then("linear", step, total_steps=4, warmup_steps=1)
    )
    rates = []
    for _ in range(4):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates == pytest.approx([0.25, 0.5, 1 / 3, 1 / 6])


@pytest.mark.parametrize(
    ("kind", "steps", "message"),
    [
        ("polynomial", (0, 4, 1), "one of cosine, linear, constant; got 'polynomial'"),
        ("linear", (5, 4, 1), "step must be at most total_steps, 4; got 5"),
        ("linear", (0, 4, 5), "warmup_steps must be at most total_steps, 4; got 5"),
        ("linear", (0, 0, 0), "total_steps must be an integer of at least 1; got 0"),
        ("linear", (-1, 4, 0), "step must be an integer of at least 0; got -1"),
        ("linear", (0, 4, 0.5), "warmup_steps must be an integer of at least 0; got 0.5"),
    ],
)
def test_what_does_not_fit_is_named(kind, steps, message):
    step, total_steps, warmup_steps = steps
    with pytest.raises(ParameterError, match=message):
        warmup_then(kind, step, total_steps=total_steps, warmup_steps=warmup_steps)
