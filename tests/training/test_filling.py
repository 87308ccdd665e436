"""Passes filled up to few sizes: the gradient of what was asked for, few shapes to multiply."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from skencoder.encoder import (
    Boundaries,
    Projection,
    Readout,
    Scope,
    SelfAttention,
    run_attention,
)
from skencoder.encoder.buckets import round_up
from skencoder.training.attention import attend_for_training, single_attention
from skencoder.training.batches import pack_texts
from skencoder.training.filling import STEPS, fill_places, fill_texts
from skencoder.training.learner import Learner
from skencoder.training.losses import masked_token_loss
from tests.training.small import (
    NO_DROPOUT,
    assert_close,
    draw_texts,
    gradients,
    make_encoder,
    make_learner,
    make_masked_lm,
    seeded,
)

LENGTHS = [7, 19, 5, 11, 11, 3, 32, 4, 11, 14, 6, 24]
TEXTS = draw_texts(LENGTHS)
PLACES = torch.tensor([1, 4, 30, *range(60, 80)])
DIRECTIONS = torch.randn(len(TEXTS), 64, generator=seeded(6))
READOUTS = {
    "mean": {},
    "first": {"readout": Readout(1, ("cls",), 0)},
    "both": {"readout": Readout(2, ("mean", "max"), 0)},
    "embeddings": {"readout": Readout(0, ("mean",), 0)},
    "prompt": {"readout": Readout(2, ("mean",), 2)},
    "projected": {"projection": nn.Sequential(Projection(32, 16))},
}


def of_vectors(learner):
    vectors = learner.embed(pack_texts(TEXTS, "cpu"))
    assert len(vectors) == len(TEXTS)
    return vectors, (vectors * DIRECTIONS[:, : vectors.shape[1]]).sum()


def of_guesses(learner):
    logits = learner.guess(pack_texts(TEXTS, "cpu"), PLACES)
    assert len(logits) == len(PLACES)
    return logits, masked_token_loss(logits, PLACES)


def outputs_and_gradients(learner, compute):
    for module in learner.modules.values():
        module.zero_grad(set_to_none=True)
    output, loss = compute(learner)
    loss.backward()
    return {"output": output.detach(), **gradients(learner)}


def rows_seen(learner):
    """Collect the numbers of rows that the linear maps are given."""
    seen = set()
    for module in learner.model.modules():
        if isinstance(module, nn.Linear):
            module.register_forward_pre_hook(lambda _, given: seen.add(len(given[0])))
    return seen


@pytest.mark.parametrize("name", READOUTS)
def test_gradients_of_vectors(name, monkeypatch):
    """In float32, where no rounding hides a difference."""
    learner = make_learner(make_encoder(**NO_DROPOUT), **READOUTS[name])
    expected = outputs_and_gradients(learner, of_vectors)
    monkeypatch.setattr(Learner, "_fills", True)
    assert_close(outputs_and_gradients(learner, of_vectors), expected, 1e-6)


@pytest.mark.parametrize("saves", [False, True])
def test_gradients_of_guesses(saves, monkeypatch):
    model = make_masked_lm(**NO_DROPOUT)
    model.encoder.gradient_checkpointing = saves
    learner = make_learner(model)
    learner.train()
    expected = outputs_and_gradients(learner, of_guesses)
    assert max(value.abs().max() for value in expected.values()) > 1
    monkeypatch.setattr(Learner, "_fills", True)
    assert_close(outputs_and_gradients(learner, of_guesses), expected, 1e-6)


@pytest.mark.parametrize("compute", [of_vectors, of_guesses])
def test_maps_see_filled_sizes_only(compute):
    sizes = {round_up(len(TEXTS.input_ids), STEPS), round_up(len(PLACES), STEPS)}
    own = {len(TEXTS.input_ids), len(PLACES)}
    assert not sizes & own
    for autocast, expected in ((True, sizes), (False, own)):
        learner = make_learner(make_masked_lm(), autocast=autocast)
        seen = rows_seen(learner)
        compute(learner)
        assert seen
        assert seen <= expected


def test_batches_of_every_size_make_few_sizes():
    learner = make_learner(autocast=True)
    seen = rows_seen(learner)
    with torch.no_grad():
        for tokens in range(64, 257, 7):
            learner.embed(pack_texts(draw_texts([*[16] * (tokens // 16), tokens % 16 + 1]), "cpu"))
    assert len(seen) <= 2 * STEPS + 1


@given(st.lists(st.integers(1, 90), min_size=1, max_size=60))
def test_what_a_pass_is_filled_with(lengths):
    packed = pack_texts(draw_texts(lengths), "cpu")
    filled = fill_texts(packed)
    tokens = sum(lengths)
    assert filled.input_ids[:tokens].tolist() == packed.input_ids.tolist()
    found = filled.boundaries.lengths.tolist()
    assert found[: len(lengths)] == lengths
    assert set(found[len(lengths) :]) <= {1}
    assert sum(found) == len(filled.input_ids) <= tokens * (1 + 1 / STEPS)


@given(st.integers(1, 10_000))
def test_places_are_filled_with_the_first(n_places):
    places = torch.arange(n_places)
    filled = fill_places(places)
    assert torch.equal(filled[:n_places], places)
    assert not filled[n_places:].any()
    assert len(filled) == round_up(n_places, STEPS) <= n_places * (1 + 1 / STEPS)


def test_few_sizes():
    for low in 2 ** np.arange(4, 14):
        sizes = {round_up(int(size), STEPS) for size in range(low + 1, 2 * low + 1)}
        assert len(sizes) == STEPS
        assert max(sizes) == 2 * low


def attended(attention, dtype):
    """Context and the gradients of query, key and value, all in float64."""
    scope = Scope(Boundaries.from_lengths(LENGTHS))
    torch.manual_seed(3)
    parts = torch.randn(3, sum(LENGTHS), 4, 8).bfloat16().to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype != torch.float64):
        context = attention(*parts, scope)
    assert context.dtype == dtype
    directions = torch.linspace(-1, 1, 8, dtype=dtype).expand_as(context)
    (gradient,) = torch.autograd.grad(context, parts, directions)
    return {"context": context.detach().double(), "gradient": gradient.double()}


def test_attention_in_single_precision():
    """Only rounding its results to bfloat16 is left, of 2 ** -9."""
    expected = attended(run_attention, torch.float64)
    assert_close(attended(single_attention, torch.bfloat16), expected, 2**-8)
    assert_close(attended(single_attention, torch.float32), expected, 1e-6)


def test_attention_while_a_cpu_multiplies_in_bfloat16():
    model = make_encoder()
    attentions = [module for module in model.modules() if isinstance(module, SelfAttention)]
    with attend_for_training(model, autocast=True):
        assert {module.attention for module in attentions} == {single_attention}
    assert {module.attention for module in attentions} == {run_attention}
