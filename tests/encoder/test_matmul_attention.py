"""Attention by matrix products is the formula's, also where a weight would not fit its number."""

import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skencoder.encoder import Boundaries, Scope, matmul_attention, reference_attention
from skencoder.encoder.matmul_attention import MOST_SCORES, attend_into

# The package's name of it is the function.
module = sys.modules["skencoder.encoder.matmul_attention"]
# Absolute and relative; scores of bfloat16 are rounded to it before they are weights.
TOLERANCE = {torch.float32: (1e-5, 0), torch.bfloat16: (3e-2, 2e-2)}


def parts(tokens, heads=4, shared=2, dim=8, scale=1.0, dtype=torch.float32):
    torch.manual_seed(0)
    query = torch.randn(tokens, heads, dim) * scale
    key, value = (torch.randn(tokens, shared, dim) for _ in range(2))
    return [part.to(dtype) for part in (query, key, value)]


def check(lengths, dtype=torch.float32, *, window=None, bias=None, **kwargs):
    given_parts = parts(sum(lengths), dtype=dtype, **kwargs)
    scope = Scope(Boundaries.from_lengths(lengths), window, bias=bias)
    found = matmul_attention(*given_parts, scope)
    expected = reference_attention(*given_parts, scope)
    assert found.dtype == dtype
    absolute, relative = TOLERANCE[dtype]
    torch.testing.assert_close(found, expected, atol=absolute, rtol=relative)


@pytest.mark.parametrize("dtype", TOLERANCE)
@settings(max_examples=20, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=8), shared=st.sampled_from([1, 4])
)
def test_equals_the_formula(dtype, lengths, shared):
    check(lengths, dtype, shared=shared)


@pytest.mark.parametrize("tiles", [False, True])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_long_runs_are_taken_in_pieces(dtype, tiles, monkeypatch):
    monkeypatch.setattr(module, "_has_tiles", lambda: tiles)
    check([130] * 40, dtype)


def test_what_is_left_to_the_fused_kernel_is_the_same(monkeypatch):
    lengths = [90, 90, 40, 7, 7, 7]
    query, key, value = parts(sum(lengths))
    scope = Scope(Boundaries.from_lengths(lengths))
    monkeypatch.setattr(module, "_has_tiles", lambda: True)
    fused = []
    monkeypatch.setattr(module, "attend_run", record(module.attend_run, fused))
    context = torch.empty_like(query)
    attend_into(context, (query, key, value), scope, torch.bfloat16)
    assert [(run.batch, run.sequence) for run in fused] == [(2, 90)]
    expected = reference_attention(query, key, value, scope)
    torch.testing.assert_close(context[:180], expected[:180], atol=3e-2, rtol=2e-2)
    torch.testing.assert_close(context[180:], expected[180:], atol=1e-5, rtol=0)
    attend_into(context, (query, key, value), scope, torch.float32)
    # The one that is short and alone.
    assert [(run.batch, run.sequence) for run in fused[1:]] == [(1, 40)]
    torch.testing.assert_close(context, expected, atol=1e-5, rtol=0)


def record(attend, runs):
    def attend_and_record(parts, run, *rest):
        runs.append(run)
        return attend(parts, run, *rest)

    return attend_and_record


def test_windows_and_biases():
    check([30, 30, 5], window=3)
    check([30, 30, 5], bias=torch.randn(4, 30, 30))


@pytest.mark.parametrize("scale", [60.0, 3000.0])
def test_scores_that_overflow(scale):
    # Weights of 2^128 and more, or sums below the smallest number.
    check([12, 12, 5], scale=scale, dim=16)


def test_a_score_too_small_for_its_exponential():
    query, key, value = parts(6, heads=1, shared=1)
    query, key = query.abs() * 100, -key.abs() * 100
    scope = Scope(Boundaries.from_lengths([6]))
    found = matmul_attention(query, key, value, scope)
    torch.testing.assert_close(found, reference_attention(query, key, value, scope))


def test_a_text_with_too_many_scores_to_write_down():
    length = int((MOST_SCORES / 2) ** 0.5) + 1
    query, key, value = parts(length, heads=2, shared=2, dim=4)
    scope = Scope(Boundaries.from_lengths([length]))
    found = matmul_attention(query, key, value, scope)
    expected = torch.nn.functional.scaled_dot_product_attention(
        *(part.transpose(0, 1)[None] for part in (query, key, value))
    )
    torch.testing.assert_close(found, expected[0].transpose(0, 1), atol=1e-5, rtol=0)


def test_dropout_is_left_to_the_fused_kernel():
    query, key, value = parts(6)
    scope = Scope(Boundaries.from_lengths([6]))
    torch.manual_seed(1)
    dropped = matmul_attention(query, key, value, scope, dropout=0.9)
    assert not torch.allclose(dropped, matmul_attention(query, key, value, scope))
