"""Exchanged parts give what plain ones give, keep the weights' names, and can still be trained."""

import copy
import pickle

import pytest
import torch

from skencoder.encoder import (
    Alibi,
    Boundaries,
    Encoder,
    EncoderConfig,
    RelativeBias,
    Rotary,
    plain_state,
    pool,
    skip_tokens,
)
from skencoder.encoder.attention import SelfAttention
from skencoder.encoder.fused import FusedEmbeddings, FusedPostNorm, fuse_for_gpu, gpu_attention
from skencoder.encoder.pooling import POOLINGS
from skencoder.encoder.readout import DEVICE_POOLINGS, Readout, read_out
from tests.encoder.gpu import on_gpu

SMALL = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
}
# What is exchanged beside attention: residual norms, and whether the embeddings are.
FAMILIES = {
    "bert": ({}, 6, True),
    "roberta": ({"pad_token_id": 1, "type_vocab_size": 1}, 6, True),
    "albert": ({"embedding_size": 16, "num_hidden_groups": 1}, 2, True),
    "mpnet": ({"attention_positions": RelativeBias(), "type_vocab_size": 0}, 6, True),
    "alibi": ({"attention_positions": Alibi(), "positions": "none", "gated": True}, 6, True),
    "sinusoidal": ({"positions": "sinusoidal", "unbiased": ("norm",)}, 6, True),
    "modernbert": (
        {
            "attention_positions": Rotary(local_theta=100.0),
            "positions": "none",
            "windows": (None, 3, 3),
            "norm_position": "pre",
            "embedding_norm": True,
            "num_key_value_heads": 2,
        },
        0,
        True,
    ),
    "eurobert": (
        {"attention_positions": Rotary(), "positions": "none", "norm": "rms"}
        | {"norm_position": "pre", "gated": True},
        0,
        False,
    ),
}
LENGTHS = [9, 9, 7, 2, 1, 1]


def make(changes):
    torch.manual_seed(0)
    encoder = Encoder(EncoderConfig(**SMALL, **changes)).eval()
    # Norms of 1 and 0 would hide an exchanged gain or offset.
    for name, weight in encoder.named_parameters():
        if "norm" in name:
            torch.nn.init.normal_(weight, mean=1.0, std=0.3)
    return encoder


def example(device="cpu"):
    input_ids = torch.arange(sum(LENGTHS), device=device) % 50
    return input_ids, Boundaries.from_lengths(LENGTHS, device)


def n_fused(encoder):
    return sum(isinstance(module, FusedPostNorm) for module in encoder.modules())


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_fused_equals_plain(family):
    changes, residuals, embeddings = FAMILIES[family]
    plain = make(changes)
    fused = fuse_for_gpu(copy.deepcopy(plain))
    assert n_fused(fused) == residuals
    assert isinstance(fused.embeddings, FusedEmbeddings) is embeddings
    attentions = {m.attention for m in fused.modules() if isinstance(m, SelfAttention)}
    assert attentions == {gpu_attention}
    for layer in (0, 1, -1):
        torch.testing.assert_close(
            fused.forward_packed(*example(), layer=layer),
            plain.forward_packed(*example(), layer=layer),
            atol=5e-6,
            rtol=0,
        )
    traced, expected = (e.trace_packed(*example()) for e in (fused, plain))
    torch.testing.assert_close(traced.attentions, expected.attentions, atol=1e-6, rtol=0)


@torch.no_grad()
def test_segments_are_added():
    plain = make({})
    fused = fuse_for_gpu(copy.deepcopy(plain))
    segments = torch.arange(sum(LENGTHS)) % 2
    found, without = (
        fused.forward_packed(*example(), token_type_ids=ids) for ids in (segments, None)
    )
    expected = plain.forward_packed(*example(), token_type_ids=segments)
    torch.testing.assert_close(found, expected, atol=5e-6, rtol=0)
    assert not torch.allclose(found, without, atol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_weights_keep_their_names_and_their_order(family):
    plain = make(FAMILIES[family][0])
    fused = fuse_for_gpu(copy.deepcopy(plain))
    assert list(fused.state_dict()) == list(plain.state_dict())
    assert list(plain_state(fused)) == list(plain_state(plain))
    other = make(FAMILIES[family][0])
    torch.nn.init.normal_(other.embeddings.token.weight)
    fused.load_state_dict(other.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(
            fused.forward_packed(*example()), other.forward_packed(*example()), atol=5e-6, rtol=0
        )


@pytest.mark.parametrize("again", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
@torch.no_grad()
def test_a_fused_encoder_is_copied(again):
    fused = fuse_for_gpu(make({}))
    assert torch.equal(again(fused).forward_packed(*example()), fused.forward_packed(*example()))


@torch.no_grad()
def test_fusing_twice_is_fusing_once():
    fused = fuse_for_gpu(make({}))
    before, names = fused.forward_packed(*example()), list(fused.state_dict())
    again = fuse_for_gpu(fused)
    assert again is fused
    assert (n_fused(again), list(again.state_dict())) == (6, names)
    assert torch.equal(again.forward_packed(*example()), before)


def test_a_fused_encoder_has_the_gradients_of_the_plain_one():
    plain = make({})
    fused = fuse_for_gpu(copy.deepcopy(plain))
    for encoder in (plain, fused):
        encoder.forward_packed(*example()).square().sum().backward()
    for (name, ours), expected in zip(fused.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, expected.grad, atol=2e-4, rtol=1e-3, msg=name)


@pytest.mark.parametrize("skip", [0, 1, 4])
@pytest.mark.parametrize("poolings", [*((name,) for name in POOLINGS), tuple(POOLINGS)])
def test_reading_out_equals_pooling(skip, poolings):
    torch.manual_seed(0)
    hidden_states, boundaries = torch.randn(sum(LENGTHS), 8), example()[1]
    expected = pool(*skip_tokens(hidden_states, boundaries.cu_seqlens, skip), poolings)
    found = read_out(hidden_states, boundaries.cu_seqlens, Readout(-1, poolings, skip))
    torch.testing.assert_close(found, expected)


def test_every_pooling_can_be_read_out():
    assert set(DEVICE_POOLINGS) == set(POOLINGS)


@on_gpu
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float32, 2e-3), (torch.float16, 3e-2), (torch.bfloat16, 2e-1)],
)
@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_on_a_gpu(family, dtype, tolerance):
    plain = make(FAMILIES[family][0])
    expected = plain.forward_packed(*example())
    fused = fuse_for_gpu(copy.deepcopy(plain).to("cuda", dtype))
    found = fused.forward_packed(*example("cuda")).float().cpu()
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=0)
    cosine = torch.nn.functional.cosine_similarity(found, expected)
    assert cosine.min() >= {torch.float32: 0.999999, torch.float16: 0.9999}.get(dtype, 0.999)


@on_gpu
@torch.no_grad()
def test_poolings_on_a_gpu_wait_for_nothing():
    torch.manual_seed(0)
    hidden_states, boundaries = torch.randn(sum(LENGTHS), 8), example()[1]
    readout = Readout(-1, tuple(POOLINGS), 1)
    expected = read_out(hidden_states, boundaries.cu_seqlens, readout)
    there = hidden_states.cuda(), boundaries.cu_seqlens.cuda()
    read_out(*there, readout)
    torch.cuda.set_sync_debug_mode("error")
    try:
        found = read_out(*there, readout)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(found.cpu(), expected, atol=1e-5, rtol=1e-5)
