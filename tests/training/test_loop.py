"""The loop: what is drawn, what is held out, when it stops, and what it leaves behind."""

import math
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from skencoder.encoding_options import EncodingOptions
from skencoder.errors import ParameterError, TrainingError
from skencoder.training.batches import shuffled_batches
from skencoder.training.drawing import Drawing, held_out_rows
from skencoder.training.loop import Training
from skencoder.training.options import AdapterOptions
from skencoder.training.parts import load_parts
from skencoder.training.schedules import warmup_then
from skencoder.training.tasks import EmbeddingTask
from skencoder.training.tuning import Tuning, text_source, tune
from tests.encoder.gpu import on_gpu
from tests.training.corpora import docstrings
from tests.training.small import (
    NO_DROPOUT,
    assert_close,
    assert_equal,
    loop_options,
    make_encoder,
    make_learner,
    pair_task,
    rank,
    weights,
)


def nothing(record, total):
    """Watch and do nothing."""


def train(task=None, seed=0, watch=nothing, model=None, **options):
    learner = make_learner(make_encoder() if model is None else model)
    training = Training(learner, task or pair_task(), loop_options(**options), seed)
    training.run(watch)
    return training


def course(training):
    """The records without what a clock decides."""
    return [
        (r.step, r.epoch, r.loss, r.gradient_norm, r.validation_loss, r.validation_loss_before)
        for r in training.records
    ]


def scripted(losses):
    """A loss of pairs that has given values on the held-out rows, time after time."""
    script = iter(losses)

    def loss(vectors, rows):
        return rank(vectors, rows) if torch.is_grad_enabled() else vectors.sum() * 0 + next(script)

    return loss


def test_a_seed_gives_the_same_weights():
    first, same, other = (
        train(seed=seed, validation_share=0.25, batch_tokens=60, epochs=1) for seed in (3, 3, 4)
    )
    assert course(first) == course(same)
    assert_equal(weights(same.modules), weights(first.modules))
    assert course(first) != course(other)
    found, expected = weights(other.modules), weights(first.modules)
    assert not any(torch.equal(found[name], expected[name]) for name in expected)


def test_no_other_chance_is_touched():
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002 - the one that must not be touched
    expected = torch.rand(3), np.random.random(3)  # noqa: NPY002
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    train(validation_share=0.25)
    assert torch.equal(torch.rand(3), expected[0])
    assert np.random.random(3).tolist() == expected[1].tolist()  # noqa: NPY002


def test_chance_elsewhere_changes_nothing():
    torch.manual_seed(1)
    first = train()
    torch.manual_seed(2)
    torch.rand(7)
    assert course(train()) == course(first)


def test_trainings_in_threads_are_those_alone():
    expected, seen = course(train(batch_tokens=60)), []

    def loss(vectors, rows):
        seen.append(threading.get_ident())
        # Whoever else may go on does so now.
        time.sleep(0.005)
        return rank(vectors, rows)

    # Made here: they are drawn from the generator that all threads share.
    models = [make_encoder() for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        found = [
            threads.submit(train, pair_task(loss=loss), model=model, batch_tokens=60)
            for model in models
        ]
    assert all(course(training.result()) == expected for training in found)
    assert seen == sorted(seen, key=seen.index)


def test_it_learns():
    losses = [record.loss for record in train(pair_task(4), epochs=20).records]
    assert np.mean(losses[-3:]) < 0.5 * np.mean(losses[:3])


def test_every_row_once_an_epoch():
    seen = []
    task = pair_task(13, lambda vectors, rows: seen.append(rows) or rank(vectors, rows))
    training = train(task, epochs=3, batch_size=4)
    assert [len(rows) for rows in seen] == [4, 3, 3, 3] * 3
    epochs = [np.concatenate(seen[start : start + 4]) for start in (0, 4, 8)]
    assert all(sorted(epoch.tolist()) == list(range(13)) for epoch in epochs)
    assert len({tuple(epoch.tolist()) for epoch in epochs}) == 3
    assert [record.epoch for record in training.records[3::4]] == [1, 2, 3]
    lengths = task.texts.lengths
    assert [record.tokens for record in training.records] == [
        lengths[task.members[:, rows]].sum() for rows in seen
    ]


def test_an_epoch_is_drawn_once():
    drawn = []
    task = pair_task(sampler=lambda *given: drawn.append(1) or shuffled_batches(*given))
    train(task, epochs=3, batch_size=2)
    assert len(drawn) == 3


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({"epochs": 2}, 6),
        ({"epochs": 0.5}, 2),
        ({"epochs": 1.5}, 5),
        ({"epochs": 1e-6}, 1),
        ({"epochs": 9, "max_steps": 4}, 4),
        ({"epochs": 1, "max_steps": 40}, 3),
        ({"max_steps": 0}, 0),
    ],
)
def test_how_many_steps(options, steps):
    told = []
    training = train(watch=lambda record, total: told.append((record.step, total)), **options)
    assert told == [(number + 1, steps) for number in range(steps)]
    assert len(training.records) == steps == training.total


