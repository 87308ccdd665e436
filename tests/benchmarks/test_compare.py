"""Models of a results folder compared: by hand, against scipy, and as a user calls it."""

import json
import re

import numpy as np
import pytest
from results_in_small import (
    MACHINE,
    mean_set,
    write_examples,
    write_model,
    write_run,
    write_task,
)
from scipy.stats import spearmanr

from benchmarks.cli import main
from benchmarks.compare import run_compare
from benchmarks.compare_plots import make_panels
from benchmarks.compare_settings import CompareSettings
from benchmarks.errors import MissingDataError, ResultFileError
from benchmarks.pareto_plot import ParetoPoint, pareto_front
from skencoder.errors import ParameterError

TASKS = ["Banking77Classification", "NFCorpus", "STSBenchmark"]
RNG = np.random.default_rng(0)
HEADER = "model,task,split,subset,metric,score"


@pytest.fixture
def folder(tmp_path):
    """Two models that are right on mostly the same examples, and one that is worse."""
    for name, quality in (("a/best", 0.8), ("a/near", 0.78), ("a/worse", 0.4)):
        hard = np.random.default_rng(1).uniform(size=(3, 150))
        values = {
            task: (row < quality).astype(float) for task, row in zip(TASKS, hard, strict=True)
        }
        write_model(tmp_path, name, values, parameters=int(1e8 * quality), seconds=10 * quality)
    return tmp_path


def compare(folder, **settings):
    return run_compare(folder, CompareSettings(resamples=400, **settings))


def difference(comparison, first, second):
    (found,) = [d for d in comparison.differences if (d.first, d.second) == (first, second)]
    return found


def test_scores_ranks_and_costs(folder):
    comparison = compare(folder)
    overall = comparison.overall

    assert comparison.labels == ("best", "near", "worse")
    assert overall.reference == "best"
    assert overall.tasks == tuple(TASKS)
    means = [
        np.mean([task.scores[label] for task in comparison.tasks]) for label in overall.labels
    ]
    np.testing.assert_allclose([overall.scores[label] for label in overall.labels], means)
    assert overall.ranks.average[2] == 3
    assert comparison.metrics["STSBenchmark"] == "cosine_spearman"
    best, near, worse = comparison.costs.models
    # 150 texts in 8 seconds, three times.
    assert best.texts_per_second == pytest.approx(150 / 8)
    assert (best.parameters, best.megabytes) == (80_000_000, 320)
    assert worse.texts_per_second > near.texts_per_second
    assert comparison.is_good


def test_a_paired_interval_is_narrower_than_the_two_alone(folder):
    task = compare(folder).tasks[0]
    paired = difference(task, "best", "near").interval
    alone = [task.intervals[label] for label in ("best", "near")]
    assert paired.high - paired.low < min(one.high - one.low for one in alone) / 2
    assert difference(task, "best", "worse").interval.excludes_zero
    mirrored = difference(task, "near", "best").interval
    assert (mirrored.low, mirrored.high) == (-paired.high, -paired.low)
    assert task.n_examples == 150


def test_the_same_seed_gives_the_same_intervals(folder):
    first, again, other = (compare(folder, seed=seed).overall for seed in (0, 0, 1))
    assert first.differences == again.differences
    assert first.differences != other.differences


def test_a_correlation_is_resampled_as_a_correlation(tmp_path):
    targets = RNG.integers(0, 6, 120)
    for name, noise in (("a/good", 0.5), ("a/bad", 5.0)):
        predictions = targets + RNG.normal(0, noise, 120)
        score = spearmanr(predictions, targets).statistic
        place = write_model(tmp_path, name, {})
        write_task(place, "STSBenchmark", [("test", "default", score)])
        columns = {"predictions": predictions.tolist(), "targets": targets.tolist()}
        examples = mean_set(targets) | columns | {"statistic": "spearman", "score": score}
        write_examples(place, "STSBenchmark", [examples])
    (task,) = compare(tmp_path).tasks
    assert difference(task, "good", "bad").interval.excludes_zero
    assert task.intervals["good"].low < task.scores["good"] < task.intervals["good"].high


