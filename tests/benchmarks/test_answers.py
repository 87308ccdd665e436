"""The benchmark of answers: what is right, what is compared, on a corpus small enough to check."""

import json

import numpy as np
import pytest

from benchmarks.answers import Outcome, format_answers, gain_interval, run_answers
from benchmarks.errors import MissingDataError, UnreadableDataError
from benchmarks.xquad import read_xquad

PASSAGES = {
    "d0": "The Rhine rises in the Alps. The Rhine is 1,230 km long.",
    "d1": "Cheese is made of milk. The Romans knew cheese.",
    "d2": "The tower was finished in 1889. The tower is 330 metres high.",
    "d3": "A colony of bees has one queen. Worker bees collect nectar.",
    "d4": "The train to Bern leaves at noon. A ticket to Bern costs 40 francs.",
}
QUESTIONS = {
    "Where does the Rhine rise?": ("d0", "Alps"),
    "What is cheese made of?": ("d1", "milk"),
    "When was the tower finished?": ("d2", "1889"),
    "What do worker bees collect?": ("d3", "nectar"),
    "When does the train leave?": ("d4", "noon"),
}


@pytest.fixture
def xquad(tmp_path):
    """The retrieval form of five passages, and its answers in the data set's own form."""
    folder = tmp_path / "mteb" / "XQuADRetrieval" / "en"
    folder.mkdir(parents=True)

    def write(name, rows):
        (folder / name).write_text("\n".join(map(json.dumps, rows)))

    write("corpus.jsonl", [{"_id": i, "title": "", "text": t} for i, t in PASSAGES.items()])
    write("queries.jsonl", [{"_id": f"q{n}", "text": q} for n, q in enumerate(QUESTIONS)])
    qrels = enumerate(passage for passage, _ in QUESTIONS.values())
    write("qrels.jsonl", [{"query-id": f"q{n}", "corpus-id": p, "score": 1} for n, p in qrels])
    entries = [
        {"question": q, "answers": [{"text": a, "answer_start": 0}]}
        for q, (_, a) in QUESTIONS.items()
    ]
    own = {"data": [{"paragraphs": [{"context": "", "qas": entries}]}]}
    (tmp_path / "xquad.en.json").write_text(json.dumps(own))
    return tmp_path


def test_every_way_answers_easy_questions(xquad):
    pytest.importorskip("bm25s")
    outcomes = run_answers(xquad, answers=xquad / "xquad.en.json")
    assert [outcome.n_questions for outcome in outcomes] == [5, 5, 5]
    for outcome in outcomes:
        assert outcome.right.all()
        assert outcome.n_in_passage == 5
        assert outcome.auroc == 1
        assert (outcome.without < outcome.scores).all()
    shown = format_answers(outcomes)
    assert "5 questions, 5 of them with known answers, on 5 passages" in shown
    assert shown.count("1.000") >= 9


@pytest.mark.data
def test_marked_answers_stand_in_their_passages(data_root):
    data = read_xquad(data_root / "mteb")
    assert len(data.questions) == 1185
    assert len(data.answerable) == 307
    assert len({question.passage for question in data.answerable}) == 60
    for question in data.answerable:
        before, answer, after = data.passages[question.passage].partition(question.answers[0])
        assert answer == answer.strip() != ""
        # Marks of another version of the passages would cut words.
        assert not (before[-1:].isalnum() and answer[0].isalnum())
        assert not (answer[-1].isalnum() and after[:1].isalnum())


def outcome(right, scores, without):
    right = np.array(right, bool)
    groups = [f"d{number}" for number in range(len(right))]
    return Outcome("a", right, np.array(scores), np.array(without), groups, 3, len(right))


def test_the_threshold_comes_from_other_passages():
    """One question is only answered if its own score may choose the threshold."""
    scores, without = [9.0, 8.0, 7.0, 6.0, 1.0], [2.0, 2.0, 2.0, 2.0, 0.5]
    precision, recall, f1 = outcome([1, 1, 1, 1, 1], scores, without).calibrated
    assert (precision, recall) == (1.0, 0.8)
    assert f1 == pytest.approx(2 * 4 / (4 + 5))


def test_the_auroc_by_hand():
    # Of four pairs of a score with and one without the passage three are in order.
    assert outcome([1, 1], [0.9, 0.4], [0.5, 0.1]).auroc == pytest.approx(0.75)


def test_gains_are_paired():
    one, other = outcome([1, 1, 0, 1], [1] * 4, [0] * 4), outcome([0, 1, 0, 1], [1] * 4, [0] * 4)
    gain, low, high = gain_interval(one, other)
    assert gain == 0.25
    assert low == 0 < high
    assert gain_interval(one, one) == (0, 0, 0)


def test_missing_and_damaged_data_are_named(xquad, tmp_path):
    with pytest.raises(MissingDataError, match="XQuADRetrieval"):
        read_xquad(tmp_path / "mteb")
    (xquad / "mteb/XQuADRetrieval/en/qrels.jsonl").write_text('{"query-id": "q9"}')
    with pytest.raises(UnreadableDataError, match="cannot be read"):
        read_xquad(xquad)
    with pytest.raises(UnreadableDataError, match="cannot be read"):
        read_xquad(xquad, xquad / "absent.json")