def test_no_step_changes_nothing():
    model = make_encoder()
    before = weights({"": model})
    train(model=model, max_steps=0, validation_share=0.25, patience=1)
    assert_equal(weights({"": model}), before)


@pytest.mark.parametrize(
    ("schedule", "warmup", "rising"),
    [("linear", 0.0, 0), ("linear", 1.0, 5), ("cosine", 0.5, 3), ("constant", 0.1, 1)],
)
def test_rates(schedule, warmup, rising):
    training = train(pair_task(3), epochs=6, schedule=schedule, warmup=warmup, learning_rate=3e-3)
    expected = [
        3e-3 * warmup_then(schedule, step, total_steps=6, warmup_steps=rising) for step in range(6)
    ]
    assert [record.learning_rate for record in training.records] == expected
    assert max(expected) == 3e-3


def test_the_first_step_goes_as_far_as_its_rate():
    """AdamW's first step is the rate, whatever the gradient; biases are not decayed."""
    model = make_encoder(**NO_DROPOUT)
    before = weights({"model": model})
    train(
        model=model,
        max_steps=1,
        schedule="constant",
        warmup=0.0,
        learning_rate=1e-3,
        weight_decay=0.5,
    )
    after = weights({"model": model})
    name = "model.layers.0.feed_forward.sublayer.expand."
    moved = (after[name + "bias"] - before[name + "bias"]).abs()
    np.testing.assert_allclose(moved.numpy(), 1e-3, rtol=0.05)
    decayed = before[name + "weight"] * (1 - 1e-3 * 0.5)
    moved = (after[name + "weight"] - decayed).abs()
    np.testing.assert_allclose(moved.numpy(), 1e-3, rtol=0.05)


def test_a_long_gradient_is_shortened():
    """Adam forgives a factor, so the gradients are looked at themselves."""
    for longest in (1e-3, 1e6):
        training = train(max_steps=1, max_grad_norm=longest)
        gradients = [p.grad.norm() for p in training.parameters.values() if p.grad is not None]
        norm = torch.stack(gradients).norm().item()
        assert training.records[0].gradient_norm > 0.1
        assert norm == pytest.approx(min(longest, training.records[0].gradient_norm), rel=1e-4)


@pytest.mark.parametrize("batch_tokens", [1, 60])
def test_passes_change_no_result(batch_tokens):
    expected, found = (
        train(model=make_encoder(**NO_DROPOUT), batch_tokens=tokens, learning_rate=1e-3)
        for tokens in (10_000, batch_tokens)
    )
    np.testing.assert_allclose(
        [record.loss for record in found.records],
        [record.loss for record in expected.records],
        rtol=1e-4,
    )


def test_what_is_learned_beside_the_model():
    head = nn.Linear(32, 2).requires_grad_(True)
    task = pair_task(
        loss=lambda vectors, rows: head(vectors.flatten(0, 1)).logsumexp(1).mean(),
        modules={"head": head},
    )
    before = head.weight.detach().clone()
    training = train(task, max_steps=1)
    assert "head.weight" in training.parameters
    assert not torch.equal(head.weight, before)
    assert not head.training


def test_held_out_rows_are_not_learned_from():
    learned, watched = [], []

    def loss(vectors, rows):
        (learned if torch.is_grad_enabled() else watched).append(rows)
        return rank(vectors, rows)

    training = train(pair_task(20, loss), epochs=3, batch_size=3, validation_share=0.25)
    held, rows = set(training.drawing.held_out), set(training.drawing.rows)
    assert len(held) == 5
    assert held | rows == set(range(20))
    assert set(np.concatenate(learned)) == rows
    # Cut alike each time: what is compared with what is part of the loss.
    assert len(watched) == 8
    assert set(np.concatenate(watched)) == held
    assert [batch.tolist() for batch in watched] == [batch.tolist() for batch in watched[:2]] * 4
    other = train(pair_task(20), seed=1, max_steps=0, validation_share=0.25)
    assert set(other.drawing.held_out) != held


