"""Guessing masked tokens: one loss however it is divided, masks of the seed alone."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from skencoder.encoding_options import EncodingOptions
from skencoder.errors import TrainingError
from skencoder.training.drawing import Drawing
from skencoder.training.loop import Training
from skencoder.training.masked_rows import read_masked_rows
from skencoder.training.masked_task import MaskedTask
from skencoder.training.parts import load_parts
from skencoder.training.tasks import Step
from skencoder.training.tuning import text_source
from tests.encoder.gpu import on_gpu
from tests.training.corpora import docstrings
from tests.training.small import (
    NO_DROPOUT,
    assert_close,
    assert_equal,
    cloned,
    gradients,
    loop_options,
    make_learner,
    make_masked_lm,
    weights,
)

ROWS = np.arange(12)


@pytest.fixture(scope="module")
def task(small_folder):
    tokenizer = text_source(load_parts(small_folder), EncodingOptions()).tokenizer
    rows = read_masked_rows(docstrings()[10:30], tokenizer, 40)
    mask_id = tokenizer.token_id("[MASK]")
    return MaskedTask(rows, mask_id, np.arange(5, 200), probability=0.15, whole_word=False)


def take(task, learner, batch_tokens=10_000, seed=3, rows=ROWS):
    learner.train()
    learner.model.zero_grad(set_to_none=True)
    loss = task.accumulate(learner, Step(rows, seed, batch_tokens))
    return loss, gradients(learner)


@pytest.mark.parametrize("whole_word", [False, True])
@pytest.mark.parametrize("batch_tokens", [1, 90])
def test_many_passes_equal_one(task, whole_word, batch_tokens):
    """Places count alike, whatever pass they fall into; a pass may have none."""
    task = replace(task, whole_word=whole_word)
    learner = make_learner(make_masked_lm(**NO_DROPOUT))
    once, expected = take(task, learner)
    loss, found = take(task, learner, batch_tokens)
    assert loss == pytest.approx(once, rel=1e-6)
    assert max(gradient.abs().max() for gradient in expected.values()) > 0.05
    assert_close(found, expected, 1e-6)


def test_nats_per_masked_token(task):
    """A model that knows nothing needs the logarithm of the vocabulary's size for each."""
    learner = make_learner(make_masked_lm())
    with torch.no_grad():
        learner.model.head.decoder.weight.zero_()
        learner.model.head.decoder.bias.zero_()
    for batch_tokens in (40, 10_000):
        loss, _ = take(task, learner, batch_tokens)
        assert loss == pytest.approx(math.log(200), rel=1e-6)
        assert task.evaluate(learner, Step(ROWS, 1, batch_tokens)) == pytest.approx(loss, rel=1e-6)


def test_watching_masks_as_learning_does(task):
    """With one seed; another one masks others. There is neither dropout nor a trace."""
    learner = make_learner(make_masked_lm(**NO_DROPOUT))
    loss, _ = take(task, learner)
    learner.model.zero_grad(set_to_none=True)
    learner.train(False)
    state = torch.random.get_rng_state()
    watched = [task.evaluate(learner, Step(ROWS, seed, 90)) for seed in (3, 3, 4)]
    assert watched[0] == watched[1] == pytest.approx(loss, rel=1e-6)
    assert abs(watched[2] - loss) > 1e-3
    assert not gradients(learner)
    assert torch.equal(torch.random.get_rng_state(), state)
    dropping = make_learner(cloned(learner.model))
    for module in dropping.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    dropping.train(False)
    assert task.evaluate(dropping, Step(ROWS, 3, 90)) == watched[0]
    assert abs(take(task, dropping)[0] - loss) > 1e-3


def seen_ids(task, seeds):
    """What the model reads at one step after the other, in the order of the windows."""
    learner = make_learner(make_masked_lm())
    read = []
    learner.model.encoder.embeddings.register_forward_pre_hook(
        lambda module, given: read.append(given[0].numpy().copy())
    )
    rows = np.argsort(-task.rows.texts.lengths, kind="stable")
    for seed in seeds:
        take(task, learner, seed=seed, rows=rows)
    return task.rows.take_rows(rows), read


def test_masks_are_drawn_anew(task):
    chosen, read = seen_ids(task, range(6))
    changed = np.array([ids != chosen.texts.input_ids for ids in read])
    assert not changed[:, ~chosen.maskable].any()
    # 15 % are drawn; of these 80 % are masked, 10 % exchanged and 10 % left as they are.
    assert changed[:, chosen.maskable].mean() == pytest.approx(0.15 * 0.9, abs=0.02)
    masked = np.array([ids == task.mask_id for ids in read])
    assert masked.sum() / changed.sum() == pytest.approx(8 / 9, abs=0.04)
    assert len({tuple(np.flatnonzero(row)) for row in changed}) == 6


