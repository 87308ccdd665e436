import json
import math

import numpy as np
import pytest

from benchmarks import SpeedSettings, run_speed
from benchmarks.engines import BASELINE, ENGINES, Engine
from benchmarks.errors import EngineUnavailableError
from benchmarks.speed import time_rounds
from benchmarks.speed_plot import check_plot_path, plot_speed
from benchmarks.speed_report import format_report
from benchmarks.speed_statistics import median_interval, round_ratios, summarise, worst_cosine
from benchmarks.speed_texts import TEXT_SETS, choose_texts
from skencoder.errors import ParameterError

# --- arithmetic, against values worked out by hand


def test_ratios_are_taken_round_by_round():
    # One round was disturbed for both: 8 s and 4 s instead of 2 s and 1 s.
    np.testing.assert_allclose(round_ratios([1, 4, 1], [2, 8, 3]), [2, 2, 3])


def test_figures_of_an_engine():
    speed = summarise(
        "fast", "", seconds=[1, 4, 2], baseline_seconds=[2, 8, 6], n_texts=100, cosine=0.5
    )

    # 100, 25 and 50 texts/s; ratios 2, 2 and 3.
    assert (speed.texts_per_second, speed.slowest, speed.fastest) == (50, 25, 100)
    assert speed.ratio == 2
    assert speed.ratio_low == 2
    assert speed.ratio_high == 3


def test_equal_rounds_have_no_uncertainty():
    assert median_interval(np.array([1.5, 1.5, 1.5])) == (1.5, 1.5, 1.5)


def test_the_interval_holds_the_median_and_the_rounds_hold_the_interval():
    ratios = np.random.default_rng(0).lognormal(size=9)

    median, low, high = median_interval(ratios)

    assert ratios.min() <= low <= median <= high <= ratios.max()
    assert median == np.median(ratios)


def test_the_worst_cosine_ignores_length():
    reference = np.array([[1.0, 0.0], [0.0, 2.0]])
    vectors = np.array([[5.0, 0.0], [3.0, 4.0]])

    assert worst_cosine(vectors, reference) == pytest.approx(0.8)


# --- texts


@pytest.mark.parametrize("name", list(TEXT_SETS))
def test_texts_are_different_and_the_same_every_time(name):
    texts = choose_texts(name, 50)

    assert len(set(texts)) == 50
    assert texts == choose_texts(name, 50)
    assert texts != choose_texts(name, 50, seed=1)


def test_short_texts_are_short_and_mixed_ones_are_not():
    assert {len(text.split()) for text in choose_texts("short", 50)} == {10}
    assert min(len(text.split()) for text in choose_texts("mixed", 50)) >= 25


@pytest.mark.parametrize("n_texts", [0, 10**6])
def test_more_texts_than_there_are_is_refused(n_texts):
    with pytest.raises(ParameterError, match=f"texts={n_texts}"):
        choose_texts("short", n_texts)


# --- runs


def test_engines_take_turns_and_the_order_turns_round():
    calls = []
    encoders = {name: lambda texts, name=name: calls.append((name, len(texts))) for name in "ab"}

    seconds = time_rounds(encoders, ["x", "y"], rounds=3)

    assert calls == [(name, 2) for name in "abbaab"]
    assert {name: len(times) for name, times in seconds.items()} == {"a": 3, "b": 3}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rounds": 1}, "rounds=1"),
        ({"threads": 0}, "threads=0"),
        ({"engines": ["abacus"]}, "'abacus'; expected some of sentence-transformers"),
        ({"sets": ["long"]}, "'long'; expected some of short, mixed"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ParameterError, match=message):
        run_speed(SpeedSettings(**settings))


@pytest.fixture(scope="module")
def report(tiny_bert):
    pytest.importorskip("sentence_transformers")
    return run_speed(SpeedSettings(str(tiny_bert), texts=6, rounds=3, threads=1))


def test_every_set_has_every_engine_that_can_run(report):
    assert [measured.name for measured in report.sets] == list(TEXT_SETS)
    for measured in report.sets:
        names = [speed.engine for speed in measured.engines]
        assert names[0] == BASELINE
        assert {*names, *report.left_out} == set(ENGINES)
        assert measured.n_texts == 6
        assert measured.median_tokens > 8


def test_figures_agree_with_the_seconds_they_come_from(report):
    for measured in report.sets:
        baseline = measured.engines[0]
        assert baseline.ratio == baseline.ratio_low == baseline.ratio_high == 1
        for speed in measured.engines:
            assert len(speed.seconds) == 3
            assert speed.texts_per_second == pytest.approx(np.median(6 / np.array(speed.seconds)))
            ratios = np.array(baseline.seconds) / np.array(speed.seconds)
            assert speed.ratio == pytest.approx(np.median(ratios))


def test_the_vectors_are_sentence_transformers_vectors(report):
    for measured in report.sets:
        cosines = {speed.engine: speed.worst_cosine for speed in measured.engines}
        assert cosines["skencoder-float32"] == pytest.approx(1, abs=1e-5)
        assert min(cosines.values()) > 0.995


def test_json_holds_figures_settings_versions_and_hardware(report):
    data = json.loads(report.to_json())

    assert set(data) == {"settings", "machine", "versions", "sets", "left_out"}
    assert data["settings"]["rounds"] == 3
    assert data["machine"]["threads"] == 1
    assert data["machine"]["cores"] >= 1
    assert data["machine"]["cpu"]
    assert data["versions"]["torch"]
    assert data["sets"][0]["engines"][1]["engine"] == "skencoder-float32"


def test_the_table_shows_the_ratio_beside_the_rate(report):
    text = format_report(report)

    speed = report.sets[0].engines[1]
    (line, _) = [line.split() for line in text.splitlines() if line.startswith(speed.engine)]
    assert line[1] == f"{speed.texts_per_second:.1f}"
    assert line[3] == f"{speed.ratio:.2f}"


def test_threads_are_given_back(report):
    import torch

    before = torch.get_num_threads()
    settings = SpeedSettings(
        report.settings["model"], [BASELINE], ["short"], texts=2, rounds=2, threads=1
    )

    assert run_speed(settings).machine["threads"] == 1
    assert torch.get_num_threads() == before


def test_an_engine_that_cannot_run_is_left_out_with_the_reason(report, monkeypatch):
    def load(model):
        raise EngineUnavailableError("it needs a steam boiler")

    monkeypatch.setitem(ENGINES, "steam", Engine("steam engine", load))
    settings = SpeedSettings(report.settings["model"], ["steam"], ["short"], texts=2, rounds=2)

    steamless = run_speed(settings)

    assert steamless.left_out == {"steam": "it needs a steam boiler"}
    assert "left out: steam, it needs a steam boiler" in format_report(steamless)
    assert [speed.engine for speed in steamless.sets[0].engines] == [BASELINE]


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_the_chart_is_a_picture(report, tmp_path, suffix, magic):
    path = tmp_path / f"speed{suffix}"
    check_plot_path(path)

    plot_speed(report, path)

    assert path.read_bytes().startswith(magic)


def test_a_chart_of_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ParameterError, match=r"\.xyz"):
        check_plot_path(tmp_path / "speed.xyz")


def test_short_texts_have_about_sixteen_tokens(report):
    assert math.isclose(report.sets[0].median_tokens, 16, abs_tol=4)