def test_the_task_says_what_is_held_out():
    """Its order is kept: what stands together is compared."""
    asked = []

    def holder(count, rng):
        asked.append((count, rng.integers(100)))
        return np.array([7, 2, 9, 4])

    drawing, again = (
        Drawing(pair_task(20, holder=holder), loop_options(batch_size=2, validation_share=0.2), 5)
        for _ in range(2)
    )
    assert asked == [asked[0]] * 2
    assert asked[0][0] == 4
    assert [step.rows.tolist() for step in drawing.validation()] == [[7, 2], [9, 4]]
    assert [*drawing.rows] == [row for row in range(20) if row not in (7, 2, 9, 4)]
    assert np.array_equal(drawing.rows, again.rows)


def test_whoever_asks_learns_which_rows_are_held_out():
    drawing = Drawing(pair_task(20), loop_options(validation_share=0.25), 5)
    rows, held_out = held_out_rows(20, 0.25, 5)
    assert rows.tolist() == drawing.rows.tolist()
    assert held_out.tolist() == drawing.held_out.tolist()
    assert len(held_out) == 5
    assert held_out_rows(20, 0.0, 5)[0].tolist() == list(range(20))


def test_the_loss_of_held_out_rows():
    """Without dropout, weighted by rows, of the weights after the step."""
    training = train(pair_task(20), epochs=2, batch_size=5, validation_share=0.35)
    found = [record.validation_loss for record in training.records]
    assert [loss is None for loss in found] == [True, True, False] * 2
    training.learner.train(False)
    steps = training.drawing.validation()
    assert [len(step.rows) for step in steps] == [4, 3]
    losses = [training.task.evaluate(training.learner, step) for step in steps]
    assert found[-1] == pytest.approx((4 * losses[0] + 3 * losses[1]) / 7, rel=1e-6)
    assert found[2] != found[-1]


def test_the_last_step_is_watched_too():
    training = train(epochs=1, max_steps=2, batch_size=2, validation_share=0.1)
    assert [record.validation_loss is None for record in training.records] == [True, False]


@pytest.mark.parametrize(
    ("losses", "patience", "epochs", "best"),
    [
        ([9, 5, 3, 4, 4, 1], 2, 4, 2),
        ([9, 5, 3, 4, 2, 3, 3], 2, 6, 4),
        ([9, 5, 4, 3], 1, 3, 3),
        ([9, 5, 5, 5], 1, 2, 1),
        ([9, 1, 2, 3], 9, 3, 1),
        # What only harms is left out.
        ([4, 5, 6, 3], 2, 2, 0),
        ([5, 5, 5], 9, 2, 0),
    ],
)
def test_early_stopping(losses, patience, epochs, best):
    """It stops when the loss has not fallen for so many epochs, with the weights of the lowest."""
    model = make_encoder()
    after = [weights({"model": model})]
    training = train(
        pair_task(loss=scripted(losses)),
        watch=lambda record, total: after.append(weights({"model": model})),
        model=model,
        epochs=len(losses) - 1,
        batch_size=5,
        validation_share=0.2,
        patience=patience,
    )
    assert [r.validation_loss for r in training.records[1::2]] == losses[1 : epochs + 1]
    befores = [r.validation_loss_before for r in training.records]
    assert befores == [losses[0]] + [None] * (2 * epochs - 1)
    assert_equal(weights({"model": model}), after[2 * best])
    assert not torch.equal(
        after[0]["model.embeddings.norm.weight"], after[-1]["model.embeddings.norm.weight"]
    )


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({"epochs": 1}, [*range(2, 21, 2)]),
        ({"epochs": 0.5}, [*range(1, 11)]),
        ({"epochs": 5, "max_steps": 12}, [2, 4, 6, 8, 10, 12]),
        ({"epochs": 5, "max_steps": 3}, [1, 2, 3]),
        ({"epochs": 1.5}, [20, 30]),
        ({"epochs": 2}, [20, 40]),
        ({"epochs": 1, "patience": None}, [20]),
    ],
)
def test_how_often_patience_looks(options, steps):
    """A training of one epoch would be over at the first look."""
    given = {"batch_size": 1, "validation_share": 0.2, "patience": 99, **options}
    records = train(pair_task(25), **given).records
    assert [r.step for r in records if r.validation_loss is not None] == steps


