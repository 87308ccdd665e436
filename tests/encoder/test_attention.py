"""The formula by hand, and the fast attention against the formula."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from skencoder.encoder import Boundaries, SelfAttention, reference_attention, run_attention

# Largest difference allowed to the reference, inputs of unit variance.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-6, torch.bfloat16: 2e-2}


def packed(lengths, heads, head_dim, dtype=torch.float32):
    return torch.randn(3, sum(lengths), heads, head_dim).to(dtype).unbind()


@pytest.mark.parametrize("attention", [reference_attention, run_attention])
def test_worked_by_hand(attention):
    # Two tokens, one head of width 1: scores are q k / sqrt(1), weights their softmax.
    query, key, value = (
        torch.tensor(x).view(2, 1, 1) for x in ([1.0, 2.0], [0.0, 1.0], [3.0, 5.0])
    )
    context = attention(query, key, value, Boundaries.from_lengths([2]))
    first = (3 + 5 * math.e) / (1 + math.e)
    second = (3 + 5 * math.e**2) / (1 + math.e**2)
    torch.testing.assert_close(context.flatten(), torch.tensor([first, second]))


@pytest.mark.parametrize("attention", [reference_attention, run_attention])
def test_a_text_sees_itself_only(attention):
    query, key, value = packed([3, 4], heads=2, head_dim=8)
    together = attention(query, key, value, Boundaries.from_lengths([3, 4]))
    value[3:] = 100.0
    changed = attention(query, key, value, Boundaries.from_lengths([3, 4]))
    assert torch.equal(together[:3], changed[:3])
    assert not torch.equal(together[3:], changed[3:])


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 70), min_size=1, max_size=12),
    heads=st.integers(1, 4),
    head_dim=st.sampled_from([1, 8, 16, 32]),
    dtype=st.sampled_from(list(TOLERANCE)),
    seed=st.integers(0, 2**31),
)
def test_runs_equal_the_reference(lengths, heads, head_dim, dtype, seed):
    torch.manual_seed(seed)
    query, key, value = packed(lengths, heads, head_dim, dtype)
    boundaries = Boundaries.from_lengths(lengths)
    expected = reference_attention(*(x.double() for x in (query, key, value)), boundaries)
    found = run_attention(query, key, value, boundaries)
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), expected, atol=TOLERANCE[dtype], rtol=0)


def test_runs_have_the_gradients_of_the_reference():
    lengths = [5, 5, 2, 7]
    inputs = [x.double().requires_grad_() for x in packed(lengths, heads=2, head_dim=4)]
    boundaries = Boundaries.from_lengths(lengths)
    gradients = [
        torch.autograd.grad(attention(*inputs, boundaries).square().sum(), inputs)
        for attention in (run_attention, reference_attention)
    ]
    for ours, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, expected)


def test_multi_head_equals_torch():
    torch.manual_seed(0)
    ours, theirs = SelfAttention(24, 3), nn.MultiheadAttention(24, 3, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(
            torch.cat([ours.query.weight, ours.key.weight, ours.value.weight])
        )
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key.bias, ours.value.bias]))
        theirs.out_proj.weight.copy_(ours.output.weight)
        theirs.out_proj.bias.copy_(ours.output.bias)
    hidden_states = torch.randn(2, 5, 24)
    expected, _ = theirs(hidden_states, hidden_states, hidden_states)
    found = ours(hidden_states.flatten(0, 1), Boundaries.from_lengths([5, 5]))
    torch.testing.assert_close(found.view(2, 5, 24), expected)
