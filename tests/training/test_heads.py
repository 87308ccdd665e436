"""Heads and their losses: by hand, against finite differences, against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from skencoder.errors import TrainingError
from skencoder.training.heads import STRENGTH, Exercise, Head, fit_head
from skencoder.training.losses.outputs import (
    huber_loss,
    sigmoid_loss,
    softmax_loss,
    squared_loss,
)

WEIGHTS = torch.tensor([1.0, 0.5, 2.0, 3.0])
CODES = torch.tensor([0, 2, 1, 2])
LABELS = torch.tensor([[1.0, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 0]])
AMOUNTS = torch.tensor([[0.5, -1.0, 3.0], [0, 0, 0], [1, -4, 0.2], [2, 2, 2]])
EACH = torch.stack([WEIGHTS, WEIGHTS / 2, WEIGHTS * 3], dim=1)
LOSSES = {
    "softmax": (softmax_loss, CODES, WEIGHTS),
    "softmax, smooth": (lambda *a: softmax_loss(*a, label_smoothing=0.2), CODES, WEIGHTS),
    "sigmoid": (sigmoid_loss, LABELS, EACH),
    "sigmoid, smooth": (lambda *a: sigmoid_loss(*a, label_smoothing=0.2), LABELS, EACH),
    "squared": (squared_loss, AMOUNTS, WEIGHTS),
    "huber": (huber_loss, AMOUNTS, WEIGHTS),
}
every_loss = pytest.mark.parametrize(("loss", "targets", "weights"), LOSSES.values(), ids=LOSSES)


def draw(rows=4, width=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, width, generator=generator, dtype=torch.float64)


@every_loss
def test_gradients_agree_with_finite_differences(loss, targets, weights):
    outputs = draw().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, targets, weights.double()), (outputs,))


@every_loss
def test_a_loss_is_the_mean_of_its_rows(loss, targets, weights):
    outputs = draw()
    rows = [loss(outputs[[i]], targets[[i]], weights[[i]]) for i in range(len(outputs))]
    torch.testing.assert_close(loss(outputs, targets, weights), torch.stack(rows).mean())
    doubled = loss(outputs, targets, 2 * weights)
    torch.testing.assert_close(doubled, 2 * loss(outputs, targets, weights))


@every_loss
def test_half_precision_is_computed_in_float32(loss, targets, weights):
    outputs = draw().bfloat16()
    assert loss(outputs, targets, weights).dtype == torch.float32
    torch.testing.assert_close(
        loss(outputs, targets, weights), loss(outputs.float(), targets, weights)
    )


@every_loss
def test_shapes_that_do_not_belong_together_are_refused(loss, targets, weights):
    for wrong in [
        (draw(rows=3), targets, weights),
        (draw()[0], targets, weights),
        (draw(), targets, weights[:3]),
    ]:
        with pytest.raises(TrainingError, match="must have the shape"):
            loss(*wrong)


def test_losses_worked_by_hand():
    even, one = torch.zeros(1, 2), torch.ones(1)
    # Two classes that are equally likely: ln 2, whatever is spread.
    assert softmax_loss(even, torch.tensor([1]), one).item() == pytest.approx(np.log(2))
    assert sigmoid_loss(even, torch.tensor([[1.0, 0.0]]), torch.ones(1, 2)).item() == (
        pytest.approx(2 * np.log(2))
    )
    amounts = torch.tensor([[3.0, -0.5]])
    assert squared_loss(even, amounts, one).item() == pytest.approx((9 + 0.25) / 2)
    # Beyond 1 an error counts less 1/2: 3 - 1/2.
    assert huber_loss(even, amounts, one).item() == pytest.approx(2.5 + 0.125)


def test_softmax_loss_is_scikit_learn_s():
    outputs = draw()
    found = softmax_loss(outputs, CODES, WEIGHTS).item() * 4 / WEIGHTS.sum().item()
    assert found == pytest.approx(log_loss(CODES, outputs.softmax(1), sample_weight=WEIGHTS))


def make_exercise(targets, weights, width, n_outputs, dropout=0.5):
    head = Head(np.zeros((n_outputs, width)), np.zeros(n_outputs), dropout=dropout)
    return Exercise(head, targets, weights)


@pytest.fixture
def vectors():
    drawn = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def test_a_fitted_head_is_the_best_there_is(vectors):
    rng = np.random.default_rng(1)
    codes = (vectors[:, :3] + 0.2 * rng.normal(size=(60, 3))).argmax(axis=1)
    weights = rng.uniform(0.5, 2, 60).astype(np.float32)
    exercise = make_exercise(codes, weights, 8, 3)
    fit_head(exercise, vectors, softmax_loss)
    regression = LogisticRegression(C=STRENGTH, tol=1e-10, max_iter=1000)
    regression.fit(vectors, codes, weights)
    coef, intercept = exercise.head.to_arrays()
    np.testing.assert_allclose(coef, regression.coef_, atol=2e-2)
    shift = intercept.mean() - regression.intercept_.mean()
    np.testing.assert_allclose(intercept - shift, regression.intercept_, atol=2e-2)


def test_a_fitted_head_of_huber_s_loss_ignores_what_is_far_off(vectors):
    amounts = vectors[:, :1] * 3
    amounts[::10] += 30
    errors = {}
    for loss in (huber_loss, squared_loss):
        exercise = make_exercise(amounts, np.ones(60, np.float32), 8, 1)
        fit_head(exercise, vectors, loss)
        error = exercise.head(torch.from_numpy(vectors)).detach().numpy() - amounts
        errors[loss] = np.median(np.abs(error[np.arange(60) % 10 > 0]))
    assert errors[huber_loss] < errors[squared_loss] / 5


def test_dropout_is_for_training_alone(vectors):
    exercise = make_exercise(np.zeros(60, np.int64), np.ones(60, np.float32), 8, 2)
    with torch.no_grad():
        exercise.head.weight.fill_(1.0)
    inputs = torch.from_numpy(vectors)
    calm = exercise.head.eval()(inputs)
    torch.testing.assert_close(calm, inputs.sum(1, keepdim=True).expand(-1, 2))
    assert (exercise.head.train()(inputs) != calm).any()


def test_an_exercise_is_known_by_its_rows():
    weights = np.ones((2, 2), np.float32)
    exercise = make_exercise(np.array([[1.0, 0.0], [0.0, 1.0]]), weights, 3, 2)
    assert list(exercise) == [(1.0, 0.0, 1.0, 1.0), (0.0, 1.0, 1.0, 1.0)]