def test_one_epoch_is_stopped_by_patience():
    losses = [5, 4, 3, 3, 3, 3, 3, 3, 3, 3, 3]
    training = train(
        pair_task(25, scripted(losses)),
        epochs=1,
        batch_size=5,
        validation_share=0.2,
        patience=1,
    )
    assert len(training.records) == 3 < training.total


def test_without_patience_the_last_weights_stay():
    after = []
    model = make_encoder()
    train(
        pair_task(loss=scripted([0, 1, 2, 3])),
        watch=lambda record, total: after.append(weights({"model": model})),
        model=model,
        epochs=3,
        batch_size=5,
        validation_share=0.2,
    )
    assert_equal(weights({"model": model}), after[-1])


def test_nothing_left_to_learn_from():
    with pytest.raises(TrainingError, match=r"validation_share=0.5 of 1 rows leaves none"):
        train(pair_task(1), validation_share=0.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"validation_share": 0.6}, "validation_share must be at most 0.5; got 0.6"),
        ({"validation_share": -0.1}, "validation_share"),
        ({"patience": 2}, "patience=2 .* validation_share=0 holds none out"),
        ({"patience": 0, "validation_share": 0.1}, "patience"),
        ({"epochs": 0}, "epochs must be above 0"),
        ({"epochs": math.nan}, "epochs"),
        ({"learning_rate": math.inf}, "learning_rate"),
        ({"max_grad_norm": 0}, "max_grad_norm must be above 0"),
        ({"weight_decay": -1}, "weight_decay must be 0 or more"),
        ({"save_seconds": -1}, "save_seconds must be 0 or more"),
        ({"warmup": 1.5}, "warmup"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_tokens": 0}, "batch_tokens"),
        ({"max_steps": -1}, "max_steps"),
        ({"max_steps": 1.5}, "max_steps"),
        ({"schedule": "steps"}, "schedule must be one of linear, cosine, constant; got 'steps'"),
        ({"precision": "int8"}, "precision must be one of auto, float32, bfloat16; got 'int8'"),
        ({"gradient_checkpointing": "yes"}, "gradient_checkpointing must be True or False; got"),
    ],
)
def test_options_that_cannot_be(changes, message):
    with pytest.raises(ParameterError, match=message):
        loop_options(**changes)


def spoil(vectors, rows, *, row, how):
    """Rank pairs, but not where a row is among them."""
    loss = rank(vectors, rows)
    if row not in rows:
        return loss
    # The root has a gradient without end at 0.
    return loss * math.nan if how == "loss" else loss + (vectors[0, 0, 0] * 0).abs().sqrt()


@pytest.mark.parametrize(
    ("how", "what"), [("loss", "loss is nan"), ("gradient", "gradient has length nan")]
)
def test_what_is_not_finite_changes_nothing(how, what):
    model, after = make_encoder(), []
    rows = Drawing(pair_task(), loop_options(batch_size=3), seed=0).step(2).rows
    training = Training(
        make_learner(model),
        pair_task(loss=partial(spoil, row=rows[1], how=how)),
        loop_options(batch_size=3),
        seed=0,
    )
    with pytest.raises(TrainingError) as error:
        training.run(lambda record, total: after.append(weights({"model": model})))
    assert f"Step 3: the {what}, on rows {', '.join(map(str, rows))}." in str(error.value)
    assert "learning_rate (0.01 now)" in str(error.value)
    assert len(training.records) == len(after) == 2
    assert_equal(weights({"model": model}), after[-1])
    assert not model.training


def test_only_so_many_rows_are_named():
    task = pair_task(30, partial(spoil, row=7, how="loss"))
    with pytest.raises(TrainingError, match=r"on rows (\d+, ){9}\d+ and 20 more\. A lower"):
        train(task, batch_size=30)


def test_rows_are_named_as_the_user_gave_them():
    task = pair_task(loss=partial(spoil, row=3, how="loss"), numbers=100 + 2 * np.arange(12))
    with pytest.raises(TrainingError) as error:
        train(task, batch_size=12)
    named = re.search(r"on rows ([\d, ]+) and 2 more", str(error.value))[1].split(", ")
    assert {*map(int, named)} < {*range(100, 124, 2)}


