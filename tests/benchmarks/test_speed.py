"""A whole run of the speed benchmark on a small model: what it finds, shows and writes."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import SpeedSettings, run_speed
from benchmarks.engines import BASELINE
from benchmarks.environment import pinned_threads
from benchmarks.speed_plot import check_plot_path, plot_speed
from benchmarks.speed_rounds import seconds_of_one, take_turns
from benchmarks.speed_tables import format_report
from benchmarks.speed_texts import TEXT_SETS
from skencoder.errors import ParameterError


def test_engines_take_turns_and_the_order_turns_round():
    calls = []

    def action(name):
        calls.append(name)
        return float(len(calls))

    actions = {name: lambda name=name: action(name) for name in "ab"}

    seconds = take_turns(actions, rounds=3, pause=0)

    assert calls == list("abbaab")
    assert seconds == {"a": [1, 4, 5], "b": [2, 3, 6]}


def test_single_texts_are_encoded_alone():
    calls = []
    assert seconds_of_one(calls.append, ["x", "y", "z"]) >= 0
    assert calls == [["x"], ["y"], ["z"]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rounds": 1}, "rounds=1"),
        ({"threads": 0}, "threads=0"),
        ({"pause": -1}, "pause=-1"),
        ({"device": "tpu"}, "device='tpu'"),
        ({"against": ["abacus"]}, "'abacus'; expected some of sentence-transformers"),
        ({"precision": ["int3"]}, "'int3'; expected some of float32"),
        ({"lengths": ["endless"]}, "'endless'; expected some of short, mixed, long"),
        ({"measure": ["mood"]}, "'mood'; expected some of latency, memory, gemm"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ParameterError, match=message):
        run_speed(SpeedSettings(**settings))


def test_paths_that_are_not_there_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ParameterError, match="no such file"):
        SpeedSettings(gguf=tmp_path / "none.gguf")
    with pytest.raises(ParameterError, match="expected a folder"):
        SpeedSettings(exports=tmp_path / "file")


@pytest.fixture(scope="module")
def settings(tiny_bert):
    pytest.importorskip("sentence_transformers")
    return SpeedSettings(
        str(tiny_bert), [BASELINE], texts=6, rounds=3, threads=1, measure=[], pause=0
    )


@pytest.fixture(scope="module")
def report(settings):
    both = ["float32", "bfloat16"]
    with pytest.MonkeyPatch.context() as patch:
        # Multiplications of 2,048 rows take seconds.
        for name in ("TOKENS", "SQUARE"):
            patch.setattr(f"benchmarks.speed_gemm.{name}", 256)
        return run_speed(replace(settings, precision=both, measure=["latency", "gemm"]))


@pytest.fixture(scope="module")
def bare_report(settings):
    """Without any measure, beside an engine that cannot run."""
    asked = replace(settings, against=["llama-cpp-file"], precision=["float32"])
    return run_speed(replace(asked, lengths=["short"], texts=2, rounds=2))


@pytest.fixture(scope="module")
def report_of_memory(settings):
    asked = replace(settings, precision=["float32"], lengths=["short"], rounds=2)
    return run_speed(replace(asked, measure=["memory"]))


def test_every_set_has_every_engine_that_can_run(report):
    assert [measured.name for measured in report.sets] == list(TEXT_SETS)
    expected = {BASELINE, f"{BASELINE}-bfloat16", "skencoder-float32", "skencoder-bfloat16"}
    for measured in report.sets:
        names = [speed.engine for speed in measured.engines]
        assert names[0] == BASELINE
        assert {*names, *report.left_out} == expected
        assert measured.n_texts == 6
        assert measured.tokens > 6 * 8


def test_figures_agree_with_the_seconds_they_come_from(report):
    for measured in report.sets:
        baseline = measured.engines[0]
        assert baseline.ratio == baseline.ratio_low == baseline.ratio_high == 1
        for speed in measured.engines:
            assert len(speed.seconds) == 3
            assert speed.texts_per_second == pytest.approx(np.median(6 / np.array(speed.seconds)))
            ratios = np.array(baseline.seconds) / np.array(speed.seconds)
            assert speed.ratio == pytest.approx(np.median(ratios))


def test_shares_agree_with_the_multiplications_of_the_same_rounds(report):
    measured = report.sets[0]
    for speed in measured.engines:
        (gemm,) = [
            entry
            for entry in measured.gemm
            if (entry.precision, entry.shapes) == (speed.precision, "model")
        ]
        limit = gemm.operations / np.array(gemm.seconds)
        share = measured.operations / np.array(speed.seconds) / limit
        assert speed.gemm_share == pytest.approx(np.median(share))
        assert gemm.rate == pytest.approx(np.median(limit))


def test_the_vectors_are_sentence_transformers_vectors(report):
    for measured in report.sets:
        for speed in measured.engines:
            assert -1 <= speed.worst_cosine <= speed.mean_cosine <= 1 + 1e-9
        cosines = {speed.engine: speed.worst_cosine for speed in measured.engines}
        assert cosines["skencoder-float32"] == pytest.approx(1, abs=1e-5)
        assert min(cosines.values()) > 0.995


def test_latency_is_of_the_same_engines(report):
    names = [speed.engine for speed in report.sets[0].engines]

    assert [entry.engine for entry in report.latency] == names
    assert all(len(entry.seconds) == 3 and min(entry.seconds) > 0 for entry in report.latency)


@pytest.mark.minutes
def test_memory_is_of_two_numbers_of_texts(report_of_memory):
    memory = report_of_memory.memory

    assert [entry.engine for entry in memory] == [BASELINE, "skencoder-float32"]
    assert all(entry.n_texts == (1, 6) for entry in memory)
    assert report_of_memory.memory_texts == "short"
    assert "peak memory beyond the weights" in format_report(report_of_memory)


def test_json_holds_figures_settings_versions_and_hardware(report):
    data = json.loads(report.to_json())

    assert {"settings", "machine", "versions", "sets", "latency", "memory", "left_out"} < set(data)
    assert data["settings"]["rounds"] == 3
    assert data["machine"]["threads"] == 1
    assert data["machine"]["cores"] >= 1
    assert data["machine"]["cpu"]
    assert data["versions"]["torch"]
    assert "openvino" in data["versions"]
    assert data["sets"][0]["gemm"][0]["seconds"]


def test_the_tables_show_what_was_measured(report):
    text = format_report(report)

    speed = report.sets[0].engines[-1]
    line = next(line.split() for line in text.splitlines() if line.startswith(speed.engine))
    assert line[1] == f"{speed.texts_per_second:.1f}"
    assert line[3] == f"{speed.ratio:.2f}"
    assert line[-1] == f"{speed.gemm_share:.2f}"
    assert "matrix multiplication alone" in text
    assert "one short text at a time" in text


def test_what_is_not_asked_for_is_not_measured(bare_report):
    report = bare_report

    assert (report.latency, report.memory, report.sets[0].gemm) == ((), (), ())
    assert report.sets[0].engines[0].gemm_share is None
    assert "memory" not in format_report(report)


def test_threads_are_given_back(monkeypatch):
    import os

    import torch

    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("RAYON_NUM_THREADS", raising=False)
    before = torch.get_num_threads()

    with pinned_threads(1):
        assert torch.get_num_threads() == 1
        assert os.environ["RAYON_NUM_THREADS"] == os.environ["OMP_NUM_THREADS"] == "1"

    assert torch.get_num_threads() == before
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "RAYON_NUM_THREADS" not in os.environ


def test_an_engine_that_cannot_run_is_left_out_with_the_reason(bare_report):
    assert list(bare_report.left_out) == ["llama-cpp-file"]
    assert "left out: llama-cpp-file, no file was given" in format_report(bare_report)
    names = [speed.engine for speed in bare_report.sets[0].engines]
    assert names == [BASELINE, "skencoder-float32"]


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_the_chart_is_a_picture(report, tmp_path, suffix, magic):
    path = tmp_path / f"speed{suffix}"
    check_plot_path(path)

    plot_speed(report, path)

    assert path.read_bytes().startswith(magic)


def test_a_chart_of_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ParameterError, match=r"\.xyz"):
        check_plot_path(tmp_path / "speed.xyz")