def test_only_what_all_have_is_averaged(tmp_path):
    place = write_model(tmp_path, "a/both", {})
    write_task(place, "Tatoeba", [("test", "deu-eng", 0.5), ("test", "fra-eng", 0.9)])
    place = write_model(tmp_path, "a/one", {})
    write_task(place, "Tatoeba", [("test", "deu-eng", 0.6)])
    comparison = compare(tmp_path)
    (task,) = comparison.tasks
    assert task.places == (("test", "deu-eng"),)
    assert task.scores == {"both": 0.5, "one": 0.6}
    assert task.differences[0].interval is None
    assert any("no examples of test/deu-eng are kept" in note for note in comparison.notes)


def test_tasks_that_one_model_lacks_are_left_out_overall_and_that_is_told(folder):
    write_model(folder, "a/new", {"NFCorpus": np.ones(150)})
    comparison = compare(folder)
    assert comparison.overall.tasks == ("NFCorpus",)
    assert comparison.overall.ranks is None
    assert any("Banking77Classification, STSBenchmark" in note for note in comparison.notes)
    write_model(folder, "a/other", {"ArguAna": np.ones(10)})
    nothing = compare(folder)
    assert nothing.overall is None
    assert any("no overall comparison" in note for note in nothing.notes)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda one: one | {"ids": [f"x{i}" for i in one["ids"]]}, "not those of best"),
        (lambda one: one | {"values": [*one["values"][1:], 0.5]}, "its examples give"),
        (lambda one: one | {"statistic": "magic", "predictions": one["values"],
                            "targets": one["values"]}, "'magic' is no statistic"),
    ],
)  # fmt: skip
def test_examples_that_do_not_fit_give_no_interval(folder, damage, reason):
    (place,) = (folder / "results" / "a__near").iterdir()
    path = place / "examples" / "NFCorpus.json"
    content = json.loads(path.read_text())
    content["sets"] = [damage(one) for one in content["sets"]]
    path.write_text(json.dumps(content))

    comparison = compare(folder)

    task = comparison.tasks[1]
    assert difference(task, "near", "best").interval is None
    assert difference(task, "worse", "best").interval is not None
    assert any(reason in note for note in comparison.notes)
    # What is missing on one task is missing overall.
    assert difference(comparison.overall, "near", "best").interval is None


def test_other_data_are_not_paired(folder):
    (place,) = (folder / "results" / "a__near").iterdir()
    score = compare(folder).tasks[1].scores["near"]
    write_task(place, "NFCorpus", [("test", "default", score)], revision="data-2")
    comparison = compare(folder)
    assert difference(comparison.tasks[1], "near", "best").interval is None
    assert any("its data are not those of best" in note for note in comparison.notes)


def test_speeds_of_another_machine_and_of_full_caches_are_left_out(folder):
    write_model(folder, "a/cached", {})
    for name, options in (
        ("a__far", {"machine": MACHINE | {"cpu": "Other"}}),
        ("a__cached", {"cache": "/somewhere"}),
    ):
        place = folder / "results" / name / ("f" * 12)
        write_task(place, "NFCorpus", [("test", "default", 0.5)])
        write_run(place, "NFCorpus", **options)
    comparison = compare(folder)
    speeds = dict(zip(comparison.labels, comparison.costs.models, strict=True))
    assert speeds["far"].texts_per_second is None
    assert speeds["cached"].texts_per_second is None
    assert speeds["best"].texts_per_second is not None
    assert any("far: no speed, it ran on another machine" in note for note in comparison.notes)
    assert any("cached: no speed" in note for note in comparison.notes)


def write_table(folder, *rows, header=HEADER):
    path = folder / "published.csv"
    path.write_text("\n".join([header, *rows]))
    return path


@pytest.mark.parametrize(("threads", "told"), [(1, "1 thread"), (2, "2 threads")])
def test_threads_are_counted_in_words(tmp_path, threads, told):
    for name in ("a/one", "a/two"):
        place = write_model(tmp_path, name, {"NFCorpus": [0.5, 1.0]})
        (place / "skencoder_runs.jsonl").unlink()
        write_run(place, "NFCorpus", machine=MACHINE | {"threads": threads})
    comparison = compare(tmp_path)
    panel = make_panels(comparison, comparison.overall)[0]
    assert re.search(rf"\b{told}(?!s)", f"{panel}")


