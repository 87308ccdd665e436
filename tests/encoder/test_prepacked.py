"""Packed linear maps give what plain ones give, and plain ones do where there are none."""

import copy
import pickle

import pytest
import torch

from skencoder import EncodingOptions, TextEncoder
from skencoder.encoder import (
    Boundaries,
    Encoder,
    EncoderConfig,
    PrepackedLinear,
    can_prepack,
    prepack,
)

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 5e-2}


def n_packed(encoder):
    return sum(isinstance(module, PrepackedLinear) for module in encoder.modules())


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("activation", ["gelu", "gelu_tanh", "relu"])
@torch.no_grad()
def test_packed_equals_plain(dtype, activation):
    if not can_prepack(dtype):
        pytest.skip(f"no packed kernels for {dtype} on this CPU")
    torch.manual_seed(0)
    config = EncoderConfig(
        vocab_size=50, hidden_size=48, num_hidden_layers=2, hidden_act=activation
    )
    plain = Encoder(config).to(dtype).eval()
    packed = prepack(copy.deepcopy(plain))
    assert n_packed(packed) == 12
    for lengths in ([1], [3, 3, 9], [100] * 7):
        input_ids, boundaries = (
            torch.randint(0, 50, (sum(lengths),)),
            Boundaries.from_lengths(lengths),
        )
        torch.testing.assert_close(
            packed.forward_packed(input_ids, boundaries),
            plain.forward_packed(input_ids, boundaries),
            atol=TOLERANCE[dtype],
            rtol=0,
        )


def test_text_encoder_packs_where_it_can(text_encoder):
    assert n_packed(text_encoder.encoder) == (36 if can_prepack(torch.float32) else 0)


def test_text_encoder_goes_on_without(monkeypatch, text_encoder, docs):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    plain = TextEncoder.load(precision="float32", device="cpu")
    assert n_packed(plain.encoder) == 0
    options = EncodingOptions(overflow="truncate")
    torch.testing.assert_close(
        plain.encode(docs.data[:30], options).vectors,
        text_encoder.encode(docs.data[:30], options).vectors,
        atol=1e-6,
        rtol=0,
    )


def test_a_torch_without_the_kernels(monkeypatch):
    monkeypatch.setattr(torch.ops, "mkldnn", object())
    assert not can_prepack(torch.float32)


def test_a_cpu_without_bfloat16(monkeypatch):
    assert not can_prepack(torch.float16)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    assert not can_prepack(torch.bfloat16)


@pytest.fixture
def packed():
    if not can_prepack(torch.float32):
        pytest.skip("no packed kernels on this CPU")
    torch.manual_seed(0)
    config = EncoderConfig(vocab_size=50, hidden_size=48, num_hidden_layers=1)
    return prepack(Encoder(config).eval().requires_grad_(False))


def encode(encoder):
    return encoder.forward_packed(torch.arange(9), Boundaries.from_lengths([4, 5]))


@pytest.mark.parametrize("again", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_a_packed_encoder_is_copied(packed, again):
    torch.testing.assert_close(encode(again(packed)), encode(packed), atol=1e-6, rtol=0)


def test_a_packed_encoder_follows_its_weights(packed):
    torch.manual_seed(1)
    other = Encoder(packed.config).eval()
    named = {
        name: other.state_dict()[name.replace(".linear.", ".")] for name in packed.state_dict()
    }
    before = encode(packed)
    packed.load_state_dict(named)
    torch.testing.assert_close(encode(packed), encode(other), atol=1e-5, rtol=0)
    assert not torch.allclose(encode(packed), before)


def test_a_packed_encoder_changes_its_precision(packed):
    if not can_prepack(torch.bfloat16):
        pytest.skip("no packed bfloat16 kernels on this CPU")
    before = encode(packed)
    torch.testing.assert_close(encode(packed.bfloat16()).float(), before, atol=5e-2, rtol=0)


def test_a_packed_encoder_is_not_trained_in_silence(packed):
    with pytest.raises(RuntimeError, match="packed for inference and cannot be trained"):
        encode(packed.requires_grad_())
