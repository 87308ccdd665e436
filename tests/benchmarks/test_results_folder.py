"""A results folder is read whole, and what is damaged or foreign in it is named."""

import json

import pytest
from results_in_small import (
    mean_set,
    write_examples,
    write_meta,
    write_model,
    write_run,
    write_task,
)

from benchmarks.errors import MissingDataError
from benchmarks.result_files import read_scores
from benchmarks.results_folder import choose_models, read_results
from skencoder.errors import ParameterError

TASK = "STSBenchmark"


@pytest.fixture
def place(tmp_path):
    return write_model(tmp_path, "owner/model", {TASK: [0.5, 1.0, 0.0, 0.5]})


def test_everything_is_read(tmp_path, place):
    figures = {"per token": {"value": 4.5, "low": 4.0, "high": 5.0}, "texts": {"value": 3}}
    for part, kind in (("perplexity", "perplexity"), ("bias", "weat")):
        (place / part).mkdir()
        (place / part / "one.json").write_text(json.dumps({"kind": kind, "figures": figures}))

    results = read_results(tmp_path)

    assert (results.damaged, results.foreign) == ((), ())
    (model,) = results.models
    assert (model.name, model.revision, model.settings) == ("owner/model", "f" * 12, {})
    assert model.parameters == 1_000_000
    (row,) = model.tasks[TASK].rows
    assert (row.split, row.subset, row.score) == ("test", "default", 0.5)
    assert model.tasks[TASK].data_revision == "data-1"
    (examples,) = model.examples[TASK]
    assert examples.values.tolist() == [0.5, 1.0, 0.0, 0.5]
    assert examples.ids == ("0", "1", "2", "3")
    (run,) = model.runs
    assert (run.task, run.settings["precision"], run.encoding[0].n_texts) == (TASK, "float32", 4)
    (perplexity,), (bias,) = model.perplexity, model.bias
    assert (perplexity.kind, bias.kind) == ("perplexity", "weat")
    assert perplexity.figures["per token"].low == 4.0
    assert bias.figures["texts"].high is None


def test_the_inner_folder_is_the_same_folder(tmp_path, place):
    assert read_results(tmp_path / "results").models[0].folder == place


def test_settings_and_revisions_are_models_of_their_own(tmp_path, place):
    write_model(tmp_path, "owner/model", {TASK: [1]}, settings={"precision": "bfloat16"})
    write_model(tmp_path, "other/model", {TASK: [1]})
    older = tmp_path / "results" / "owner__model" / "older-revision"
    write_task(older, TASK, [("test", "default", 0.25)])

    results = read_results(tmp_path)

    assert results.labels == (
        "other/model",
        "owner/model @fffffff",
        "owner/model [precision=bfloat16]",
        "owner/model @older-r",
    )
    # Without mteb's record the folders tell who it is.
    assert results.models[3].revision == "older-revision"


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        (f"{TASK}.json", '{"task_name": "STS', "damaged"),
        (f"{TASK}.json", "[]", "expected an object, got list"),
        (f"{TASK}.json", '{"task_name": "X", "mteb_version": "2.0"}', "no result of mteb"),
        ("model_meta.json", "{", "damaged"),
        (f"examples/{TASK}.json", '{"task": "X"}', "there is no field 'sets'"),
        (f"examples/{TASK}.json", b"\xff\xfe", "damaged"),
        ("perplexity/one.json", '{"kind": "weat"}', "there is no field 'figures'"),
        (
            "bias/one.json",
            '{"kind": "weat", "figures": {"d": {"value": null}}}',
            "figure d is None",
        ),
        ("bias/one.json", '{"kind": "weat", "figures": 3}', "damaged"),
        ("skencoder_runs.jsonl", '{"task": "X"}\n{"task": ', "line 2"),
    ],
)
def test_a_damaged_file_is_named_and_the_others_are_read(tmp_path, place, file, content, reason):
    other = write_model(tmp_path, "owner/other", {TASK: [1]})
    damaged = place / file
    damaged.parent.mkdir(exist_ok=True)
    damaged.write_bytes(content if isinstance(content, bytes) else content.encode())

    results = read_results(tmp_path)

    (sentence,) = results.damaged
    assert str(damaged) in sentence
    assert reason in sentence
    assert other in [model.folder for model in results.models]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"values": [0.5]}, "there are 4 ids"),
        ({"values": [0.5, float("nan"), 0, 1]}, "not finite"),
        ({"ids": ["a", "a", "b", "c"]}, "not distinct"),
        ({"ids": [], "values": []}, "has no example"),
        ({"statistic": "spearman"}, "no field 'predictions'"),
    ],
)
def test_examples_that_cannot_be_are_named(tmp_path, place, change, reason):
    write_examples(place, TASK, [mean_set([0.5, 1.0, 0.0, 0.5]) | change])
    (sentence,) = read_results(tmp_path).damaged
    assert reason in sentence