def test_published_models_stand_in_the_table_without_intervals(folder):
    rows = [f"b/famous,{task},test,default,,0.9" for task in TASKS]
    table = write_table(folder, *rows, "b/famous,Unknown,test,default,,0.1")
    comparison = compare(folder, published=table)
    assert comparison.published == ("famous (published)",)
    assert comparison.overall.scores["famous (published)"] == pytest.approx(0.9)
    assert "famous (published)" not in comparison.overall.intervals
    # The best that ran, so that there are intervals.
    assert comparison.overall.reference == "best"
    assert comparison.checks == ()
    assert compare(folder, published=table, models=["best"]).published == ()
    chosen = compare(folder, published=table, models=["best", "b/famous"])
    assert chosen.labels == ("best", "famous (published)")


def test_published_models_of_one_short_name_are_told_apart(folder):
    rows = ["b/foo,NFCorpus,test,default,,0.5", "c/foo,NFCorpus,test,default,,0.9"]
    comparison = compare(folder, published=write_table(folder, *rows), tasks=["NFCorpus"])
    assert comparison.published == ("b/foo (published)", "c/foo (published)")
    scores = comparison.tasks[0].scores
    assert (scores["b/foo (published)"], scores["c/foo (published)"]) == (0.5, 0.9)


def test_the_first_model_that_is_named_is_the_reference(folder):
    table = write_table(folder, "a/near,NFCorpus,test,default,,0.9", *_famous())
    for first in ("a/near", "near"):
        comparison = compare(folder, published=table, models=[first, "best"])
        assert comparison.overall.reference == "near"
        assert comparison.labels == ("near", "best")
    comparison = compare(folder, published=table, models=["famous", "worse", "best"])
    assert comparison.overall.reference == "worse"
    assert any("famous is only published" in note for note in comparison.notes)


def _famous():
    return [f"b/famous,{task},test,default,,0.9" for task in TASKS]


def test_a_task_or_model_that_is_named_twice_counts_once(folder):
    once = compare(folder, tasks=["NFCorpus", "STSBenchmark"], models=["best", "near"])
    twice = compare(
        folder, tasks=["NFCorpus", "STSBenchmark", "NFCorpus"], models=["best", "near", "best"]
    )
    assert twice.labels == once.labels
    assert twice.overall.tasks == once.overall.tasks
    assert twice.overall.scores == once.overall.scores


def test_a_published_name_without_owner_is_that_of_the_run(folder):
    comparison = compare(folder, published=write_table(folder, "best,NFCorpus,test,default,,0.1"))
    (check,) = comparison.checks
    assert (check.model, check.published, check.agrees) == ("best", 0.1, False)
    assert comparison.published == ()


def test_scores_are_held_against_published_ones_of_the_same_model(folder):
    # Classifiers are trained: 3 decimals; retrieval is not: 4.
    ours = {task.task: task.scores["best"] for task in compare(folder).tasks}
    rows = [f"a/best,{task},test,default,,{score + 0.0002}" for task, score in ours.items()]
    other_metric = "a/best,NFCorpus,test,default,map_at_10,0.1"
    comparison = compare(folder, published=write_table(folder, *rows, other_metric))
    agrees = {check.task: check.agrees for check in comparison.checks}
    assert agrees == {"Banking77Classification": True, "NFCorpus": False, "STSBenchmark": False}
    assert not comparison.is_good
    table = folder / "published.csv"
    assert compare(folder, published=table, decimals=3).is_good
    # Of several revisions that were published, one that agrees is enough.
    again = [f"a/best,{task},test,default,,{score + 0.00004}" for task, score in ours.items()]
    assert compare(folder, published=write_table(folder, *rows, *again)).is_good