def test_whole_words_are_masked_together(task):
    """Of a word of which one piece was changed, nearly all were."""
    shares = []
    for whole_word in (False, True):
        chosen, read = seen_ids(replace(task, whole_word=whole_word), range(4))
        own, words = chosen.maskable, chosen.words[chosen.maskable]
        number, sizes = np.unique(words, return_inverse=True, return_counts=True)[1:]
        for ids in read:
            changed = np.bincount(number, ids[own] != chosen.texts.input_ids[own])
            some = (changed > 0) & (sizes > 2)
            shares.append((whole_word, (changed[some] / sizes[some]).mean()))
    assert all(share > 0.8 if whole else share < 0.6 for whole, share in shares)


def test_its_rows(task):
    assert task.n_rows == len(task.rows.texts) > 20
    assert task.tokens(ROWS) == task.rows.texts.lengths[:12].sum()
    batches = task.batches(np.arange(task.n_rows), 7, np.random.default_rng(0))
    assert sorted(np.concatenate(batches).tolist()) == list(range(task.n_rows))


def test_whole_texts_are_held_out(task):
    drawing = Drawing(task, loop_options(validation_share=0.3), 0)
    held_out, learned = ({*task.origins(rows)} for rows in (drawing.held_out, drawing.rows))
    assert len(held_out) > 1
    assert not held_out & learned
    assert len(held_out | learned) == len({*task.rows.origins})


def test_what_is_not_finite_is_a_text(task):
    """Windows are cut here; a user knows texts."""
    model = make_masked_lm()
    with torch.no_grad():
        model.head.decoder.bias.fill_(math.nan)
    training = Training(make_learner(model), task, loop_options(batch_size=task.n_rows), 0)
    with pytest.raises(TrainingError, match=r"the loss is nan, on rows (\d+, ){9}\d+") as error:
        training.run(lambda record, total: None)
    named = re.search(r"rows ([\d, ]+)", str(error.value))[1].rstrip(", ").split(", ")
    assert len({*named}) == 10
    assert max(map(int, named)) < 20 < task.n_rows
    assert " and 10 more. A lower" in str(error.value)


def train(task, seed=0, **options):
    learner = make_learner(make_masked_lm())
    options = {"batch_size": 12, "validation_share": 0.2, "batch_tokens": 300, **options}
    training = Training(learner, task, loop_options(**options), seed)
    training.run(lambda record, total: None)
    return training


def test_held_out_masks_stay(task):
    """Where nothing is learned, the loss on held-out rows is the same each time."""
    training = train(task, epochs=2, learning_rate=1e-30)
    watched = [r.validation_loss for r in training.records if r.validation_loss is not None]
    assert len(watched) == 2
    assert len(set(watched)) == 1
    assert len({record.loss for record in training.records}) == len(training.records)


def test_a_seed_gives_the_same_weights(task):
    first, same, other = (train(task, seed, epochs=1) for seed in (0, 0, 1))
    assert_equal(weights(same.modules), weights(first.modules))
    assert [r.loss for r in other.records] != [r.loss for r in first.records]


def test_it_learns(task):
    training = train(task, epochs=4, learning_rate=1e-2)
    watched = [r.validation_loss for r in training.records if r.validation_loss is not None]
    assert watched[-1] < watched[0] - 0.3


def test_the_head_is_trained_and_stays_tied(task):
    model = make_masked_lm()
    training = Training(make_learner(model), task, loop_options(max_steps=1), 0)
    assert model.head.decoder.weight is model.encoder.embeddings.token.weight
    named = [name for name in training.parameters if name.endswith("token.weight")]
    assert named == ["model.encoder.embeddings.token.weight"]
    assert "model.head.decoder.weight" not in training.parameters
    before = weights(training.modules)
    training.run(lambda record, total: None)
    assert model.head.decoder.weight is model.encoder.embeddings.token.weight
    after = weights(training.modules)
    for name in ("model.head.transform.weight", "model.head.decoder.bias"):
        assert not torch.equal(after[name], before[name])


@on_gpu
@pytest.mark.parametrize("batch_tokens", [90, 10_000])
def test_on_a_gpu(task, batch_tokens):
    model = make_masked_lm(**NO_DROPOUT)
    expected_loss, expected = take(task, make_learner(cloned(model)), batch_tokens)
    loss, found = take(task, make_learner(model.cuda()), batch_tokens)
    assert loss == pytest.approx(expected_loss, rel=1e-3)
    assert_close(found, expected, 1e-3)
    half, _ = take(task, make_learner(model, autocast=True), batch_tokens)
    assert half == pytest.approx(expected_loss, rel=0.05)
