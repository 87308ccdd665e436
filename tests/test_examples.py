"""Every example runs as a user would run it; the table of one's own also in its error cases."""

import os
import re
import runpy
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from skencoder.datasets import load_python_docs

CHECKOUT = Path(__file__).parents[1]
DEMO = CHECKOUT / "examples" / "01_classify_and_search.py"
EXAMPLES = sorted({*(CHECKOUT / "examples").glob("[0-9]*.py")} - {DEMO})
ACCURACY = re.compile(
    r"(encoder|TF-IDF) accuracy +([\d.]+)% +\(95 % interval ([\d.]+)% to ([\d.]+)%"
)
RESULT = re.compile(r"^    (-?\d\.\d\d)  (.+?): ", re.MULTILINE)


@lru_cache
def run_example(path, *arguments):
    done = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", str(path), *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"},
        check=False,
        # Far more than any takes, so that one that hangs is named and not the whole run.
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def write_csv(tmp_path):
    """Save the shortest texts of two topics as a table, after a change to it."""

    def write(change=lambda frame: frame, n_per_topic=24):
        frame = load_python_docs(as_frame=True, topics=["email", "numbers and dates"]).frame
        shortest = frame.iloc[frame["text"].str.len().argsort(kind="stable")]
        frame = shortest.groupby("topic").head(n_per_topic)[["name", "text", "topic"]]
        path = tmp_path / "docs.csv"
        change(frame.reset_index(drop=True)).to_csv(path, index=False)
        return path

    return write


@pytest.fixture(scope="module")
def demo():
    """Hold what the demo defines, without running it."""
    return SimpleNamespace(**runpy.run_path(str(DEMO), run_name="demo"))


@pytest.fixture
def refusal(demo, capsys):
    """Run the demo, which must refuse in one sentence, and return what it says."""

    def refuse(*arguments):
        with pytest.raises(SystemExit) as caught:
            demo.main(list(map(str, arguments)))
        output = capsys.readouterr()
        *progress, error = output.err.splitlines()
        assert caught.value.code == 2
        assert output.out == ""
        assert all(line.startswith("[") for line in progress)
        assert error.startswith("error: ")
        return error

    return refuse


def accuracies(report):
    return {name: tuple(map(float, numbers)) for name, *numbers in ACCURACY.findall(report)}


def figures(report, start):
    """Give all decimal numbers of the line that starts so."""
    (line,) = (line for line in report.splitlines() if line.lstrip().startswith(start))
    return [float(n) for n in re.findall(r"[+-]?\d+\.\d+", line.lstrip().removeprefix(start))]


def check_classification(report):
    for line in ("8 texts", "32 texts", "all texts", "a sentence on each topic"):
        counts, encoder = figures(report, line)
        assert encoder > counts
    assert figures(report, "calibrated")[0] < figures(report, "as they are")[0]
    assert figures(report, "both")[0] > figures(report, "the commonest answer")[0]


def check_dialogue(report):
    (counts,) = figures(report, "TF-IDF, largest probability")
    assert figures(report, "encoder, default detector")[0] > counts > 50
    # Of ten, and of all.
    recalls = figures(report, "TF-IDF   "), figures(report, "encoder   ")
    for counted, encoded in zip(*recalls, strict=True):
        assert encoded > counted


def check_pictures(report):
    assert figures(report, "encoder")[0] > figures(report, "TF-IDF")[0] > 25
    paraphrases, all_pairs = figures(report, "Similarity of the three paraphrases")
    assert paraphrases > all_pairs + 0.2


def check_answers(report):
    right, auroc = figures(report, "vectors and words")
    assert right > figures(report, "BM25")[0]
    assert right > figures(report, "vectors  ")[0]
    assert auroc > figures(report, "BM25")[1]
    after, before = figures(report, "on the others")
    assert after > before