def test_a_score_that_is_not_finite_is_damage(tmp_path, place):
    write_task(place, TASK, [("test", "default", float("nan"))])
    write_task(place, "Banking77Classification", [("test", "default", 0.5)])
    (sentence,) = read_results(tmp_path).damaged
    assert "main_score of test is nan" in sentence.lower()


def test_foreign_files_are_named_and_drafts_are_not(tmp_path, place):
    (place / "notes.txt").write_text("mine")
    (place / ".draft-1").write_text("never finished")
    (place / "examples" / "old.csv").write_text("mine")
    (tmp_path / "results" / "README.md").write_text("mine")

    results = read_results(tmp_path)

    assert results.damaged == ()
    assert sorted(sentence.split()[0].rpartition("/")[2] for sentence in results.foreign) == [
        "README.md",
        "notes.txt",
        "old.csv",
    ]


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(MissingDataError, match="there is no folder"):
        read_results(tmp_path / "nowhere")
    with pytest.raises(MissingDataError, match="holds no results"):
        read_results(tmp_path)
    write_meta(tmp_path / "results" / "a__b" / "1", "a/b")
    write_run(tmp_path / "results" / "a__b" / "1", TASK)
    with pytest.raises(MissingDataError, match="holds no results"):
        read_results(tmp_path)


def test_models_are_found_by_any_of_their_names(tmp_path, place):
    write_model(tmp_path, "owner/model", {TASK: [1]}, settings={"precision": "bfloat16"})
    write_model(tmp_path, "owner/other", {TASK: [1]})
    results = read_results(tmp_path)
    assert results.labels == ("model", "model [precision=bfloat16]", "other")
    assert choose_models(results, None) == (0, 1, 2)
    assert choose_models(results, ["other", "model"]) == (2, 0)
    assert choose_models(results, ["owner/model"]) == (0, 1)
    assert choose_models(results, ["model [precision=bfloat16]", "owner/model"]) == (1, 0)
    with pytest.raises(ParameterError, match="models='modle' is not in .*'model'"):
        choose_models(results, ["modle"])


def test_scores_are_read_as_mteb_reads_them(tmp_path):
    from mteb.results import TaskResult

    rows = [("test", "en", 0.25), ("test", "de", 0.5), ("dev", "en", 1)]
    write_task(tmp_path, TASK, rows)
    path = tmp_path / f"{TASK}.json"
    ours, theirs = read_scores(path), TaskResult.from_disk(path)
    assert ours.task == theirs.task_name
    assert (ours.data_revision, ours.mteb_version) == ("data-1", theirs.mteb_version)
    assert ours.seconds == theirs.evaluation_time
    found = [(row.split, row.subset, row.score) for row in ours.rows]
    assert found == rows
    assert found == [
        (split, entry["hf_subset"], entry["main_score"])
        for split, entries in theirs.scores.items()
        for entry in entries
    ]


def test_a_file_of_an_old_mteb_is_read_too(tmp_path):
    path = tmp_path / f"{TASK}.json"
    scores = {"cos_sim": {"pearson": 0.7, "spearman": 0.8}}
    path.write_text(
        json.dumps({"mteb_dataset_name": TASK, "mteb_version": "1.0.2", "test": scores})
    )
    (row,) = read_scores(path).rows
    assert (row.split, row.score) == ("test", 0.8)
