"""The GPU's ways to attend against the formula; what cannot run here, by its arguments."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skencoder.encoder import AlibiPositions, Boundaries, Scope, reference_attention
from skencoder.encoder.fused import gpu_attention
from skencoder.encoder.packing import Run
from skencoder.encoder.padded_attention import padded_attention
from skencoder.encoder.ragged import RaggedRun, Rectangle, merge_runs
from skencoder.encoder.varlen_attention import (
    fits_varlen,
    varlen_arguments,
    varlen_attention,
    varlen_parameters,
)
from tests.encoder.gpu import on_gpu
from tests.encoder.test_attention import TOLERANCE, packed

LENGTHS = st.one_of(
    st.lists(st.integers(1, 40), min_size=1, max_size=12),
    st.lists(st.sampled_from([1, 2, 30, 150]), min_size=1, max_size=4),
)


def ragged(lengths, slack=0):
    """Boundaries of which the host knows only the limits, as in a bucket."""
    cu_seqlens = Boundaries.from_lengths(lengths).cu_seqlens
    block = RaggedRun(0, len(lengths), max(lengths) + slack, sum(lengths))
    return Boundaries(cu_seqlens, (block,))


def agree(found, expected, dtype, slack=1):
    largest, cosine = TOLERANCE[dtype]
    assert found.dtype == dtype
    assert (found.double() - expected).abs().max() <= largest * slack
    per_token = torch.nn.functional.cosine_similarity(
        found.double().flatten(1), expected.flatten(1)
    )
    assert per_token.min() >= cosine


# Without a GPU all three are padded attention.
ATTENTIONS = [padded_attention, varlen_attention, gpu_attention]


@settings(max_examples=60, deadline=None)
@given(
    attention=st.sampled_from(ATTENTIONS),
    lengths=LENGTHS,
    heads=st.sampled_from([(2, 2), (3, 1), (4, 2)]),
    dtype=st.sampled_from(list(TOLERANCE)),
    window=st.one_of(st.none(), st.integers(1, 40)),
    biased=st.booleans(),
    slack=st.sampled_from([None, 0, 5]),
    seed=st.integers(0, 2**31),
)
def test_padding_equals_the_reference(
    *, attention, lengths, heads, dtype, window, biased, slack, seed
):
    torch.manual_seed(seed)
    query, key, value = packed(lengths, heads[0], 16, dtype, shared=heads[1])
    known = Boundaries.from_lengths(lengths)
    scope = Scope(known if slack is None else ragged(lengths, slack), window)
    if biased:
        scope = AlibiPositions(heads[0])(scope)
    expected = reference_attention(*(x.double() for x in (query, key, value)), scope)
    agree(attention(query, key, value, scope), expected, dtype)


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=5),
    window=st.one_of(st.none(), st.integers(1, 6)),
    shared=st.sampled_from([1, 4]),
    seed=st.integers(0, 999),
)
def test_padding_has_the_gradients_of_the_reference(lengths, window, shared, seed):
    torch.manual_seed(seed)
    inputs = [x.double().requires_grad_() for x in packed(lengths, 4, 4, shared=shared)]
    scope = Scope(Boundaries.from_lengths(lengths), window)
    gradients = [
        torch.autograd.grad(attention(*inputs, scope).square().sum(), inputs)
        for attention in (gpu_attention, reference_attention)
    ]
    for ours, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, expected)


def test_one_call_serves_texts_of_similar_length(monkeypatch):
    calls = []
    fused = torch.nn.functional.scaled_dot_product_attention

    def counting(*arguments, **options):
        calls.append(arguments[0].shape)
        return fused(*arguments, **options)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", counting)
    lengths = [*range(40, 20, -1), *[2] * 900]
    query, key, value = packed(lengths, 2, 8)
    scope = Scope(Boundaries.from_lengths(lengths))
    padded_attention(query, key, value, scope)
    # 20 lengths in one rectangle; 900 short texts would be mostly padding in it.
    assert calls == [(20, 2, 40, 8), (900, 2, 2, 8)]


def test_merged_runs_hold_every_text_once_and_little_padding():
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        lengths = torch.randint(1, 600, (60,), generator=generator).sort().values.flip(0).tolist()
        runs = Boundaries.from_lengths(lengths).runs
        blocks = merge_runs(runs)
        assert sum(block.batch for block in blocks) == 60
        assert [block.start for block in blocks] == [0, *[b.stop for b in blocks][:-1]]
        assert blocks[-1].stop == sum(lengths)
        for block in blocks:
            tokens = block.stop - block.start
            assert block.batch * block.sequence <= tokens + max(tokens / 4, 1024)
    assert merge_runs([Run(0, 3, 7)]) == [Run(0, 3, 7)]


def test_a_rectangle_worked_by_hand():
    rectangle = Rectangle.of(torch.tensor([2, 1, 3], dtype=torch.int32), sequence=4, tokens=6)
    assert rectangle.rows.view(3, 4).tolist() == [[0, 1, 1, 1], [2, 2, 2, 2], [3, 4, 5, 5]]
    assert rectangle.real.sum(1).tolist() == [2, 1, 3]
    assert rectangle.places.tolist() == [0, 1, 4, 8, 9, 10]


def varlen_twin(  # noqa: PLR0917 - the installed torch's documented parameters, one text at a time
    query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, window_size=(-1, -1), enable_gqa=False
):
    assert cu_seq_q.dtype == cu_seq_k.dtype == torch.int32
    assert enable_gqa or query.shape[1] == key.shape[1]
    spans = zip(cu_seq_q.tolist(), cu_seq_q.tolist()[1:], strict=False)
    contexts = []
    for start, stop in spans:
        assert stop - start <= max_q == max_k
        q, k, v = (part[start:stop].transpose(0, 1) for part in (query, key, value))
        places = torch.arange(stop - start)
        ahead = places - places[:, None]
        left, right = (len(places) if side < 0 else side for side in window_size)
        contexts.append(
            torch.nn.functional.scaled_dot_product_attention(
                q, k, v, attn_mask=(-left <= ahead) & (ahead <= right), enable_gqa=enable_gqa
            ).transpose(0, 1)
        )
    return torch.cat(contexts)


@pytest.mark.parametrize("window", [None, 3])
@pytest.mark.parametrize("heads", [(2, 2), (4, 2)])
@pytest.mark.parametrize("slack", [0, 9])
def test_the_packed_kernel_is_told_the_truth(window, heads, slack):
    torch.manual_seed(0)
    lengths = [5, 9, 1]
    query, key, value = packed(lengths, heads[0], 8, shared=heads[1])
    scope = Scope(ragged(lengths, slack), window)
    found = varlen_twin(query, key, value, **varlen_arguments(query, key, scope))
    torch.testing.assert_close(found, reference_attention(query, key, value, scope))


def test_the_installed_torch_takes_these_arguments():
    known = varlen_parameters()
    if not known:
        pytest.skip("this torch has no varlen_attn")
    query, key, _ = packed([3], 4, 8, shared=2)
    needed = {"query", "key", "value"}
    plain = varlen_arguments(query, query, Scope(Boundaries.from_lengths([3])))
    assert needed | set(plain) <= known
    wanted = varlen_arguments(query, key, Scope(Boundaries.from_lengths([3]), window=1))
    scope = Scope(Boundaries.from_lengths([3]), window=1)
    assert fits_varlen(query.half(), key, scope, known) == (set(wanted) <= known)


NEW = frozenset({"query", "window_size", "enable_gqa"})
OLD = frozenset({"query"})


@pytest.mark.parametrize(
    ("head_dim", "shared", "dtype", "window", "biased", "known", "fits"),
    [
        (32, 4, torch.float16, None, False, OLD, True),
        (32, 4, torch.bfloat16, 5, False, NEW, True),
        (32, 2, torch.bfloat16, None, False, NEW, True),
        (32, 4, torch.float32, None, False, NEW, False),
        (32, 4, torch.float16, None, True, NEW, False),
        (32, 4, torch.float16, 5, False, OLD, False),
        (32, 2, torch.float16, None, False, OLD, False),
        (12, 4, torch.float16, None, False, NEW, False),
        (264, 4, torch.float16, None, False, NEW, False),
        (32, 4, torch.float16, None, False, frozenset(), False),
    ],
)
def test_cases_for_the_packed_kernel(*, head_dim, shared, dtype, window, biased, known, fits):
    query, key, _ = packed([3], 4, head_dim, dtype, shared=shared)
    scope = Scope(Boundaries.from_lengths([3]), window)
    if biased:
        scope = AlibiPositions(4)(scope)
    assert fits_varlen(query, key, scope, known) is fits


@on_gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("window", [None, 5])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("lengths", [[40, 39, 7, 1], [300, 64, 64, 2]])
def test_on_a_gpu(dtype, window, biased, lengths):
    torch.manual_seed(0)
    query, key, value = packed(lengths, 4, 32, dtype, shared=2)
    scope, there = (
        Scope(Boundaries.from_lengths(lengths, device), window) for device in ("cpu", "cuda")
    )
    if biased:
        scope, there = (AlibiPositions(4)(one) for one in (scope, there))
    expected = reference_attention(*(x.double() for x in (query, key, value)), scope)
    moved = [x.cuda() for x in (query, key, value)]
    for attention in ATTENTIONS:
        with torch.no_grad():
            agree(attention(*moved, there).cpu(), expected, dtype, slack=4)


@on_gpu
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_a_gpu_is_not_waited_for(attention):
    lengths = [40, 39, 7, 1]
    query, key, value = (x.cuda() for x in packed(lengths, 4, 32, torch.float16))
    scope = Scope(Boundaries.from_lengths(lengths, "cuda"))
    with torch.no_grad():
        attention(query, key, value, scope)
        torch.cuda.set_sync_debug_mode("error")
        try:
            attention(query, key, value, scope)
        finally:
            torch.cuda.set_sync_debug_mode("default")
