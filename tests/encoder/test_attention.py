"""The formula by hand, and the fast attention against the formula."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from skencoder.encoder import (
    AlibiPositions,
    Boundaries,
    Scope,
    SelfAttention,
    attention_weights,
    reference_attention,
    run_attention,
)

# Largest difference and smallest cosine allowed against the formula in float64, inputs of unit
# variance.
TOLERANCE = {
    torch.float64: (1e-13, 1 - 1e-12),
    torch.float32: (4e-6, 0.999999),
    torch.bfloat16: (2e-2, 0.9999),
    torch.float16: (3e-3, 0.99999),
}


def packed(lengths, heads, head_dim, dtype=torch.float32, shared=None):
    tokens = sum(lengths)
    return [
        torch.randn(tokens, h, head_dim).to(dtype)
        for h in (heads, shared or heads, shared or heads)
    ]


@pytest.mark.parametrize("attention", [reference_attention, run_attention])
def test_worked_by_hand(attention):
    # Two tokens, one head of width 1: scores are q k / sqrt(1), weights their softmax.
    query, key, value = (
        torch.tensor(x).view(2, 1, 1) for x in ([1.0, 2.0], [0.0, 1.0], [3.0, 5.0])
    )
    context = attention(query, key, value, Scope(Boundaries.from_lengths([2])))
    first = (3 + 5 * math.e) / (1 + math.e)
    second = (3 + 5 * math.e**2) / (1 + math.e**2)
    torch.testing.assert_close(context.flatten(), torch.tensor([first, second]))


@pytest.mark.parametrize("attention", [reference_attention, run_attention])
def test_bias_and_window_worked_by_hand(attention):
    # Equal scores, so the bias alone decides; the third token is out of the first one's sight.
    query = key = torch.zeros(3, 1, 1)
    value = torch.tensor([1.0, 2.0, 4.0]).view(3, 1, 1)
    bias = torch.tensor([[[0.0, math.log(3), 9], [0, 0, 0], [9, 0, 0]]])
    scope = Scope(Boundaries.from_lengths([3]), window=1, bias=bias)
    context = attention(query, key, value, scope).flatten()
    torch.testing.assert_close(context, torch.tensor([(1 + 3 * 2) / 4, 7 / 3, 3.0]))


@pytest.mark.parametrize("attention", [reference_attention, run_attention])
def test_a_text_sees_itself_only(attention):
    query, key, value = packed([3, 4], heads=2, head_dim=8)
    scope = Scope(Boundaries.from_lengths([3, 4]))
    together = attention(query, key, value, scope)
    value[3:] = 100.0
    changed = attention(query, key, value, scope)
    assert torch.equal(together[:3], changed[:3])
    assert not torch.equal(together[3:], changed[3:])


LENGTHS = st.one_of(
    st.lists(st.integers(1, 70), min_size=1, max_size=12),
    st.lists(st.sampled_from([1, 2, 255, 511, 512]), min_size=1, max_size=3),
)


@settings(max_examples=150, deadline=None)
@given(
    lengths=LENGTHS,
    heads=st.sampled_from([(1, 1), (2, 2), (3, 1), (4, 2), (6, 3)]),
    head_dim=st.sampled_from([1, 8, 16, 32, 64]),
    dtype=st.sampled_from(list(TOLERANCE)),
    window=st.one_of(st.none(), st.integers(1, 80)),
    biased=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_runs_equal_the_reference(*, lengths, heads, head_dim, dtype, window, biased, seed):
    torch.manual_seed(seed)
    query, key, value = packed(lengths, heads[0], head_dim, dtype, shared=heads[1])
    scope = Scope(Boundaries.from_lengths(lengths), window)
    if biased:
        scope = AlibiPositions(heads[0])(scope)
    expected = reference_attention(*(x.double() for x in (query, key, value)), scope)
    found = run_attention(query, key, value, scope)
    assert found.dtype == dtype
    largest, cosine = TOLERANCE[dtype]
    assert (found.double() - expected).abs().max() <= largest
    per_text = torch.nn.functional.cosine_similarity(
        found.double().flatten(1), expected.flatten(1)
    )
    # In a width of 1 a sum near zero may change its sign by rounding.
    assert head_dim == 1 or per_text.min() >= cosine


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    window=st.one_of(st.none(), st.integers(1, 12)),
    shared=st.sampled_from([1, 2, 4]),
    seed=st.integers(0, 999),
)
def test_runs_have_the_gradients_of_the_reference(lengths, window, shared, seed):
    torch.manual_seed(seed)
    inputs = [x.double().requires_grad_() for x in packed(lengths, 4, 4, shared=shared)]
    scope = Scope(Boundaries.from_lengths(lengths), window)
    gradients = [
        torch.autograd.grad(attention(*inputs, scope).square().sum(), inputs)
        for attention in (run_attention, reference_attention)
    ]
    for ours, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("attention", [reference_attention, run_attention])
def test_dropped_weights_keep_the_mean(attention):
    torch.manual_seed(0)
    query, key, value = packed([50], heads=8, head_dim=4)
    scope = Scope(Boundaries.from_lengths([50]))
    kept = attention(query, key, value, scope)
    drawn = torch.stack([attention(query, key, value, scope, 0.3) for _ in range(400)])
    assert not torch.equal(drawn[0], drawn[1])
    assert (drawn.mean(0) - kept).abs().max() < 6 * drawn.std(0).max() / 400**0.5


def test_weights_are_what_the_context_is_made_of():
    query, key, value = packed([5, 3], heads=4, head_dim=8, shared=2)
    scope = Scope(Boundaries.from_lengths([5, 3]), window=2)
    weights = attention_weights(query, key, scope)
    assert [tuple(w.shape) for w in weights] == [(4, 5, 5), (4, 3, 3)]
    values = value.repeat_interleave(2, dim=1)
    contexts = [
        torch.einsum("hqk,khd->qhd", w, v)
        for w, v in zip(weights, values.split([5, 3]), strict=True)
    ]
    torch.testing.assert_close(torch.cat(contexts), reference_attention(query, key, value, scope))


def test_rotation_worked_by_hand():
    from skencoder.encoder import Rotary, RotaryPositions

    # 4 of 6 dimensions are turned, in the pairs (0, 2) and (1, 3), by m/2 and m/2 / sqrt(9).
    rotary = Rotary(theta=9.0, dim=4, scale=2.0)
    scope = RotaryPositions(rotary, 6)(Scope(Boundaries.from_lengths([3, 2])))
    vectors = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).expand(5, 1, 6)
    for token, place in enumerate([0, 1, 2, 0, 1]):
        a, b = place / 2, place / 2 / 3
        expected = [
            math.cos(a) - 3 * math.sin(a),
            2 * math.cos(b) - 4 * math.sin(b),
            3 * math.cos(a) + math.sin(a),
            4 * math.cos(b) + 2 * math.sin(b),
            5.0,
            6.0,
        ]
        torch.testing.assert_close(scope.rotate(vectors)[token, 0], torch.tensor(expected))


def test_rotation_depends_on_the_distance_only():
    from skencoder.encoder import Rotary, RotaryPositions

    torch.manual_seed(0)
    query, key = torch.randn(2, 1, 1, 8, dtype=torch.float64).expand(2, 30, 1, 8)
    for rotary in (Rotary(), Rotary(theta=7.0, dim=4), Rotary(scale=3.0)):
        scope = RotaryPositions(rotary, 8)(Scope(Boundaries.from_lengths([30])))
        scores = torch.einsum("qhd,khd->qk", scope.rotate(query), scope.rotate(key))
        for distance in range(-29, 30):
            diagonal = scores.diagonal(distance)
            torch.testing.assert_close(
                diagonal, diagonal[:1].expand_as(diagonal), rtol=1e-4, atol=1e-4
            )
        # The rest of a head stays as it was.
        assert torch.equal(
            scope.rotate(query)[..., scope.rotation[0].shape[-1] * 2 :],
            query[..., scope.rotation[0].shape[-1] * 2 :],
        )


def test_alibi_s_bias_is_the_formula():
    scope = AlibiPositions(2)(Scope(Boundaries.from_lengths([2, 5])))
    for head, slope in enumerate((2.0**-4, 2.0**-8)):
        for query in range(5):
            for key in range(5):
                assert scope.bias[head, query, key].item() == -slope * abs(query - key)


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
    found = ours(hidden_states.flatten(0, 1), Scope(Boundaries.from_lengths([5, 5])))
    torch.testing.assert_close(found.view(2, 5, 24), expected)
