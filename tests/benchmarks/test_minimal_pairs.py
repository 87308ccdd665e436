"""Minimal pairs: accuracies by hand, BLiMP's files, what cannot be read."""

import json
import math

import numpy as np
import pytest

from benchmarks.errors import MissingDataError, UnreadableDataError
from benchmarks.language_models import TextScore
from benchmarks.minimal_pairs import (
    OVERALL,
    MinimalPair,
    PairCollection,
    first_pairs,
    measure_pairs,
    read_pairs,
    run_pairs,
)
from benchmarks.perplexity_report import format_pairs
from benchmarks.perplexity_statistics import mean_bounds
from tests.pseudo_likelihood.models import write_known


def scores(*sums):
    return [TextScore(value, 1, 1, 1, 1) for value in sums]


def pair(good, bad, paradigm="a", phenomenon="p"):
    return MinimalPair(good, bad, paradigm, phenomenon)


def test_by_hand():
    """Two of three, one of one, and a tie that counts as wrong."""
    pairs = [pair("", "")] * 3 + [pair("", "", "b")] + [pair("", "", "c", "q")]
    found = measure_pairs(pairs, scores(-1, -2, -1, -2, -2, -1, -1, -9, -3, -3))
    values = {name: interval.value for name, interval in found.items()}
    assert values == pytest.approx(
        {"a": 2 / 3, "b": 1, "c": 0, "p (mean)": (2 / 3 + 1) / 2, OVERALL: (2 / 3 + 1) / 3}
    )
    # Wilson's interval of 2 of 3 by its formula, z = 1.959964.
    z, n, p = 1.959964, 3, 2 / 3
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert (found["a"].low, found["a"].high) == pytest.approx((centre - half, centre + half))
    # Where a paradigm has always one answer, drawing changes nothing.
    assert found["b"].low < 1


def test_the_mean_s_interval_is_the_binomial_s():
    pairs = [pair("", "")] * 400 + [pair("", "", "b")] * 400
    right = scores(*[-1, -2] * 300, *[-2, -1] * 100, *[-1, -2] * 200, *[-2, -1] * 200)
    found = measure_pairs(pairs, right)[OVERALL]
    deviation = math.sqrt(0.75 * 0.25 / 400 + 0.5 * 0.5 / 400) / 2
    assert found.value == pytest.approx(0.625)
    assert found.high - found.low == pytest.approx(2 * 1.96 * deviation, rel=0.05)


def test_all_right_is_no_reason_to_be_sure():
    """Six paradigms of one pair each; Price and Bonett's interval by its formula."""
    pairs = [pair("", "", name) for name in "abcdef"]
    found = measure_pairs(pairs, scores(*[-1, -2] * 6))[OVERALL]
    size, share = 1 + 4 / 6, (1 + 2 / 6) / (1 + 4 / 6)
    half = 1.959964 * math.sqrt(share * (1 - share) / size / 6)
    assert found.value == found.high == 1
    assert found.low == pytest.approx(share - half)
    assert 0.5 < found.low < 0.6
    wrong = measure_pairs(pairs, scores(*[-2, -1] * 6))[OVERALL]
    assert (wrong.low, wrong.high) == pytest.approx((0, 1 - found.low))


def test_the_mean_of_one_paradigm_is_its_own_figure():
    found = measure_pairs([pair("", "")] * 3, scores(-1, -2, -1, -2, -2, -1))
    assert found[OVERALL] == found["a"]


@pytest.mark.parametrize(
    ("paradigms", "number", "rate"), [(2, 20, 0.97), (6, 1, 0.7), (6, 20, 0.97), (67, 20, 0.97)]
)
def test_the_mean_s_interval_holds_the_truth(paradigms, number, rate):
    """In about 95 % of the draws; a rate of 0.97 leaves few values, so it may be more."""
    rng = np.random.default_rng(0)
    drawn = rng.binomial(number, rate, (1000, paradigms))
    bounds = [mean_bounds(counts, np.full(paradigms, number)) for counts in drawn]
    held = np.mean([low <= rate <= high for low, high in bounds])
    assert 0.92 < held < 0.985
    values = drawn.mean(axis=1) / number
    assert all(low <= v <= high for (low, high), v in zip(bounds, values, strict=True))
    assert all(high > low for low, high in bounds)


def test_a_model_chooses(tmp_path):
    """ "the" is likelier than "cat", whatever stands around it."""
    model = str(write_known(tmp_path, {"the": 1 / 2, "cat": 1 / 4}))
    data = PairCollection("mine", (pair("the", "cat"), pair("cat sat", "the sat", "b")))
    (report,), failures = run_pairs([model], data, results=tmp_path / "r")
    assert not failures
    assert report.accuracies["a"].value == 1
    assert report.accuracies["b"].value == 0
    shown = format_pairs([report])
    assert "1.000 [0." in shown
    assert OVERALL in shown
    (path,) = (tmp_path / "r").rglob("*.json")
    content = json.loads(path.read_text())
    assert content["kind"] == "pairs"
    assert content["figures"][OVERALL]["value"] == 0.5


def line(**fields):
    return json.dumps({"sentence_good": "a", "sentence_bad": "b", **fields})


def test_files(tmp_path):
    (tmp_path / "one.jsonl").write_text(line(UID="u", linguistics_term="t") + "\n\n" + line())
    (tmp_path / "two.jsonl").write_text(line() + "\n")
    data = read_pairs(tmp_path)
    assert [(p.paradigm, p.phenomenon) for p in data.pairs] == [
        ("u", "t"),
        ("one", "one"),
        ("two", "two"),
    ]
    assert read_pairs(tmp_path / "two.jsonl").pairs == data.pairs[2:]
    assert len(first_pairs(data, 1).pairs) == 3
    assert first_pairs(PairCollection("x", data.pairs * 2), 1).pairs == data.pairs


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"sentence_good": "a"}', line(sentence_bad=1), line(sentence_bad=" ")]
)
def test_what_is_no_pair(tmp_path, content):
    (tmp_path / "x.jsonl").write_text(line() + "\n" + content)
    with pytest.raises(UnreadableDataError, match="line 2 of .*x.jsonl is no minimal pair"):
        read_pairs(tmp_path)


def test_missing_files(tmp_path):
    for path in (tmp_path, tmp_path / "x.jsonl"):
        with pytest.raises(MissingDataError, match="there is no file"):
            read_pairs(path)
    (tmp_path / "x.jsonl").write_text("\n")
    with pytest.raises(UnreadableDataError, match="holds no pair"):
        read_pairs(tmp_path)


@pytest.mark.data
def test_blimp(data_root):
    if not (data_root / "blimp").is_dir():
        pytest.skip(f"no BLiMP at {data_root / 'blimp'}")
    data = read_pairs(data_root / "blimp")
    assert len(data.pairs) == 6000
    assert len({p.paradigm for p in data.pairs}) == 6
    assert data.pairs[0].phenomenon == "anaphor_agreement"
