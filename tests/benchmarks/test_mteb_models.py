"""Several models in one call, runs that are stopped, and files that were damaged."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin

from benchmarks import MTEBModel, run_mteb
from benchmarks.errors import RunStoppedError
from benchmarks.mteb_report import format_failures, format_runs
from benchmarks.mteb_search import Searched
from benchmarks.result_files import read_examples
from skencoder import EmbeddingCache, EncoderRetriever, EncoderVectorizer
from skencoder.errors import CheckpointNotFoundError, ParameterError

pytestmark = pytest.mark.filterwarnings("ignore:The task .* is superseded:UserWarning")

CARD = """---
configs:
- config_name: default
  data_files:
  - split: validation
    path: validation.jsonl
  - split: test
    path: test.jsonl
---
"""
# Read by the estimator below, so that it is the same model whether it is stopped or not.
STOPPING = {"after": None, "texts": 0}


class Stoppable(TransformerMixin, BaseEstimator):
    """Vectors of letters; the user presses Ctrl-C when it has seen some texts."""

    def __sklearn_is_fitted__(self):
        return True

    def transform(self, X):
        # Two texts are the trial of a new model.
        STOPPING["texts"] += len(X) if len(X) > 2 else 0
        if STOPPING["after"] is not None and STOPPING["texts"] > STOPPING["after"]:
            raise KeyboardInterrupt
        counts = [[text.count(letter) for letter in "abcdefghij"] for text in X]
        return np.array(counts, dtype=float) + 0.1


@pytest.fixture
def two_splits(sts_file, hub_folder):
    """A task with two splits, of eight pairs each, and the data root."""
    folder = hub_folder / "mteb" / "STSBenchmarkv2"
    folder.mkdir()
    (folder / "README.md").write_text(CARD)
    for split in ("validation", "test"):
        shutil.copy(sts_file, folder / f"{split}.jsonl")
    return hub_folder


@pytest.fixture
def stopped(two_splits, tmp_path):
    """The results folder of a run that was stopped within the second task's second split."""
    STOPPING.update(after=16 + 16, texts=0)
    with pytest.raises(RunStoppedError) as caught:
        run_mteb(
            Stoppable(),
            ["STSBenchmark", "STSBenchmark.v2"],
            data_root=two_splits,
            results=tmp_path / "out",
        )
    STOPPING.update(after=None, texts=0)
    return tmp_path / "out", caught.value


def one(folder, pattern):
    (found,) = folder.rglob(pattern)
    return found


def test_a_run_that_is_stopped_says_what_is_finished_and_where(stopped):
    folder, error = stopped

    assert "finished are 1 of 2 (STSBenchmark)" in str(error)
    assert str(folder) in str(error)
    assert [run.task for run in error.runs] == ["STSBenchmark"]
    assert isinstance(error, KeyboardInterrupt)


def test_without_results_it_says_that_nothing_is_kept(two_splits):
    STOPPING.update(after=0, texts=0)
    with pytest.raises(RunStoppedError, match=r"0 of 1 \(none\); nothing is kept"):
        run_mteb(Stoppable(), ["STSBenchmark"], data_root=two_splits)


def test_the_next_run_goes_on_with_what_is_missing_and_keeps_all_examples(stopped, two_splits):
    folder, _ = stopped
    options = {"data_root": two_splits, "results": folder}

    runs = run_mteb(Stoppable(), ["STSBenchmark", "STSBenchmark.v2"], **options)

    assert [run.stored for run in runs] == [True, False]
    assert STOPPING["texts"] == 16
    assert {row.split for row in runs[1].rows} == {"validation", "test"}
    _, sets = read_examples(one(folder, "examples/STSBenchmark.v2.json"))
    assert sorted(examples.split for examples in sets) == ["test", "validation"]


def test_a_damaged_file_is_named_and_made_again(stopped, two_splits, caplog):
    folder, _ = stopped
    path = one(folder, "STSBenchmark.v2.json")
    path.write_text(path.read_text()[:40])
    examples = one(folder, "examples/STSBenchmark.json").with_name("STSBenchmark.v2.json")
    examples.write_text('{"task"')

    (run,) = run_mteb(Stoppable(), ["STSBenchmark.v2"], data_root=two_splits, results=folder)

    assert run.error is None
    assert f"{path} is damaged, the task is run again" in caplog.text
    assert f"{examples} is damaged and is written anew" in caplog.text
    assert STOPPING["texts"] == 32
    assert len(read_examples(examples)[1]) == 2


