"""Positions, residuals, packing, pooling and configuration, each against its formula."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from skencoder.encoder import (
    ACTIVATIONS,
    POOLINGS,
    Boundaries,
    EncoderConfig,
    FeedForward,
    GatedFeedForward,
    HeadConfig,
    PostNorm,
    PreNorm,
    RelativeBias,
    Rotary,
    SinusoidalPositions,
    pool,
    skip_tokens,
)
from skencoder.encoder.build import build_norm
from skencoder.encoder.positions import alibi_slopes, distance_buckets, positions_after_padding


@pytest.mark.parametrize("hidden_size", [6, 7])
def test_sinusoidal_positions_are_the_formula(hidden_size):
    boundaries = Boundaries.from_lengths([5000, 2])
    table = SinusoidalPositions(5000, hidden_size)(torch.zeros(5002), boundaries)
    for row, position in [(0, 0), (1, 1), (17, 17), (4999, 4999), (5001, 1)]:
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
    block = FeedForward(nn.Linear(1, 1), nn.Linear(1, 1), "gelu")
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
    "mean_sqrt_len": [[9 / math.sqrt(3), 12 / math.sqrt(3)], [7.0, 7.0]],
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
    # Every pooling's weights add up to one per text and dimension, but for the root of a length.
    expected = 1 + (math.sqrt(3) if pooling == "mean_sqrt_len" else 1.0)
    torch.testing.assert_close(hidden_states.grad.sum(0), torch.tensor([expected, expected]))


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
        ({"num_key_value_heads": 5}, "multiple of num_key_value_heads; got 12 and 5"),
        ({"embedding_size": 0}, "embedding_size must be a positive integer or None"),
        ({"num_hidden_groups": 7}, "num_hidden_groups must be at most num_hidden_layers"),
        ({"windows": (3, None)}, "windows must name tokens or None for each of 6 layers"),
        ({"windows": (0,) * 6}, "windows must name tokens or None"),
        ({"unbiased": ("gate",)}, "unbiased may name attention, expand, contract, norm; got gate"),
        ({"hidden_dropout_prob": 1}, r"hidden_dropout_prob must lie in \[0, 1\); got 1"),
        ({"attention_positions": Rotary(dim=34)}, "got 34 of 32"),
        ({"hidden_size": 36, "attention_positions": Rotary()}, "got 3 of 3"),
    ],
)
def test_config_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        EncoderConfig(**{"vocab_size": 10, **change})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rotary(theta=0), "rotary theta must be positive; got 0"),
        (lambda: Rotary(dim=3), "rotary dim must be a positive even number; got 3"),
        (lambda: RelativeBias(num_buckets=5), "num_buckets must be an even number from 4 on"),
        (lambda: RelativeBias(max_distance=8), r"max_distance must be above num_buckets / 4"),
        (lambda: HeadConfig(activation="tanh"), "activation must be one of gelu"),
    ],
)
def test_parts_refuse(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_several_poolings_stand_side_by_side():
    found = pool(HIDDEN, torch.tensor([0, 3, 4], dtype=torch.int32), ("max", "cls"))
    assert found.tolist() == [[5.0, 10.0, 1.0, 10.0], [7.0, 7.0, 7.0, 7.0]]


def test_skipped_tokens_are_left_out():
    hidden_states = torch.arange(12.0).view(6, 2)
    rest, cu_seqlens = skip_tokens(hidden_states, torch.tensor([0, 2, 6], dtype=torch.int32), 1)
    assert torch.equal(rest, hidden_states[[1, 3, 4, 5]])
    assert cu_seqlens.tolist() == [0, 1, 4]
    assert cu_seqlens.dtype == torch.int32


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gated_feed_forward_is_the_formula(activation):
    torch.manual_seed(0)
    gate, expand, contract = nn.Linear(4, 6), nn.Linear(4, 6), nn.Linear(6, 4)
    found = GatedFeedForward(gate, expand, contract, activation)(torch.eye(4))
    x = gate(torch.eye(4))
    by_hand = {
        "gelu": x * (1 + torch.erf(x / math.sqrt(2))) / 2,
        "gelu_tanh": x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
        "relu": x.clamp(min=0),
        "silu": x / (1 + torch.exp(-x)),
    }[activation]
    torch.testing.assert_close(found, contract(by_hand * expand(torch.eye(4))))


@pytest.mark.parametrize("norm", ["layer", "rms"])
def test_norms_are_the_formulas(norm):
    config = EncoderConfig(vocab_size=9, norm=norm, layer_norm_eps=0.1)
    x = torch.randn(5, 8)
    centred = x - x.mean(1, keepdim=True) if norm == "layer" else x
    expected = centred / (centred.square().mean(1, keepdim=True) + 0.1).sqrt()
    torch.testing.assert_close(build_norm(config, 8)(x), expected)


def test_distance_buckets_by_hand():
    # Of 8 buckets each way the first 4 are exact; log-spaced from 4 to 16 are the others.
    distances = torch.tensor([0, -1, -3, -4, -5, -6, -8, -11, -12, -15, -16, -99, 1, 4, 99])
    found = distance_buckets(distances, num_buckets=16, max_distance=16)
    assert found.tolist() == [0, 1, 3, 4, 4, 5, 6, 6, 7, 7, 7, 7, 9, 12, 15]


def test_alibi_slopes_are_the_published_ones():
    assert alibi_slopes(8) == [2.0**-k for k in range(1, 9)]
    assert alibi_slopes(1) == [2.0**-8]
    assert alibi_slopes(3) == [2.0**-4, 2.0**-8, 2.0**-2]


def test_roberta_s_positions_skip_its_padding():
    input_ids = torch.tensor([5, 1, 6, 7, 1, 1, 8])
    found = positions_after_padding(input_ids, Boundaries.from_lengths([4, 3]), 1)
    assert found.tolist() == [2, 1, 3, 4, 1, 1, 2]
