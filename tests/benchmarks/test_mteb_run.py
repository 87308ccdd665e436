"""Whole runs through mteb: on eight pairs by default, on the real data where they are."""

import json
import os
import socket
from importlib.metadata import version

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.base import BaseEstimator, TransformerMixin

from benchmarks import MTEBModel, run_mteb
from benchmarks.errors import UnknownTaskError
from benchmarks.mteb_report import format_failures, format_runs
from benchmarks.results_folder import RUNS_FILE
from skencoder import EncoderVectorizer

# Tasks are chosen here because their published scores are known, superseded or not; the other
# two come from mteb's and scikit-learn's code and say nothing about the model.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The task .* is superseded:UserWarning"),
    pytest.mark.filterwarnings("ignore:To copy construct from a tensor:UserWarning:mteb"),
    pytest.mark.filterwarnings("ignore:Recall is ill-defined"),
]


class NaNForLongLists(TransformerMixin, BaseEstimator):
    """Passes the trial with two texts, fails in the task."""

    def __sklearn_is_fitted__(self):
        return True

    def transform(self, X):
        return np.full((len(X), 2), 1.0 if len(X) < 3 else np.nan)


def test_the_score_is_the_rank_correlation_of_cosines(hub_folder, sts_file, tfidf_svd):
    (run,) = run_mteb(tfidf_svd, ["STSBenchmark"], data_root=hub_folder)

    rows = [json.loads(line) for line in sts_file.read_text().splitlines()]
    first, second = (
        tfidf_svd.transform([row[side] for row in rows]) for side in ("sentence1", "sentence2")
    )
    cosines = (first * second).sum(axis=1) / (
        np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    )
    expected = spearmanr(cosines, [row["score"] for row in rows]).statistic
    (row,) = run.rows
    assert (run.metric, row.split, row.subset) == ("cosine_spearman", "test", "default")
    assert row.score == pytest.approx(expected, abs=1e-6)
    assert row.record.n_texts == 16
    assert run.error is None


def test_a_task_without_data_fails_with_the_path_and_the_others_run(hub_folder, tiny_model):
    missing, run = run_mteb(
        tiny_model, ["Banking77Classification", "STSBenchmark"], data_root=hub_folder
    )

    assert str(hub_folder / "mteb" / "banking77") in missing.error
    assert missing.rows == ()
    assert len(run.rows) == 1
    assert "Banking77Classification failed: no data at" in format_failures([missing, run])
    assert format_failures([run]) == ""


def test_damaged_data_are_told_from_a_damaged_run(hub_folder, sts_file, tiny_model):
    sts_file.write_text("{")

    (run,) = run_mteb(tiny_model, ["STSBenchmark"], data_root=hub_folder)

    assert run.error.startswith(f"the data at {sts_file.parent} could not be loaded")


def test_vectors_with_nan_fail_the_task(hub_folder):
    (run,) = run_mteb(NaNForLongLists(), ["STSBenchmark"], data_root=hub_folder)

    assert "NaNForLongLists gave NaN or infinity for 8 of 8 texts" in run.error


def test_an_unknown_task_stops_before_anything_is_run(hub_folder, tiny_model):
    with pytest.raises(UnknownTaskError, match="STSBenchmark"):
        run_mteb(tiny_model, ["STSBenchmark", "STSBenchmrk"], data_root=hub_folder)


def test_the_same_run_gives_the_same_score_whatever_ran_before(hub_folder, tiny_model):
    # In one call a task that is named twice runs once.
    (twice,) = run_mteb(tiny_model, ["STSBenchmark", "STSBenchmark"], data_root=hub_folder)
    runs = [twice, *run_mteb(tiny_model, ["STSBenchmark"], data_root=hub_folder)]

    assert runs[0].rows[0].score == runs[1].rows[0].score
    assert [run.rows[0].record.n_texts for run in runs] == [16, 16]


def test_without_a_results_folder_nothing_is_written(
    hub_folder, tiny_model, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))

    run_mteb(tiny_model, ["STSBenchmark"], data_root=hub_folder)

    assert sorted(tmp_path.rglob("*")) == before


def test_no_network_is_tried(hub_folder, tfidf_svd, monkeypatch):
    tried = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **_: tried.append(address))
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: tried.append(address))

    run_mteb(tfidf_svd, ["STSBenchmark", "ArguAna"], data_root=hub_folder)

    assert tried == []