def test_other_settings_are_not_held_against_published_scores(folder):
    write_model(folder, "a/best", {"NFCorpus": [0.5]}, settings={"precision": "bfloat16"})
    comparison = compare(
        folder, published=write_table(folder, "a/best,NFCorpus,test,default,,0.1"), decimals=0
    )
    assert [check.model for check in comparison.checks] == ["best"]
    assert any("bfloat16] is not held against" in note for note in comparison.notes)


def test_the_real_table_s_columns_are_known(folder):
    header = "model,model_revision,task,split,subset,main_score,metric_matching_main_score"
    table = write_table(folder, "a/best,1,NFCorpus,test,default,0.25,ndcg_at_10", header=header)
    (check,) = compare(folder, published=table).checks
    assert (check.published, check.decimals, check.agrees) == (0.25, 4, False)


@pytest.mark.parametrize(
    ("rows", "header", "error", "message"),
    [
        ([], HEADER, ResultFileError, "has no rows"),
        (
            ["a,b"],
            "model,task",
            ResultFileError,
            "no column 'split'.*its columns are 'model', 'task'",
        ),
        (["a,b,c,d,e,82.03"], HEADER, ResultFileError, "line 2: the score is '82.03'.*fraction"),
        (["a,b,c,d,e,high"], HEADER, ResultFileError, "line 2: the score is 'high'"),
        (["a,b,c"], HEADER, ResultFileError, "line 2"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(folder, rows, header, error, message):
    table = write_table(folder, *rows, header=header)
    with pytest.raises(error, match=message):
        compare(folder, published=table)


def test_what_is_not_there_is_refused(folder):
    with pytest.raises(MissingDataError, match="there is no such file"):
        compare(folder, published=folder / "none.csv")
    with pytest.raises(ParameterError, match="models='bset' is not in"):
        compare(folder, models=["bset"])
    with pytest.raises(ParameterError, match="tasks='NFC' is in no result; there are Banking77"):
        compare(folder, tasks=["NFC"])
    with pytest.raises(ParameterError, match="resamples=5"):
        CompareSettings(resamples=5)
    with pytest.raises(ParameterError, match="decimals=-1"):
        CompareSettings(decimals=-1)


def test_the_front_is_what_nothing_beats():
    points = [ParetoPoint(str(i), *xy) for i, xy in enumerate([(1, 5), (2, 4), (3, 4), (2, 1)])]
    assert [p.label for p in pareto_front(points, more_is_better=True)] == ["2", "0"]
    # Small and good: the first has the least cost and the most quality.
    assert [p.label for p in pareto_front(points, more_is_better=False)] == ["0"]


def test_the_command_prints_draws_and_writes(folder, capsys):
    pictures, file = folder / "pictures", folder / "out.json"
    code = main([
        "compare", str(folder), "--plot-dir", str(pictures), "--json", str(file),
        "--resamples", "100", "--models", "near", "best", "worse",
    ])  # fmt: skip
    shown = capsys.readouterr()
    assert code == 0
    assert "minus near" in shown.out
    assert "Nemenyi" in shown.out
    assert "too few for Wilcoxon" in shown.out
    assert sorted(path.name for path in pictures.iterdir()) == ["pareto.png", "ranks.png"]
    content = json.loads(file.read_text())
    assert content["overall"]["reference"] == "near"
    assert len(content["tasks"][0]["differences"]) == 6


def test_the_command_s_exit_codes(folder, capsys):
    table = write_table(folder, "a/best,NFCorpus,test,default,,0.1")
    assert main(["compare", str(folder), "--published", str(table), "--resamples", "100"]) == 1
    shown = capsys.readouterr()
    assert "DISAGREES" in shown.out
    assert "best disagrees with the published score of NFCorpus" in shown.err
    (place,) = (folder / "results" / "a__near").iterdir()
    (place / "STSBenchmark.json").write_text("{")
    assert main(["compare", str(folder), "--resamples", "100"]) == 1
    assert "STSBenchmark.json is damaged" in capsys.readouterr().err
    assert main(["compare", str(folder / "nowhere")]) == 2
    assert main(["compare", str(folder), "--json", str(folder / "no" / "x.json")]) == 2
    assert main(["compare", str(folder), "--plot-dir", str(table)]) == 2
