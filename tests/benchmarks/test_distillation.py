"""A student of a random teacher, in small: what it reads, what is kept, how fast it is."""

import json

import numpy as np
import pytest

from benchmarks.cli import main
from benchmarks.distillation import run_distillation
from benchmarks.distillation_report import format_distillation
from benchmarks.distillation_settings import DistillationSettings
from benchmarks.distillation_texts import read_texts
from benchmarks.errors import MissingDataError
from skencoder.errors import ParameterError


@pytest.fixture(scope="module")
def small_root(tmp_path_factory, docs):
    """Short texts of the Python docs as both data sets; some test texts stand in training too."""
    root = tmp_path_factory.mktemp("data")
    short = np.array([5 <= len(text.split()) < 20 for text in docs.data])
    rows = [np.flatnonzero(short & (docs.target == topic))[:40] for topic in (3, 6, 8)]
    texts = docs.data[np.stack(rows).T.ravel()]  # topics take turns
    sts, banking = (root / "mteb" / name for name in ("stsbenchmark-sts", "banking77"))
    for folder in (sts, banking):
        folder.mkdir(parents=True)
    parts = {"train": texts[:40], "validation": texts[40:60], "test": texts[30:60]}
    for split, part in parts.items():
        rows = [
            {"sentence1": one, "sentence2": other, "score": len({*one.split()} & {*other.split()})}
            for one, other in zip(part, np.roll(part, 3), strict=True)
        ]
        (sts / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for split, part in {"train": texts[60:90], "test": texts[81:120]}.items():
        rows = [{"text": text, "label": row % 3} for row, text in enumerate(part)]
        (banking / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return root


@pytest.fixture(scope="module")
def settings(small_root, tiny_bert):
    return DistillationSettings(
        small_root, model=str(tiny_bert), layers=1, epochs=2, most_texts=60, draws=2, rounds=2
    )


@pytest.fixture(scope="module")
def report(settings):
    return run_distillation(settings)


def test_the_student_keeps_part_of_the_scores(report):
    assert [kept.task.split(",")[0] for kept in report.kept] == ["STSBenchmark", "Banking77"]
    for kept in report.kept:
        assert kept.share.value == pytest.approx(kept.student / kept.teacher)
        assert 0 < kept.teacher < 1
    banking = report.kept[1]
    assert banking.share.low <= banking.share.value <= banking.share.high
    assert report.loss[-1] < report.loss[0]


def test_one_layer_is_faster_than_two(report):
    assert report.speedup.low <= report.speedup.value <= report.speedup.high
    assert set(report.texts_per_second) == {"teacher", "student"}
    shown = format_distillation(report)
    assert f"{report.speedup.value:.2f} times the teacher's" in shown
    assert f"{report.kept[1].student:.4f}" in shown


def test_nothing_is_learned_from_that_is_judged(settings):
    texts = read_texts(settings)
    judged = {*texts.pairs.first, *texts.pairs.second, *texts.test.texts}
    assert len(texts.learned) == len(set(texts.learned)) == 60
    assert judged.isdisjoint(texts.learned)
    assert sum(texts.sources.values()) == 60


def test_choices_leave_the_test_splits_alone(small_root, tmp_path):
    file = tmp_path / "more.txt"
    file.write_text("This is a sentence of its own. And here is another one. Short.")
    texts = read_texts(DistillationSettings(small_root, texts=file, choose=True))
    assert len(texts.pairs.scores) == 20
    assert len(texts.train.labels) + len(texts.test.labels) == 30
    assert texts.sources["sentences of more.txt"] == 2


def test_what_cannot_be_used_is_told(small_root, tmp_path):
    with pytest.raises(ParameterError, match="rounds=1: expected at least 2"):
        DistillationSettings(small_root, rounds=1)
    with pytest.raises(MissingDataError, match="stsbenchmark"):
        run_distillation(DistillationSettings(tmp_path))


def test_command(settings, tmp_path, capsys):
    file = tmp_path / "out.json"
    code = main([
        "distillation", "--data-root", str(settings.data_root), "--model", settings.model,
        "--layers", "1", "--epochs", "1", "--most-texts", "20", "--draws", "1", "--rounds", "2",
        "--json", str(file),
    ])  # fmt: skip
    assert code == 0
    assert "1 layers of" in capsys.readouterr().out
    assert len(json.loads(file.read_text())["kept"]) == 2