def test_a_loss_of_held_out_rows_that_is_not_finite():
    for losses, when in (([1, math.nan], "After step 2"), ([math.nan], "Before the first step")):
        with pytest.raises(TrainingError, match=f"{when} the loss on the held-out rows is nan"):
            train(pair_task(loss=scripted(losses)), batch_size=5, validation_share=0.2, patience=1)


def run_tune(folder, n_texts=16, **options):
    parts = load_parts(folder)
    source = text_source(parts, EncodingOptions(overflow="truncate"))
    texts = source.read(docstrings()[:n_texts])
    task = EmbeddingTask(texts, np.arange(n_texts).reshape(2, -1), rank)
    device = torch.device(options.pop("device", "cpu"))
    tuning = Tuning(loop_options(**options), device, seed=0, identity="")
    return tune(parts, source, task, tuning, nothing)


def test_a_tuned_model_is_ready_to_be_used(small_folder, tmp_path):
    state = torch.random.get_rng_state()
    tuned, records = run_tune(small_folder, gradient_checkpointing=True)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert len(records) == 4
    assert not tuned.model.training
    assert not tuned.model.gradient_checkpointing
    assert not any(parameter.requires_grad for parameter in tuned.model.parameters())
    again = load_parts(tuned.save(tmp_path / "tuned"))
    assert_equal(weights({"": again.model}), weights({"": tuned.model}))
    before = weights({"": load_parts(small_folder).model})
    assert not any(
        torch.equal(value, before[name])
        for name, value in weights({"": tuned.model}).items()
        if "token_type" not in name
    )


def test_adapters_alone_are_trained_and_merged(small_folder):
    """Of the maps that have one the weights change, by a matrix of its rank; nothing else does."""
    adapters = AdapterOptions(rank=3, alpha=9.0, targets=("query", "contract"))
    tuned, _ = run_tune(small_folder, adapters=adapters)
    before = weights({"": load_parts(small_folder).model})
    after = weights({"": tuned.model})
    assert after.keys() == before.keys()
    for name, value in after.items():
        if name.endswith(("query.weight", "contract.weight")):
            singular = torch.linalg.svdvals(value - before[name])
            assert singular[2] > 1e-4
            assert singular[3] < 1e-5
        else:
            assert torch.equal(value, before[name]), name


def test_bfloat16_on_a_cpu(small_folder):
    tuned, records = run_tune(small_folder, precision="bfloat16", gradient_checkpointing=True)
    _, expected = run_tune(small_folder, precision="float32")
    assert {p.dtype for p in tuned.model.parameters()} == {torch.float32}
    assert 1e-6 < abs(records[0].loss - expected[0].loss) < 0.1


KINDS = {
    "all": {},
    "adapters": {"adapters": AdapterOptions()},
    "checkpointing": {"gradient_checkpointing": True},
    "watched": {"validation_share": 0.25, "patience": 1},
}


@on_gpu
@pytest.mark.parametrize("kind", KINDS)
def test_on_a_gpu(kind, tmp_path_factory):
    from tests.training.small import write_small

    folder = write_small(tmp_path_factory.mktemp("calm"), **NO_DROPOUT)
    once = {"batch_tokens": 200, "learning_rate": 1e-4, "epochs": 1, **KINDS[kind]}
    expected_parts, expected = run_tune(folder, **once)
    found_parts, found = run_tune(folder, device="cuda", **once)
    for name in ("loss", "gradient_norm", "validation_loss"):
        ours, theirs = ([getattr(r, name) or 0.0 for r in rs] for rs in (found, expected))
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)
    assert_close(weights({"": found_parts.model}), weights({"": expected_parts.model}), 1e-3)
    assert found_parts.model.embeddings.token.weight.device.type == "cpu"


@on_gpu
@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_on_a_gpu(kind, small_folder):
    _, expected = run_tune(small_folder, **KINDS[kind])
    torch.cuda.manual_seed(1)
    state = torch.cuda.get_rng_state()
    _, found = run_tune(small_folder, device="cuda", precision="bfloat16", **KINDS[kind])
    assert torch.equal(torch.cuda.get_rng_state(), state)
    assert found[0].loss == pytest.approx(expected[0].loss, rel=0.3)
    assert all(math.isfinite(record.loss) for record in found)