# --- results


def test_a_finished_task_is_not_run_again_until_its_data_change(
    hub_folder, sts_file, tiny_model, tmp_path
):
    def run():
        options = {"data_root": hub_folder, "results": tmp_path / "results"}
        (task_run,) = run_mteb(tiny_model, ["STSBenchmark"], **options)
        return task_run

    first, second = run(), run()
    sts_file.write_text(sts_file.read_text().replace("4.6", "0.3"))
    third = run()

    assert [r.stored for r in (first, second, third)] == [False, True, False]
    assert first.rows[0].score == pytest.approx(second.rows[0].score, abs=1e-6)
    assert third.rows[0].score != pytest.approx(first.rows[0].score, abs=1e-3)
    assert "stored" in format_runs([second])


def test_another_model_gets_its_own_result(hub_folder, tiny_bert, tiny_model, tmp_path):
    options = {"data_root": hub_folder, "results": tmp_path / "results"}
    run_mteb(tiny_model, ["STSBenchmark"], **options)

    shorter = EncoderVectorizer(tiny_bert, precision="float32", truncate_dim=4)
    (run,) = run_mteb(shorter, ["STSBenchmark"], **options)

    assert not run.stored


def test_mteb_reads_the_results_back_with_all_that_made_them(
    hub_folder, sts_file, tiny_model, tmp_path
):
    import mteb

    (run,) = run_mteb(
        tiny_model, ["STSBenchmark"], data_root=hub_folder, results=tmp_path / "results"
    )

    meta = tiny_model.mteb_model_meta
    cache = mteb.ResultCache(tmp_path / "results")
    stored = cache.load_task_result("STSBenchmark", meta)
    assert stored.get_score() == pytest.approx(run.rows[0].score, abs=1e-6)
    assert stored.dataset_revision.startswith("sha256-")
    path = cache.get_task_result_path("STSBenchmark", meta)
    (entry,) = [json.loads(line) for line in (path.parent / RUNS_FILE).read_text().splitlines()]
    assert entry["model_fingerprint"] == meta.revision
    assert entry["settings"]["precision"] == "float32"
    assert entry["data_revision"] == stored.dataset_revision
    assert entry["encoding"][0]["n_texts"] == 16
    assert entry["encoding"][0]["seconds"] > 0
    assert entry["versions"]["mteb"] == version("mteb")
    assert entry["machine"]["threads"] >= 1


def test_the_table_shows_scores_as_they_are_published(hub_folder, tiny_bert):
    model = MTEBModel(EncoderVectorizer(tiny_bert, precision="float32", max_length=8))

    runs = run_mteb(model, ["STSBenchmark", "ArguAna"], data_root=hub_folder)
    header, _, sts, arguana = (line.split() for line in format_runs(runs).splitlines())

    assert header[:4] == ["task", "split", "subset", "main"]
    assert sts[:5] == [
        "STSBenchmark", "test", "default", f"{runs[0].rows[0].score:.4f}", "cosine_spearman",
    ]  # fmt: skip
    assert int(sts[-1]) == runs[0].rows[0].record.n_truncated > 0
    assert arguana[:4] == ["ArguAna", "-", "-", "failed"]


# --- real data; published scores stand in test_published_scores


@pytest.mark.data
def test_tfidf_is_a_baseline_on_real_tasks(data_root, tfidf_svd):
    tasks = ["STSBenchmark", "PoemSentimentClassification", "XQuADRetrieval", "Tatoeba"]

    runs = run_mteb(
        tfidf_svd, tasks, data_root=data_root / "mteb", subsets=["en", "deu-eng", "eng_Latn"]
    )

    assert [run.error for run in runs] == [None] * len(tasks)
    assert [row.subset for run in runs for row in run.rows] == [
        "default", "default", "default", "en", "deu-eng",
    ]  # fmt: skip
    assert all(0 < row.score < 0.8 for run in runs for row in run.rows)


@pytest.mark.data
def test_subsets_that_are_not_there_are_named_as_the_reason(data_root, tfidf_svd):
    (run,) = run_mteb(tfidf_svd, ["XQuADRetrieval"], data_root=data_root / "mteb")

    assert os.fspath(data_root / "mteb" / "mteb" / "XQuADRetrieval") in run.error
    assert "--subsets" in run.error
