"""Positions, residuals, packing, pooling and configuration, each against its formula."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from skencoder.encoder import (
    POOLINGS,
    Boundaries,
    EncoderConfig,
    FeedForward,
    PostNorm,
    PreNorm,
    SinusoidalPositions,
)


@pytest.mark.parametrize("hidden_size", [6, 7])
def test_sinusoidal_positions_are_the_formula(hidden_size):
    table = SinusoidalPositions(5000, hidden_size)(torch.tensor([0, 1, 17, 4999]))
    for row, position in enumerate([0, 1, 17, 4999]):
        for column in range(hidden_size):
            angle = position / 10000 ** (2 * (column // 2) / hidden_size)
            expected = math.cos(angle) if column % 2 else math.sin(angle)
            assert table[row, column].item() == pytest.approx(expected, abs=1e-6)


def test_sinusoidal_positions_are_not_stored():
    assert not SinusoidalPositions(10, 4).state_dict()


def test_residuals_are_the_formulas():
    hidden_states, norm, sublayer = torch.randn(4, 8), nn.LayerNorm(8), nn.Linear(8, 8)
    post, pre = PostNorm(sublayer, norm), PreNorm(sublayer, norm)
    torch.testing.assert_close(post(hidden_states), norm(hidden_states + sublayer(hidden_states)))
    torch.testing.assert_close(pre(hidden_states), hidden_states + sublayer(norm(hidden_states)))


def test_gelu_is_the_exact_form():
    block = FeedForward(1, 1, "gelu")
    with torch.no_grad():
        for linear in (block.expand, block.contract):
            linear.weight.fill_(1.0)
            linear.bias.zero_()
    x = 0.7
    expected = x * 0.5 * (1 + math.erf(x / math.sqrt(2)))
    assert block(torch.tensor([[x]])).item() == pytest.approx(expected, abs=1e-6)


@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=30))
@settings(deadline=None)
def test_boundaries_count_up(lengths):
    boundaries = Boundaries.from_lengths(lengths)
    assert boundaries.cu_seqlens.tolist() == [0, *np.cumsum(lengths)]
    assert boundaries.lengths.tolist() == lengths
    assert boundaries.position_ids().tolist() == [i for n in lengths for i in range(n)]
    assert [run.sequence for run in boundaries.runs for _ in range(run.batch)] == lengths
    assert all(
        a.stop == b.start for a, b in zip(boundaries.runs, boundaries.runs[1:], strict=False)
    )
    assert all(
        a.sequence != b.sequence
        for a, b in zip(boundaries.runs, boundaries.runs[1:], strict=False)
    )
    again = Boundaries.from_cu_seqlens(boundaries.cu_seqlens)
    assert again.runs == boundaries.runs


@pytest.mark.parametrize("lengths", [[], [3, 0, 2], [-1]])
def test_boundaries_refuse_texts_without_tokens(lengths):
    with pytest.raises(ValueError, match="at least one token"):
        Boundaries.from_lengths(lengths)


def test_boundaries_begin_with_zero():
    with pytest.raises(ValueError, match="begin with 0"):
        Boundaries.from_cu_seqlens(torch.tensor([1, 3]))


HIDDEN = torch.tensor([[1.0, 10.0], [3.0, -2.0], [5.0, 4.0], [7.0, 7.0]])
WORKED = {
    "mean": [[3.0, 4.0], [7.0, 7.0]],
    "cls": [[1.0, 10.0], [7.0, 7.0]],
    "max": [[5.0, 10.0], [7.0, 7.0]],
    "last": [[5.0, 4.0], [7.0, 7.0]],
    "weighted_mean": [[(1 + 6 + 15) / 6, (10 - 4 + 12) / 6], [7.0, 7.0]],
}


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_pooling_worked_by_hand(pooling, dtype):
    found = POOLINGS[pooling](HIDDEN.to(dtype), torch.tensor([0, 3, 4], dtype=torch.int32))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, torch.tensor(WORKED[pooling]))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pooling_refuses_a_text_without_tokens(pooling):
    with pytest.raises(ValueError, match="without tokens"):
        POOLINGS[pooling](HIDDEN, torch.tensor([0, 4, 4]))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pooling_has_gradients(pooling):
    hidden_states = HIDDEN.clone().requires_grad_()
    POOLINGS[pooling](hidden_states, torch.tensor([0, 3, 4])).sum().backward()
    # Every pooling's weights add up to one per text and dimension.
    torch.testing.assert_close(hidden_states.grad.sum(0), torch.tensor([2.0, 2.0]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": 30, "num_attention_heads": 4}, "multiple of num_attention_heads"),
        ({"vocab_size": 0}, "vocab_size must be a positive integer"),
        ({"num_hidden_layers": 2.5}, "num_hidden_layers must be a positive integer"),
        ({"type_vocab_size": -1}, "type_vocab_size must be 0 or more"),
        ({"layer_norm_eps": "small"}, "layer_norm_eps must be positive"),
        ({"positions": "rotten"}, "positions must be one of learned, sinusoidal"),
        ({"hidden_act": "tanh"}, "hidden_act must be one of"),
    ],
)
def test_config_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        EncoderConfig(**{"vocab_size": 10, **change})