def test_examples_follow_the_data(hub_folder, sts_file, tiny_model, tmp_path):
    def run():
        run_mteb(tiny_model, ["STSBenchmark"], data_root=hub_folder, results=tmp_path / "out")
        return json.loads(one(tmp_path / "out", "examples/*.json").read_text())

    first = run()
    sts_file.write_text(sts_file.read_text().replace("4.6", "0.3"))
    second = run()

    assert first["data_revision"] != second["data_revision"]
    assert first["sets"][0]["targets"][0] == 4.6
    assert second["sets"][0]["targets"][0] == 0.3
    assert first["sets"][0]["ids"] == second["sets"][0]["ids"]


def test_a_task_that_another_process_runs_is_waited_for(hub_folder, tiny_model, tmp_path, caplog):
    caplog.set_level("INFO", logger="benchmarks")
    options = {"data_root": hub_folder, "results": tmp_path / "out"}
    run_mteb(tiny_model, ["STSBenchmark"], **options)
    lock = one(tmp_path / "out", ".STSBenchmark.lock")
    hold = f"import filelock, time; held = filelock.FileLock({str(lock)!r}).acquire(); print(1)"
    other = subprocess.Popen(
        [sys.executable, "-uc", f"{hold}; time.sleep(0.5)"], stdout=subprocess.PIPE
    )
    assert other.stdout.readline()

    (run,) = run_mteb(tiny_model, ["STSBenchmark"], **options)

    assert other.wait() == 0
    assert "waits for another process" in caplog.text
    assert run.stored


# --- several models


def test_several_models_of_every_kind_in_one_call(hub_folder, tiny_bert, tfidf_svd, tmp_path):
    short = EncoderVectorizer(tiny_bert, precision="float32", truncate_dim=8)
    models = [str(tiny_bert), short, tfidf_svd, MTEBModel(tfidf_svd, name="me/baseline")]

    runs = run_mteb(
        models, ["STSBenchmark", "ArguAna"], data_root=hub_folder, results=tmp_path / "out"
    )

    assert [run.task for run in runs] == ["STSBenchmark", "ArguAna"] * 4
    labels = [run.model for run in runs[::2]]
    assert labels[0] == f"local/{tiny_bert.name}"
    assert labels[1] == f"local/{tiny_bert.name} [truncate_dim=8]"
    assert labels[2].startswith("sklearn/TfidfVectorizer-TruncatedSVD@")
    assert labels[3] == "me/baseline"
    (alone,) = run_mteb(tfidf_svd, ["STSBenchmark"], data_root=hub_folder)
    assert runs[4].rows[0].score == alone.rows[0].score
    header, _, first = format_runs(runs).splitlines()[:3]
    assert header.startswith("model")
    assert first.startswith(labels[0])
    assert f"{labels[3]}, ArguAna failed: no data at" in format_failures(runs)
    assert len(list((tmp_path / "out").rglob("STSBenchmark.json"))) == 2 * 4


def test_a_model_that_is_not_there_stops_before_anything_is_run(hub_folder, tfidf_svd, tmp_path):
    with pytest.raises(CheckpointNotFoundError, match="no-model"):
        run_mteb(
            [tfidf_svd, "./no-model"],
            ["STSBenchmark"],
            data_root=hub_folder,
            results=tmp_path / "out",
        )
    assert not list(tmp_path.rglob("*STSBenchmark.json"))
    with pytest.raises(ParameterError, match="names no model"):
        run_mteb([], ["STSBenchmark"], data_root=hub_folder)


def test_a_damaged_model_fails_and_the_others_run(hub_folder, tiny_bert, tiny_bert_copy):
    (tiny_bert_copy / "config.json").write_text("{}")

    bad, good = run_mteb([tiny_bert_copy, tiny_bert], ["STSBenchmark"], data_root=hub_folder)

    assert str(tiny_bert_copy) in bad.error
    assert bad.model == str(tiny_bert_copy)
    assert good.error is None
    with pytest.raises(ValueError, match=r"config\.json"):
        run_mteb(tiny_bert_copy, ["STSBenchmark"], data_root=hub_folder)


def test_a_searcher_is_loaded_when_its_turn_comes(hub_folder, tiny_bert):
    searched = Searched(EncoderVectorizer(tiny_bert, precision="float32"), EncoderRetriever())

    (run,) = run_mteb([searched], ["STSBenchmark"], data_root=hub_folder)

    assert run.error is None
    assert "index=exact" in run.model


def test_with_a_cache_running_again_encodes_nothing(hub_folder, tiny_bert, tmp_path):
    def run():
        encoder = EncoderVectorizer(tiny_bert, precision="float32", cache=tmp_path / "cache")
        (task_run,) = run_mteb(encoder, ["STSBenchmark"], data_root=hub_folder)
        return task_run.rows[0].score, EmbeddingCache(tmp_path / "cache").stats()

    first, before = run()
    second, after = run()

    assert before.texts_encoded >= 16
    assert after.texts_encoded == before.texts_encoded
    assert second == first
