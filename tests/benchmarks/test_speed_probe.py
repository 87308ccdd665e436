"""Memory of an engine, measured in a process of its own."""

import mmap

import pytest

from benchmarks.engines import Setup
from benchmarks.errors import EngineUnavailableError
from benchmarks.private_memory import CLEAR_REFS, peak_private_bytes, private_bytes, reset_peak
from benchmarks.speed_probe import run_probe

MEBIBYTE = 1024**2
needs_proc = pytest.mark.skipif(not CLEAR_REFS.exists(), reason="the system has no /proc")


@pytest.fixture
def setup(tiny_bert, tmp_path):
    return Setup(str(tiny_bert), threads=1, exports=str(tmp_path))


@needs_proc
def test_the_peak_holds_what_was_freed_and_can_be_forgotten():
    reset_peak()
    before = private_bytes()
    # Of the system: an array may be given memory that an engine of an earlier test has kept.
    with mmap.mmap(-1, 64 * MEBIBYTE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
        for _ in range(64):
            block.write(b"1" * MEBIBYTE)

    assert peak_private_bytes() - before >= 56 * MEBIBYTE
    reset_peak()
    assert peak_private_bytes() - before < 32 * MEBIBYTE


def test_a_process_of_its_own_measures_time_and_memory(setup):
    texts = [f"text number {number} " * 20 for number in range(48)]

    few, many = run_probe("skencoder-float32", setup, [texts[:4], texts], rounds=[2, 1])

    assert (few.n_texts, many.n_texts) == (4, 48)
    assert (len(few.seconds), len(many.seconds)) == (2, 1)
    assert min(few.seconds + many.seconds) > 0
    if CLEAR_REFS.exists():
        assert 0 <= few.peak_bytes < 500 * MEBIBYTE
        assert 0 < many.peak_bytes < 500 * MEBIBYTE


def test_an_engine_that_fails_there_says_why(tmp_path):
    setup = Setup(str(tmp_path / "no-model"), threads=1, exports=str(tmp_path))

    with pytest.raises(EngineUnavailableError, match="its own process failed: .*no-model"):
        run_probe("skencoder-float32", setup, [["a"]])
