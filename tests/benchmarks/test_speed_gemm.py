"""The rate of matrix multiplication: right products, right counts, no slower than torch's own."""

import time

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from benchmarks.speed_gemm import (
    PATHS,
    _matrices,
    make_probe,
    model_shapes,
    square_shapes,
)
from benchmarks.speed_model import describe_model

SHAPE = (64, 96, 160)


@pytest.mark.parametrize(
    ("precision", "path"), [(p, name) for p, paths in PATHS.items() for name in paths]
)
def test_every_path_multiplies(precision, path):
    torch.manual_seed(0)
    batch, weight = _matrices(SHAPE, precision, "cpu")
    try:
        product = PATHS[precision][path](batch, weight)()
    except (RuntimeError, AttributeError, NotImplementedError, TypeError) as error:
        pytest.skip(f"this torch or processor has no {path}: {error}")

    expected = F.linear(batch.double(), weight.double())
    scale = expected.abs().max()
    assert ((product.double() - expected).abs().max() / scale) < 0.02


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_operations_are_two_for_each_product(precision):
    probe = make_probe(precision, [SHAPE, SHAPE])

    assert probe.operations == 2 * 2 * 64 * 96 * 160
    assert probe.path in PATHS[precision]


def test_the_model_s_shapes_are_its_linear_maps():
    facts = describe_model("all-MiniLM-L6-v2")

    assert model_shapes(facts)[:2] == [(2048, 384, 1152), (2048, 384, 384)]
    # 2,048 tokens through six layers of 8 h^2 + 4 h f.
    operations = sum(2 * rows * inputs * outputs for rows, inputs, outputs in model_shapes(facts))
    assert operations == 2048 * 6 * (8 * 384**2 + 4 * 384 * 1536)
    assert square_shapes() == [(2048, 2048, 2048)]


def test_the_rate_is_no_slower_than_a_plain_product():
    shape = (512, 512, 512)
    probe = make_probe("float32", [shape])
    batch, weight = _matrices(shape, "float32", "cpu")

    def best(run):
        times = []
        for _ in range(15):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        return min(times)

    # The best of many, and a wide margin: the machine may be busy.
    assert best(probe.run) < 2 * best(lambda: batch @ weight.T)


def test_a_precision_without_a_path_is_none(monkeypatch):
    def fails(batch, weight):
        raise RuntimeError("no such kernel")

    monkeypatch.setitem(PATHS, "int8", {"none": fails})
    assert make_probe("int8", [SHAPE]) is None
