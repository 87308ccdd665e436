"""Packed encoders give what plain ones give, and plain ones do where there are no kernels."""

import copy
import pickle
from functools import partial

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name every torch reader expects

from skencoder import EncodingOptions, TextEncoder
from skencoder.encoder import (
    Boundaries,
    Encoder,
    EncoderConfig,
    RelativeBias,
    Rotary,
    can_prepack,
    is_packed,
    plain_state,
    prepack,
    quantize,
    why_not_int8,
)
from skencoder.encoder.packed import QuantizedMap, quantized
from skencoder.encoder.packed.quantized import quantize_rows
from skencoder.errors import DeviceError

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 5e-2}
# Layers of every make: the residuals, the feed-forwards, the heads and what changes the scores.
MAKES = {
    "gelu": {},
    "gelu_tanh": {"hidden_act": "gelu_tanh"},
    "relu": {"hidden_act": "relu"},
    "gated": {"gated": True, "hidden_act": "silu"},
    "pre-norm": {"norm_position": "pre"},
    "shared heads": {"num_attention_heads": 6, "num_key_value_heads": 2},
    "rotary": {"positions": "none", "attention_positions": Rotary()},
    "relative": {"attention_positions": RelativeBias()},
    "windows": {"windows": (4, None)},
    "unbiased": {"unbiased": ("attention", "expand", "contract")},
}


def make_encoder(**kwargs):
    torch.manual_seed(0)
    config = EncoderConfig(vocab_size=50, hidden_size=48, num_hidden_layers=2, **kwargs)
    return Encoder(config).eval().requires_grad_(False)


def batches():
    for lengths in ([1], [3, 3, 9], [100] * 7, [40, 40, 7, 7, 7, 1]):
        yield torch.randint(0, 50, (sum(lengths),)), Boundaries.from_lengths(lengths)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("make", MAKES)
@torch.no_grad()
def test_packed_equals_plain(dtype, make):
    if not can_prepack(dtype):
        pytest.skip(f"no packed kernels for {dtype} on this CPU")
    plain = make_encoder(**MAKES[make]).to(dtype)
    packed = prepack(copy.deepcopy(plain))
    assert is_packed(packed)
    assert list(plain_state(packed)) == list(plain.state_dict())
    for batch in batches():
        expected = plain.forward_packed(*batch)
        close = partial(torch.testing.assert_close, atol=TOLERANCE[dtype], rtol=0)
        close(packed.forward_packed(*batch), expected)
        traced = packed.trace_packed(*batch)
        close(traced.last_hidden_state, expected)
        close(traced.attentions[1], plain.trace_packed(*batch).attentions[1])


@pytest.fixture
def int8():
    reason = why_not_int8()
    if reason:
        pytest.skip(f"no 8-bit kernels: {reason}")


@pytest.mark.parametrize("make", MAKES)
@torch.no_grad()
def test_int8_is_close_to_plain(int8, make):
    plain = make_encoder(**MAKES[make])
    quantized = quantize(copy.deepcopy(plain))
    assert list(plain_state(quantized)) == list(plain.state_dict())
    for batch in batches():
        found, expected = quantized.forward_packed(*batch), plain.forward_packed(*batch)
        assert found.dtype == torch.float32
        assert F.cosine_similarity(found, expected, dim=1).min() > 0.998


@torch.no_grad()
def test_int8_multiplies_integers_exactly(int8):
    torch.manual_seed(0)
    linear = torch.nn.Linear(96, 40)
    vectors = torch.randn(33, 96) * torch.logspace(-6, 6, 33)[:, None]
    vectors[5] = 0
    found = QuantizedMap([linear])(vectors)

    integers, steps, least = (part.double() for part in quantize_rows(vectors))
    scales = linear.weight.double().abs().amax(1) / 127
    rounded = (linear.weight.double() / scales[:, None]).round() * scales[:, None]
    expected = integers @ rounded.T * steps + least * rounded.sum(1) + linear.bias.double()
    # Large offsets are added to large products and cancel.
    size = vectors.abs().amax(1, keepdim=True).clamp(min=1)
    torch.testing.assert_close(found / size, (expected / size).float(), atol=1e-5, rtol=0)
    other = torch.randn(33, 40)
    torch.testing.assert_close(QuantizedMap([linear]).add(vectors, other), found + other)


def test_rows_are_rounded_between_their_ends():
    vectors = torch.randn(33, 30) * torch.logspace(-6, 6, 33)[:, None]
    vectors[5], vectors[6] = 0, 2.5
    integers, steps, least = quantize_rows(vectors)
    assert integers.dtype == torch.uint8
    torch.testing.assert_close(least[:, 0], vectors.amin(1), atol=0, rtol=0)
    ends = vectors.amax(1) - vectors.amin(1)
    torch.testing.assert_close(steps[:, 0] * 255, ends, atol=0, rtol=1e-6)
    error = (integers * steps + least - vectors).abs()
    # The kernel widens a row by 1e-8, so as not to divide by 0.
    assert (error <= 0.5001 * steps + 1e-6 * vectors.abs() + 1e-8).all()


@torch.no_grad()
def test_int8_does_not_depend_on_company(int8):
    torch.manual_seed(0)
    mapped = QuantizedMap([torch.nn.Linear(96, 40)])
    vectors = torch.randn(64, 96)
    company = torch.cat([vectors[:1], vectors[1:] * 1000])
    torch.testing.assert_close(mapped(vectors)[0], mapped(company)[0], atol=0, rtol=0)


@pytest.mark.parametrize("products", [0.0, 32767.0 * 32])
def test_a_cpu_that_lets_sums_overflow_is_refused(int8, monkeypatch, products):
    # What 16-bit sums of neighbouring products saturate to, and a kernel that does nothing.
    monkeypatch.setattr(quantized, "_multiply_integers", lambda *_: torch.full((16, 16), products))
    assert "no exact 8-bit dot product" in why_not_int8()
    with pytest.raises(DeviceError, match="precision='int8' is not to be had on cpu"):
        TextEncoder.load(precision="int8", device="cpu")


def test_int8_is_refused_without_its_kernels(monkeypatch):
    monkeypatch.setattr(torch.ops, "onednn", object())
    assert "has no 8-bit linear map" in why_not_int8()
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert "without oneDNN" in why_not_int8()


def test_text_encoder_packs_where_it_can(text_encoder):
    assert is_packed(text_encoder.encoder) == can_prepack(torch.float32)


def test_text_encoder_goes_on_without(monkeypatch, text_encoder, docs):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    plain = TextEncoder.load(precision="float32", device="cpu")
    assert not is_packed(plain.encoder)
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
    packed_names, plain_names = packed.state_dict(), plain_state(packed)
    named = {
        name: other.state_dict()[plain]
        for name, plain in zip(packed_names, plain_names, strict=True)
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