def check_summaries(report):
    lead = figures(report, "first sentences")
    for method in ("centroid", "LexRank", "MMR"):
        assert figures(report, method)[2] > lead[2]


def check_translation(report):
    for way in ("nearest by cosine", "mutual by cosine", "mutual by margin"):
        plain, _, chosen = figures(report, way)
        assert chosen > plain
    assert "doctor = physician" in report
    assert "car = automobile" in report


def check_fine_tuning(report):
    tuned = figures(report, "tuned  ")
    for way in ("as it is", "names split into words"):
        for score, untuned in zip(tuned, figures(report, way), strict=True):
            assert score > untuned
        _, low, high = figures(report, f"tuned - {way}:")
        assert 0 < low < high


# What an example claims of its figures.
CLAIMS = {
    "04_classify": check_classification,
    "05_dialogue": check_dialogue,
    "06_look": check_pictures,
    "07_answer": check_answers,
    "08_summarize": check_summaries,
    "09_translate": check_translation,
    "10_fine_tuning": check_fine_tuning,
}


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_and_keeps_its_claims(path):
    report = run_example(path).stdout
    assert report
    CLAIMS.get(path.stem, str)(report)


@pytest.mark.slow
def test_demo_classifies_and_answers_questions_about_python():
    done = run_example(DEMO)
    report = done.stdout

    assert re.search(r"(\d+) of \d+ rows used, \d+ to choose and train, \d+ held out", report)
    for accuracy, low, high in accuracies(report).values():
        assert 10 < low < accuracy < high < 100
    assert set(accuracies(report)) == {"encoder", "TF-IDF"}
    assert re.search(r"difference +[+-][\d.]+ +\(95 % interval [+-][\d.]+ to [+-]", report)
    found = {name: float(score) for score, name in RESULT.findall(report)}
    assert len(RESULT.findall(report)) == 9
    assert found["difflib.get_close_matches"] == pytest.approx(0.47, abs=0.03)
    assert re.search(r"Time: \d+ s\n$", report)
    assert done.stderr.count(": pooling=") == 12


@pytest.mark.slow
def test_demo_reads_a_table_and_counts_what_it_drops(write_csv):
    def lose_some(frame):
        frame.loc[3, "text"] = None
        frame.loc[5, "text"] = "  "
        frame.loc[7, "topic"] = None
        return frame

    path = write_csv(lose_some)
    report = run_example(
        DEMO, "--csv", path, "--query", "how long did it take, in seconds?"
    ).stdout

    assert f"Texts: 45 from {path}, in 'text'; labels in 'topic'" in report
    assert "rows without text, dropped: 2" in report
    assert "rows without label, dropped: 1" in report
    assert "45 of 45 rows used" in report
    assert accuracies(report)["encoder"][0] > 55
    rows = [int(name.removeprefix("row ")) for _, name in RESULT.findall(report)]
    frame = pd.read_csv(path)
    assert len(rows) == 3
    assert frame["text"][rows[0] - 1] == "Total seconds in the duration."


@pytest.mark.slow
def test_demo_only_searches_a_table_without_labels(write_csv):
    path = write_csv(lambda frame: frame[["text"]], n_per_topic=8)
    report = run_example(DEMO, "--csv", path, "--query", "one", "--query", "two").stdout

    assert "no labels" in report
    assert "accuracy" not in report
    assert len(RESULT.findall(report)) == 6


@pytest.mark.parametrize("n_rows", [200, 1200])
def test_demo_keeps_modules_apart_and_labels_together(demo, n_rows):
    rows, _ = demo.read_python_docs()
    used = demo.sample_stratified(rows, n_rows)
    train, held_out = demo.split_in_half(used)

    assert len(used) == pytest.approx(n_rows, rel=0.02)
    assert len(train) == pytest.approx(len(held_out), rel=0.1)
    assert set(train["group"]).isdisjoint(held_out["group"])
    assert set(train["label"]) == set(held_out["label"]) == set(rows["label"])
    pd.testing.assert_frame_equal(used, demo.sample_stratified(rows, n_rows))


