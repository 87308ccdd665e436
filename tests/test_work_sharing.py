"""Batches on several devices, and in pieces where memory runs out, give the same vectors."""

from dataclasses import replace

import pytest
import torch

from skencoder import EncoderVectorizer, EncodingOptions, TextEncoder
from skencoder.batching import TokenBudget
from skencoder.encoder import why_not_int8
from skencoder.errors import DeviceError, DeviceMemoryError, ParameterError

OPTIONS = EncodingOptions(overflow="truncate")


class SmallDevice:
    """An engine with memory for so many tokens, which fails as allocators do."""

    def __init__(self, engine, most, error):
        self.engine, self.most, self.error = engine, most, error
        self.failed = []

    def encode(self, input_ids, lengths, readouts):
        if len(input_ids) > self.most:
            self.failed.append(len(input_ids))
            raise self.error
        return self.engine.encode(input_ids, lengths, readouts)


def shrink(encoder, most, error=None):
    error = error or torch.OutOfMemoryError("CUDA out of memory.")
    device = SmallDevice(encoder.workers[0].engine, most, error)
    workers = [replace(encoder.workers[0], engine=device)]
    parts = (encoder.precision, encoder.tokenizer, encoder.settings, encoder.source)
    return TextEncoder(workers, *parts), device


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError(),
    ],
)
def test_a_batch_that_does_not_fit_is_halved_and_remembered(text_encoder, docs, error):
    texts = docs.data[:60]
    small, device = shrink(text_encoder, 300, error)
    expected = text_encoder.encode(texts, OPTIONS).vectors
    torch.testing.assert_close(small.encode(texts, OPTIONS).vectors, expected, atol=1e-6, rtol=0)
    assert device.failed
    device.failed.clear()
    small.encode(texts, OPTIONS)
    assert not device.failed


def test_a_single_text_that_does_not_fit_is_named(text_encoder):
    small, _ = shrink(text_encoder, 50)
    texts = ["short", "also short", "long " * 100, "short"]
    with pytest.raises(DeviceMemoryError, match="Row 2 has 102 tokens") as caught:
        small.encode(texts, OPTIONS)
    assert isinstance(caught.value, MemoryError)


def test_other_errors_are_not_taken_for_it(text_encoder):
    broken, device = shrink(text_encoder, 1, RuntimeError("illegal instruction"))
    with pytest.raises(RuntimeError, match="illegal instruction"):
        broken.encode(["a text", "another"], OPTIONS)
    assert len(device.failed) == 1


def test_a_budget_only_shrinks():
    budget = TokenBudget()
    assert budget.within(2048) == 2048
    budget.halve(1000)
    budget.halve(3000)
    assert (budget.within(2048), budget.within(100)) == (500, 100)
    budget.halve(1)
    assert budget.most == 1


def test_several_devices_share_the_batches(text_encoder, docs):
    both = TextEncoder.load(precision="float32", device=["cpu", "cpu"])
    assert both.device_names == "cpu,cpu"
    told = []
    texts = docs.data[:80]
    plan = both.plan(EncodingOptions(overflow="truncate", batch_tokens=200))
    vectors = both.encode_raw(texts, [plan], advance=told.append).vectors[0]
    expected = text_encoder.encode_raw(texts, [plan]).vectors[0]
    torch.testing.assert_close(vectors, expected, atol=1e-5, rtol=0)
    assert sum(told) == len(texts)


def test_an_estimator_takes_a_list_of_devices(docs):
    vectorizer = EncoderVectorizer(device=["cpu", "cpu"], precision="float32", cache=None)
    assert vectorizer.fit_transform(["a text", "another"]).shape == (2, 384)


@pytest.mark.parametrize(
    ("device", "message"), [("cpu,meta", "not there"), (["cpu", "nonsense"], "must be 'auto'")]
)
def test_devices_that_are_not_there(device, message):
    with pytest.raises((DeviceError, ParameterError), match=message):
        TextEncoder.load(device=device)


def test_float16_is_not_for_a_cpu():
    with pytest.raises(DeviceError, match="precision='float16' is not to be had on cpu"):
        TextEncoder.load(precision="float16", device="cpu")


def test_int8_keeps_to_float32(text_encoder, docs):
    reason = why_not_int8()
    if reason:
        pytest.skip(f"no 8-bit kernels: {reason}")
    texts = docs.data[:100]
    encoder = TextEncoder.load(precision="int8", device="cpu")
    assert encoder.precision == encoder.facts.precision == "int8"
    assert encoder.fingerprint == text_encoder.fingerprint
    found, expected = (e.encode(texts, OPTIONS).vectors for e in (encoder, text_encoder))
    cosine = torch.nn.functional.cosine_similarity(found, expected)
    assert cosine.mean() > 0.995
    assert cosine.min() > 0.99
    alone = torch.cat([encoder.encode([text], OPTIONS).vectors for text in texts[:10]])
    assert torch.nn.functional.cosine_similarity(alone, found[:10]).min() > 0.9999
