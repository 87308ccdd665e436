"""Rejecting unseen intents: on a small slice in Banking77's layout, and on the real one."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.errors import MissingDataError
from benchmarks.intents import BASELINE, MEASURES, WAYS, format_intents, run_intents
from skencoder.errors import ParameterError

# Eight intents that share no words, so that the one that is not learned is easy to tell.
INTENTS = [
    ["card", "arrive", "post", "letterbox"],
    ["exchange", "currency", "dollars", "euros"],
    ["password", "forgotten", "login", "reset"],
    ["refund", "shop", "returned", "goods"],
    ["fee", "charged", "withdrawal", "cash"],
    ["salary", "deposit", "employer", "monthly"],
    ["child", "account", "age", "daughter"],
    ["theft", "stolen", "police", "wallet"],
]


@pytest.fixture(scope="module")
def slice_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    folder = root / "mteb" / "banking77"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for split, n in {"train": 12, "test": 4}.items():
        rows = [
            {"text": " ".join(rng.permutation(words)[:3]), "label": label}
            for label, words in enumerate(INTENTS)
            for _ in range(n)
        ]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return root


def test_every_way_is_measured_in_every_draw(slice_root):
    report = run_intents(slice_root, draws=2)
    assert (report.n_intents, report.n_unseen) == (8, 2)
    assert (report.n_train, report.n_test) == (96, 32)
    assert set(report.measured) == set(WAYS)
    for draws in report.measured.values():
        assert [set(draw) for draw in draws] == [set(MEASURES)] * 2
        assert all(0 <= value <= 1 for draw in draws for value in draw.values())
    # A test text of a known intent has its words in the training; one of an unseen has none.
    for draw in report.measured[BASELINE]:
        assert draw["AUROC"] == 1.0
        assert draw["accepted unseen"] == 0.0
        assert draw["accuracy in scope"] == 1.0
    shown = format_intents(report)
    assert "8 intents, 2 of them unseen in each of 2 draws; 96 rows" in shown
    assert [line.split("  ")[0] for line in shown.splitlines()[-len(WAYS) :]] == list(WAYS)


def test_no_word_of_an_unseen_intent_is_counted(slice_root, monkeypatch):
    counted = []

    class Recording(TfidfVectorizer):
        def fit(self, texts):
            counted.append(set(" ".join(texts).split()))
            return super().fit(texts)

    monkeypatch.setattr("benchmarks.intents.TfidfVectorizer", Recording)
    run_intents(slice_root, draws=2)
    assert len(counted) == 2
    for words in counted:
        # Of eight intents two are unseen, and no two share a word.
        assert sum(not words & set(intent) for intent in INTENTS) == 2


def test_choices_are_made_on_other_rows_and_intents_than_figures(slice_root, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "benchmarks.intents.Way.measure",
        lambda way, train, test: seen.append((train, test)) or dict.fromkeys(MEASURES, 0.5),
    )
    unseen = {}
    for choose in (False, True):
        seen.clear()
        report = run_intents(slice_root, draws=5, choose=choose)
        learned = [set(train.intents.tolist()) for train, _ in seen]
        unseen[choose] = set(range(8)) - set.intersection(*learned)
        assert all(len(intents) == 8 - report.n_unseen for intents in learned)
        assert {len(test.intents) for _, test in seen} == {24 if choose else 32}
    assert not unseen[True] & unseen[False]


def test_fewer_rows_per_intent(slice_root):
    assert run_intents(slice_root, draws=1, per_intent=6).n_train == 48


def test_bad_input_is_refused(slice_root, tmp_path):
    with pytest.raises(ParameterError, match="draws must be 1 or more; got 0"):
        run_intents(slice_root, draws=0)
    with pytest.raises(ParameterError, match="per_intent must be 1 or more; got 0"):
        run_intents(slice_root, per_intent=0)
    (tmp_path / "mteb" / "banking77").mkdir(parents=True)
    (tmp_path / "mteb" / "banking77" / "README.md").write_text("no data")
    with pytest.raises(MissingDataError, match=r"no file .*train\.jsonl"):
        run_intents(tmp_path)


@pytest.mark.data
@pytest.mark.minutes
def test_on_banking77_the_default_beats_word_counts(data_root, tmp_path):
    # Five rows of each intent to learn from and five to judge, so that it takes seconds.
    folder = tmp_path / "mteb" / "banking77"
    folder.mkdir(parents=True)
    for name in ("train.jsonl", "test.jsonl"):
        rows = pd.read_json(data_root / "mteb" / "mteb" / "banking77" / name, lines=True)
        few = rows.groupby("label").head(5)
        few.to_json(folder / name, orient="records", lines=True)
    report = run_intents(tmp_path, draws=2)
    base, ours = (
        np.array([draw["AUROC"] for draw in report.measured[way]])
        for way in (BASELINE, "encoder, combined (default)")
    )
    assert (ours > base + 0.03).all()
    assert (ours > 0.7).all()
