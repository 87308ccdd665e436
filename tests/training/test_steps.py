"""One gradient in many passes: the same as in one, and every text in exactly one of them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from skencoder.encoder import Projection, Readout
from skencoder.training.batches import (
    cut_by_tokens,
    cut_rows,
    pack_texts,
    roomy_size,
    shuffled_batches,
)
from skencoder.training.losses import (
    angle_loss,
    cosent_loss,
    ranking_loss,
    similarity_matrix_loss,
    supervised_contrastive_loss,
    vector_loss,
)
from skencoder.training.steps import accumulate_embedding_loss, embedding_loss
from tests.encoder.gpu import on_gpu
from tests.training.small import (
    LENGTHS,
    NO_DROPOUT,
    assert_close,
    cloned,
    draw_texts,
    embed,
    gradients,
    make_encoder,
    make_learner,
    seeded,
)

TEXTS = draw_texts()
HALF = len(TEXTS) // 2
SCORES = torch.linspace(-1, 1, HALF)
LABELS = torch.arange(len(TEXTS)) % 3
TEACHER = torch.randn(len(TEXTS), 32, generator=seeded(5))


def directed(vectors):
    """A loss in which each text has a part of its own."""
    numbers = torch.randn(vectors.shape, generator=seeded(6))
    return (vectors * numbers.to(vectors)).mean()


LOSSES = {
    "directed": directed,
    "ranking": lambda v: ranking_loss(v[:HALF], v[HALF:], symmetric=True),
    "contrastive": lambda v: supervised_contrastive_loss(v, LABELS.to(v.device)),
    # Their cosines are multiplied by 20; gradients of about 1 show 1e-6.
    "cosent": lambda v: cosent_loss(v[:HALF], v[HALF:], SCORES.to(v)) / 20,
    "angle": lambda v: angle_loss(v[:HALF], v[HALF:], SCORES.to(v)) / 20,
    "vectors": lambda v: vector_loss(v, TEACHER.to(v)),
    "similarities": lambda v: similarity_matrix_loss(v, TEACHER.to(v)),
}
MODELS = {
    "mean": {},
    "first": {"readout": Readout(1, ("cls",), 0)},
    "both": {"readout": Readout(2, ("mean", "max"), 0)},
    "cut": {"truncate_dim": 8},
    "projected": {"projection": nn.Sequential(Projection(32, 16))},
}


def take(learner, loss, batch_tokens, seed=7, texts=TEXTS):
    learner.train()
    for module in learner.modules.values():
        module.zero_grad(set_to_none=True)
    value = accumulate_embedding_loss(learner, texts, loss, batch_tokens=batch_tokens, seed=seed)
    return value, gradients(learner)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("batch_tokens", [1, 20, 60])
def test_many_passes_equal_one(name, batch_tokens):
    learner = make_learner(make_encoder(**NO_DROPOUT))
    once, expected = take(learner, LOSSES[name], 10_000)
    assert max(gradient.abs().max() for gradient in expected.values()) > 0.02
    value, found = take(learner, LOSSES[name], batch_tokens)
    assert value == pytest.approx(once, rel=1e-6, abs=1e-6)
    assert_close(found, expected, 1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_many_passes_of_every_readout(model):
    learner = make_learner(make_encoder(**NO_DROPOUT), **MODELS[model])
    _, expected = take(learner, directed, 10_000)
    _, found = take(learner, directed, 20)
    assert len(found) == len(expected) > 10
    assert_close(found, expected, 2e-6)


def test_a_prompt_that_is_not_pooled():
    texts = draw_texts([length + 3 for length in LENGTHS])
    learner = make_learner(make_encoder(**NO_DROPOUT), readout=Readout(2, ("mean",), 3))
    _, expected = take(learner, directed, 10_000, texts=texts)
    _, found = take(learner, directed, 40, texts=texts)
    assert_close(found, expected, 2e-6)


@pytest.mark.parametrize("batch_tokens", [1, 20, 60, 10_000])
def test_dropout_is_the_same_on_the_way_back(batch_tokens):
    """Against one graph through all passes, each seeded as the two-pass gradient seeds it."""
    loss, seed = LOSSES["ranking"], 11
    learner = make_learner(make_encoder(hidden_dropout_prob=0.4, attention_probs_dropout_prob=0.3))
    value, found = take(learner, loss, batch_tokens, seed)
    for module in learner.modules.values():
        module.zero_grad(set_to_none=True)
    vectors = torch.zeros(len(TEXTS), 32)
    for number, rows in enumerate(cut_by_tokens(TEXTS.lengths, batch_tokens)):
        torch.manual_seed(seed + number)
        part = embed(learner, TEXTS.take_rows(rows))
        vectors = vectors.index_put((torch.from_numpy(rows),), part)
    whole = loss(vectors)
    whole.backward()
    assert value == pytest.approx(whole.item(), abs=1e-6)
    assert_close(found, gradients(learner), 1e-6)
    # Another seed drops others.
    other, _ = take(learner, loss, batch_tokens, seed + 1000)
    assert abs(other - value) > 1e-3


def test_one_text_twice_is_dropped_differently():
    """What SimCSE lives on, also where each view has a pass of its own."""
    twice = TEXTS.take_rows(np.array([6, 6]))
    learner = make_learner()
    for batch_tokens in (1, 1000):
        seen = []
        take(learner, lambda v: seen.append(v.detach()) or v.sum(), batch_tokens, texts=twice)  # noqa: B023
        assert (seen[0][0] - seen[0][1]).abs().max() > 1e-2


def test_gradients_add_up():
    learner = make_learner(make_encoder(**NO_DROPOUT))
    _, first = take(learner, directed, 20)
    accumulate_embedding_loss(learner, TEXTS, LOSSES["ranking"], batch_tokens=20, seed=0)
    both = gradients(learner)
    _, second = take(learner, LOSSES["ranking"], 20)
    assert_close(both, {name: first[name] + second[name] for name in first}, 1e-6)


@pytest.mark.parametrize("batch_tokens", [1, 40, 10_000])
def test_watching_a_loss_leaves_no_trace(batch_tokens):
    learner = make_learner(make_encoder(hidden_dropout_prob=0.5))
    state = torch.random.get_rng_state()
    learner.train(False)
    found = embedding_loss(learner, TEXTS, LOSSES["cosent"], batch_tokens=batch_tokens)
    with torch.no_grad():
        expected = LOSSES["cosent"](embed(learner, TEXTS)).item()
    assert found == pytest.approx(expected, abs=1e-6)
    assert not gradients(learner)
    assert torch.equal(torch.random.get_rng_state(), state)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.integers(1, 120))
def test_passes(lengths, batch_tokens):
    lengths = np.array(lengths)
    passes = cut_by_tokens(lengths, batch_tokens)
    assert sorted(np.concatenate(passes).tolist()) == list(range(len(lengths)))
    for rows in passes:
        assert lengths[rows].sum() <= batch_tokens or len(rows) == 1


@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 9))
def test_batches(n_rows, batch_size, seed):
    rows = np.arange(100, 100 + n_rows)
    batches = shuffled_batches(rows, batch_size, np.random.default_rng(seed))
    sizes = [len(batch) for batch in batches]
    assert sorted(np.concatenate(batches).tolist()) == rows.tolist()
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    assert len(batches) == -(-n_rows // batch_size)
    assert np.concatenate(cut_rows(rows, batch_size)).tolist() == rows.tolist()


def test_no_rows_are_no_batches():
    assert cut_rows(np.arange(0), 5) == []


@pytest.mark.parametrize("least", [1, 2, 3])
def test_no_batch_has_too_few_rows_to_compare(least):
    for n_rows in range(least, 40):
        for batch_size in range(least, 12):
            size = roomy_size(n_rows, batch_size, least)
            sizes = [len(batch) for batch in cut_rows(np.arange(n_rows), size)]
            assert min(sizes) >= least
            # No larger than it takes.
            assert max(sizes) < batch_size + least


def test_packed():
    packed = pack_texts(TEXTS, "cpu")
    assert packed.input_ids.tolist() == TEXTS.input_ids.tolist()
    assert packed.boundaries.cu_seqlens.tolist() == TEXTS.offsets.tolist()


@on_gpu
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("batch_tokens", [20, 10_000])
def test_on_a_gpu(name, batch_tokens):
    model = make_encoder(**NO_DROPOUT)
    expected_value, expected = take(make_learner(cloned(model)), LOSSES[name], batch_tokens)
    value, found = take(make_learner(model.cuda()), LOSSES[name], batch_tokens)
    assert value == pytest.approx(expected_value, rel=1e-3, abs=1e-3)
    assert_close(found, expected, 1e-3)


@on_gpu
def test_dropout_on_a_gpu():
    """The second time, each pass drops what it dropped before: the gradient is the loss's."""
    learner = make_learner(make_encoder(hidden_dropout_prob=0.4).cuda())
    value, found = take(learner, LOSSES["ranking"], 20, 11)
    learner.model.zero_grad()
    vectors = torch.zeros(len(TEXTS), 32, device="cuda")
    for number, rows in enumerate(cut_by_tokens(TEXTS.lengths, 20)):
        torch.cuda.manual_seed(11 + number)
        part = embed(learner, TEXTS.take_rows(rows))
        vectors = vectors.index_put((torch.from_numpy(rows).cuda(),), part)
    whole = LOSSES["ranking"](vectors)
    whole.backward()
    assert value == pytest.approx(whole.item(), abs=1e-5)
    assert_close(found, gradients(learner), 1e-5)