def test_demo_takes_enough_rows_of_a_rare_label(demo):
    rows = pd.DataFrame({"label": ["often"] * 5000 + ["rare"] * 9})
    used = demo.sample_stratified(rows, 100)["label"].value_counts()

    assert used["rare"] == demo.ROWS_PER_LABEL
    assert used["often"] == 100


def test_demo_s_interval_of_independent_rows_is_wilson_s(demo):
    # By hand: p = 0.8, n = 10, z = 1.96: (0.9921 -+ 0.3274) / 1.3842.
    interval = demo.interval_of_accuracy(np.repeat([1.0, 0.0], [8, 2]), np.arange(10))

    assert interval == pytest.approx((0.4902, 0.9433), abs=1e-3)


def test_demo_s_interval_knows_that_rows_of_a_group_are_no_independent_evidence(demo):
    hits = np.tile([1.0, 0.0, 1.0, 1.0], 10)
    alone = np.subtract(*demo.interval_of_mean(hits, np.arange(40)))
    copied = np.subtract(*demo.interval_of_mean(np.repeat(hits, 9), np.repeat(np.arange(40), 9)))

    assert copied == pytest.approx(alone)
    assert alone == pytest.approx(-2 * 1.96 * np.sqrt(0.75 * 0.25 / 40), rel=0.1)


def test_demo_refuses_a_missing_file(refusal, tmp_path):
    assert "There is no file" in refusal("--csv", tmp_path / "absent.csv")


def test_demo_refuses_what_is_no_csv(refusal, tmp_path):
    (tmp_path / "bad.csv").write_bytes(b"text\n\xff\xfe\n")

    assert "cannot be read as a CSV file" in refusal("--csv", tmp_path / "bad.csv")
    assert "cannot be read as a CSV file" in refusal("--csv", tmp_path)


@pytest.mark.parametrize("option", ["text", "label"])
def test_demo_lists_the_columns_if_one_is_missing(refusal, write_csv, option):
    error = refusal("--csv", write_csv(), f"--{option}", "txet")

    assert f"{option}='txet' is no column" in error
    assert "'name', 'text', 'topic'" in error


def test_demo_lists_the_columns_if_two_could_be_meant(refusal, write_csv):
    path = write_csv(lambda frame: frame.assign(label=frame["topic"], review=frame["text"]))

    assert "'review'" in refusal("--csv", path)
    assert "'topic' and 'label'" in refusal("--csv", path, "--text", "text")


def test_demo_refuses_one_label_only(refusal, write_csv):
    path = write_csv(lambda frame: frame.assign(topic="email"))

    assert "All rows have the label 'email'" in refusal("--csv", path)


def test_demo_refuses_labels_with_fewer_rows_than_the_folds_need(refusal, write_csv):
    def make_rare(frame):
        frame.loc[:1, "topic"] = "rare"
        return frame

    error = refusal("--csv", write_csv(make_rare))
    assert "1 of 3 labels have fewer ('rare' has 2)" in error


def test_demo_refuses_a_table_without_any_text(refusal, write_csv):
    path = write_csv(lambda frame: frame.assign(text=None))

    assert "No row of" in refusal("--csv", path)


def test_demo_refuses_to_do_nothing(refusal, write_csv):
    assert "give --query" in refusal("--csv", write_csv(), "--label", "")


def test_demo_refuses_options_that_do_not_fit(refusal):
    assert "give --csv PATH too" in refusal("--text", "review")
    assert "--rows is 0" in refusal("--rows", "0")


def test_demo_refuses_a_model_that_is_not_there(refusal, write_csv, tmp_path):
    path = write_csv(lambda frame: frame[["text"]], n_per_topic=8)
    error = refusal("--csv", path, "--query", "one", "--model", tmp_path / "absent")

    assert "absent" in error
