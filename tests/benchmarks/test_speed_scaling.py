"""How cost grows: the same figures in the report, its tables, JSON and chart."""

import json
from statistics import median

import pytest

from benchmarks import SpeedSettings
from benchmarks.engines import BASELINE
from benchmarks.speed_scaling import _powers, run_scaling
from benchmarks.speed_scaling_plot import plot_scaling
from benchmarks.speed_scaling_report import format_scaling
from benchmarks.speed_statistics import growth_exponent
from skencoder.errors import ParameterError


@pytest.fixture(scope="module")
def report(tiny_bert):
    pytest.importorskip("sentence_transformers")
    settings = SpeedSettings(str(tiny_bert), precision=["float32"], rounds=2, threads=1)
    return run_scaling(settings, up_to=1000)


def test_sizes_grow_by_a_factor_up_to_the_last():
    assert _powers(100, 100_000, 10) == [100, 1000, 10_000, 100_000]
    assert _powers(1, 6, 2) == [1, 2, 4, 6]
    assert _powers(1, 1, 2) == [1]


@pytest.mark.minutes
def test_there_is_a_curve_for_each_engine_and_question(report):
    for curves in (report.texts, report.lengths, report.threads):
        assert [curve.engine for curve in curves] == [BASELINE, "skencoder-float32"]
    assert [point.size for point in report.texts[1].points] == [100, 1000]
    assert [point.n_texts for point in report.texts[1].points] == [100, 1000]
    assert [point.size for point in report.lengths[1].points] == [8, 16, 32, 64, 128, 256]
    assert {point.tokens for point in report.lengths[1].points} == {4096}
    assert [point.size for point in report.threads[1].points] == [1]
    assert report.left_out == {}


@pytest.mark.minutes
def test_exponents_come_from_the_points(report):
    curve = report.texts[0]
    seconds = [median(point.seconds) for point in curve.points]

    assert curve.exponent == growth_exponent([100, 1000], seconds)
    assert report.threads[0].exponent is None


@pytest.mark.minutes
def test_the_report_is_json_a_table_and_a_picture(report, tmp_path):
    data = json.loads(report.to_json())
    assert data["texts"][1]["points"][1]["n_texts"] == 1000
    assert data["settings"]["up_to"] == 1000

    shown = format_scaling(report)
    assert "time grows with the power: sentence-transformers" in shown
    assert shown.count("skencoder-float32") == 2 + 6 + 1 + 2

    plot_scaling(report, tmp_path / "scaling.png")
    assert (tmp_path / "scaling.png").read_bytes().startswith(b"\x89PNG")


def test_too_few_texts_are_refused():
    with pytest.raises(ParameterError, match="up_to=5"):
        run_scaling(up_to=5)
