"""Encoders tried on labelled texts: what is computed, what it costs, and what is recommended."""

import csv
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.pipeline import make_pipeline

from benchmarks.candidates import Size, make_candidates, measure_size
from benchmarks.choose import CandidateScore, Choice, run_choose
from benchmarks.choose_recommendation import recommend
from benchmarks.choose_settings import ChooseSettings
from benchmarks.cli import main
from benchmarks.resampled_t import resampled_t_test
from skencoder import EmbeddingCache
from skencoder.errors import CheckpointNotFoundError, DeviceError, ParameterError

TOPICS = ["email", "numbers and dates", "testing and debugging"]
N_TOPIC = 16


@pytest.fixture(scope="session")
def table(docs, tmp_path_factory):
    """Real texts on three topics."""
    path = tmp_path_factory.mktemp("choose") / "my.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "y"])
        for topic in TOPICS:
            rows = np.flatnonzero(docs.target_names[docs.target] == topic)[:N_TOPIC]
            writer.writerows([docs.data[row][:200], topic] for row in rows)
    return path


@pytest.fixture(scope="session")
def choice(table, tiny_bert):
    """A small encoder in two poolings beside word counts."""
    return run_choose(
        ChooseSettings(
            table, "y", models=[str(tiny_bert)], poolings=["mean", "max"], folds=3, repeats=2
        )
    )


def find(choice, name):
    (found,) = [one for one in choice.candidates if one.name == name]
    return found


def test_all_candidates_are_judged_on_the_same_folds(choice, tiny_bert):
    assert {one.name for one in choice.candidates} == {
        "TF-IDF",
        f"{tiny_bert.name} (float32, mean)",
        f"{tiny_bert.name} (float32, max)",
    }
    means = [one.mean for one in choice.candidates]
    assert means == sorted(means, reverse=True)
    best, second, _ = choice.candidates
    assert best.test is None
    assert (choice.n_texts, choice.n_labels, choice.n_folds) == (48, 3, 6)
    expected = resampled_t_test(second.scores, best.scores, n_train=32, n_test=16)
    assert second.test == expected
    assert second.p_adjusted >= expected.p_value
    assert choice.majority[1] == pytest.approx(1 / 3)


def test_scores_are_those_of_the_pipeline_by_hand(choice, table):
    with table.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    texts = np.array([row["text"].strip() for row in rows], dtype=object)
    labels = np.array([row["y"] for row in rows])
    found = find(choice, "TF-IDF")
    splitter = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    ranges = []
    for train, test in splitter.split(texts, labels):
        scores = [
            make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=strength))
            .fit(texts[train], labels[train])
            .score(texts[test], labels[test])
            for strength in (0.1, 1, 10, 100)
        ]
        ranges.append((min(scores), max(scores)))
    # The strength is chosen within the training part, so it is one of the four.
    assert all(
        low <= score <= high for (low, high), score in zip(ranges, found.scores, strict=True)
    )


def test_costs(choice, tiny_bert):
    counts = find(choice, "TF-IDF")
    assert counts.size.parameters == counts.size.dimensions > 100
    tiny = find(choice, f"{tiny_bert.name} (float32, mean)")
    assert tiny.size.dimensions == 32
    weights = (tiny_bert / "model.safetensors").stat().st_size
    assert tiny.size.megabytes == pytest.approx(weights / 1e6)
    assert 0.9 * weights / 4 < tiny.size.parameters <= weights / 4
    # Both poolings come of one pass.
    other = find(choice, f"{tiny_bert.name} (float32, max)")
    assert tiny.texts_per_second == other.texts_per_second > 0
    assert all(one.fit_seconds > 0 for one in choice.candidates)


