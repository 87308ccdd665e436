"""The benchmark of translations: agreement with mteb's own evaluator, and refusals."""

import json

import pandas as pd
import pytest

from benchmarks.bitext import format_bitext, run_bitext
from benchmarks.errors import MissingDataError, UnknownTaskError
from benchmarks.mteb_run import run_mteb

PAIRS = {
    "Last week his automobile was sold.": "He sold his car last week.",
    "There is heavy rain.": "It is raining heavily.",
    "One makes cheese out of milk.": "Cheese is made from milk.",
    "The kids are asleep.": "The children sleep upstairs.",
}


@pytest.fixture
def tatoeba(tmp_path):
    folder = tmp_path / "mteb" / "tatoeba-bitext-mining"
    folder.mkdir(parents=True)
    rows = [{"sentence1": a, "sentence2": b, "lang": "sco-eng"} for a, b in PAIRS.items()]
    (folder / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


def test_paraphrases_are_all_found(tatoeba):
    scores = run_bitext(tatoeba, ["sco-eng"])
    assert [(score.margin, score.matching) for score in scores[:2]] == [
        ("absolute", "nearest"),
        ("ratio", "nearest"),
    ]
    assert all(score.mteb_f1 == score.precision == score.recall == 1 for score in scores)
    assert format_bitext(scores).count("1.0000") == 4 * len(scores)


def test_what_is_not_there_is_named(tatoeba, tmp_path):
    with pytest.raises(UnknownTaskError, match="no subset 'deu-eng'; there are sco-eng"):
        run_bitext(tatoeba, ["deu-eng"])
    with pytest.raises(MissingDataError):
        run_bitext(tmp_path / "mteb", ["sco-eng"])


@pytest.mark.data
@pytest.mark.minutes
def test_nearest_neighbours_have_mteb_s_f1_to_four_decimals(data_root):
    """0.0789 is published for the embedded model."""
    subset = "deu-eng"
    (run,) = run_mteb(
        "all-MiniLM-L6-v2", ["Tatoeba"], data_root=data_root / "mteb", subsets=[subset]
    )
    (row,) = run.rows
    ours = run_bitext(data_root / "mteb", [subset])[0]
    assert ours.mteb_f1 == pytest.approx(row.score, abs=5e-5)
    assert ours.mteb_f1 == pytest.approx(0.0789, abs=5e-5)


@pytest.mark.data
def test_the_data_have_no_copies_among_targets(data_root):
    """A target that is there twice would be found by either row; mteb counts one as wrong."""
    path = data_root / "mteb/mteb/tatoeba-bitext-mining/test.jsonl"
    table = pd.read_json(path, lines=True)
    for _, rows in table.groupby("lang"):
        assert rows["sentence2"].is_unique