def test_a_text_is_encoded_once_and_not_again(table, tiny_bert, tmp_path):
    settings = ChooseSettings(
        table, "y", models=[str(tiny_bert)], folds=2, repeats=1, cache=tmp_path / "vectors"
    )
    first = run_choose(settings)
    assert EmbeddingCache(tmp_path / "vectors").stats().texts_encoded == 48
    again = run_choose(settings)
    assert EmbeddingCache(tmp_path / "vectors").stats().texts_encoded == 48
    assert [one.scores for one in first.candidates] == [one.scores for one in again.candidates]
    assert find(again, f"{tiny_bert.name} (float32)").texts_per_second is None
    assert any("its vectors were in the cache" in note for note in again.notes)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"models": ["./nowhere"]}, CheckpointNotFoundError, "nowhere"),
        ({"models": ["all-MiniLM-L6-v2"], "precisions": ["float16"]}, DeviceError, "float16"),
        ({"models": ["all-MiniLM-L6-v2"], "precisions": ["int4"]}, ParameterError, "int4"),
        ({"models": ["all-MiniLM-L6-v2"], "poolings": ["middle"]}, ParameterError, "middle"),
    ],
)
def test_a_model_that_cannot_be_tried_is_told_before_any_work(table, options, error, message):
    with pytest.raises(error, match=message):
        run_choose(ChooseSettings(table, "y", **options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "roc"}, "metric='roc'"),
        ({"folds": 1}, "folds=1"),
        ({"repeats": 0}, "repeats=0"),
        ({"models": []}, "models is empty"),
        ({"separator": ",,"}, "separator"),
        ({"tolerance": 2.0}, "tolerance=2"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_settings_that_cannot_be(table, options, message):
    with pytest.raises(ParameterError, match=message):
        ChooseSettings(table, "y", **options)


def candidate(name, scores, speed, best=None, megabytes=1.0):
    test = best and resampled_t_test(scores, best, n_train=80, n_test=20)
    return CandidateScore(name, tuple(scores), 1.0, speed, 0.1, Size(1, megabytes, 1), test)


def decide(*candidates, majority=0.3, tolerance=0.02):
    measured = SimpleNamespace(n_texts=100, n_labels=2, n_folds=5)
    return recommend(
        Choice(candidates, "accuracy", **vars(measured), tolerance=tolerance,
               majority=("a", majority), notes=(), machine={}, versions={})
    )  # fmt: skip


BEST = [0.90, 0.92, 0.91, 0.89, 0.93]


def test_the_fastest_that_is_nearly_as_good_is_taken():
    near = [0.91, 0.90, 0.91, 0.90, 0.92]
    worse = [0.80, 0.83, 0.81, 0.80, 0.83]
    found = decide(
        candidate("best", BEST, 10),
        candidate("near", near, 50, BEST),
        candidate("worse", worse, 1000, BEST),
    )
    assert found.name == "near"
    told = " ".join(found.reasons)
    assert "5.0 times as fast as the best" in told
    assert "worse (-0.096" in told


def test_a_notable_loss_is_never_taken_however_noisy():
    # -0.05 on average, not significant.
    noisy = [0.99, 0.70, 0.95, 0.75, 0.91]
    noisy_one = candidate("noisy", noisy, 1000, BEST)
    assert noisy_one.test.p_value > 0.05
    assert decide(candidate("best", BEST, 10), noisy_one).name == "best"
    assert decide(candidate("best", BEST, 10), noisy_one, tolerance=0.1).name == "noisy"


def test_what_is_significant_and_what_is_only_notable_are_told_apart():
    worse = candidate("worse", [0.80, 0.83, 0.81, 0.80, 0.83], 9, BEST)
    noisy = candidate("noisy", [0.99, 0.70, 0.95, 0.75, 0.91], 9, BEST)
    both = decide(candidate("best", BEST, 10), noisy, worse).reasons
    assert [told for told in both if told.startswith("Significantly worse than the best: worse (")]
    assert [told for told in both if told.startswith("Worse by more than 0.02, though not sig")]
    assert all(("worse (" in told) != ("noisy (" in told) for told in both if "p = " in told)
    alone = " ".join(decide(candidate("best", BEST, 10), worse).reasons)
    assert "though not significantly" not in alone


def test_models_of_the_same_last_name_are_told_apart(table, tiny_bert, tmp_path):
    other = tmp_path / "other" / tiny_bert.name
    shutil.copytree(tiny_bert, other)
    settings = ChooseSettings(table, "y", models=[str(tiny_bert), str(other)])
    names = [one.name for one in make_candidates(settings, EmbeddingCache(tmp_path / "c"), [])]
    assert names == ["TF-IDF", f"{tiny_bert} (float32)", f"{other} (float32)"]


def test_what_the_texts_cannot_tell_is_told():
    noisy = [0.99, 0.80, 0.97, 0.85, 0.91]
    found = decide(candidate("best", BEST, 10), candidate("noisy", noisy, 20, BEST))
    assert found.name == "noisy"
    assert "not significant is not equal" in " ".join(found.reasons)


def test_without_speeds_the_smallest_is_taken_and_useless_labels_are_told():
    near = [0.91, 0.90, 0.91, 0.90, 0.92]
    found = decide(
        candidate("best", BEST, None, megabytes=90),
        candidate("near", near, None, BEST, megabytes=30),
        majority=0.9,
    )
    assert found.name == "near"
    told = " ".join(found.reasons)
    assert "30 MB it is the smallest" in told
    assert "labels may not be in the texts" in told
    alone = decide(candidate("best", BEST, 10))
    assert "No other candidate" in " ".join(alone.reasons)


def test_the_command(table, tiny_bert, tmp_path, capsys):
    file, picture = tmp_path / "out.json", tmp_path / "out.png"
    code = main([
        "choose", "--texts", str(table), "--label", "y", "--models", str(tiny_bert),
        "--folds", "2", "--repeats", "1", "--json", str(file), "--plot", str(picture),
    ])  # fmt: skip
    shown = capsys.readouterr()
    assert code == 0
    assert "48 texts, 3 labels, 2 folds" in shown.out
    assert "\nTake " in shown.out
    # No terminal, no bar.
    assert "Cross-validation" not in shown.err
    content = json.loads(file.read_text())
    assert content["recommendation"]["name"] in {one["name"] for one in content["candidates"]}
    assert picture.stat().st_size > 1000
    assert main(["choose", "--texts", str(table), "--label", "z"]) == 2
    assert "label='z' is no column" in capsys.readouterr().err


def test_the_default_model_is_tried_in_its_precisions_and_poolings(table, tmp_path):
    notes = []
    settings = ChooseSettings(table, "y", models=["all-MiniLM-L6-v2"])
    candidates = make_candidates(settings, EmbeddingCache(tmp_path), notes)
    names = [one.name for one in candidates]
    full = "all-MiniLM-L6-v2 (float32"
    assert names[:4] == ["TF-IDF", f"{full})", f"{full}, cls)", f"{full}, max)"]
    # int8 is there, or is told to be left out.
    assert ("all-MiniLM-L6-v2 (int8)" in names) != any(
        "int8 is left out" in note for note in notes
    )
    # Poolings share a pass, precisions do not.
    assert len({one.group for one in candidates}) == len(names) - 2


@pytest.mark.minutes
def test_the_static_table_is_a_candidate_of_its_own(table, tmp_path):
    settings = ChooseSettings(table, "y", precisions=["float32"], poolings=["auto"])
    candidates = make_candidates(settings, EmbeddingCache(tmp_path), [])
    assert [one.name for one in candidates] == ["TF-IDF", "all-MiniLM-L6-v2 (float32)", "static"]
    encoder, static = (measure_size(one, []) for one in candidates[1:])
    assert static.megabytes < encoder.megabytes
    assert (static.dimensions, encoder.dimensions) == (256, 384)
