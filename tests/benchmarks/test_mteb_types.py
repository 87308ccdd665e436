"""Every type of task that mteb has for texts, on a few texts of each task's own layout.

With each, what is kept of the examples has to give the score that mteb computed.
"""

import json
import math

import numpy as np
import pytest

from benchmarks import MTEBModel, run_mteb
from benchmarks.example_statistics import compute_statistic
from benchmarks.result_files import read_examples
from skencoder.datasets import load_python_docs

pytestmark = [
    pytest.mark.filterwarnings("ignore:The task .* is superseded:UserWarning"),
    pytest.mark.filterwarnings("ignore:To copy construct from a tensor:UserWarning:mteb"),
    # A label that is never given is no news, and would be told for every training draw.
    pytest.mark.filterwarnings("error:.*ill-defined"),
    # Few texts: some clusters hold one, some labels none, and mteb asks for more neighbours.
    pytest.mark.filterwarnings("ignore:.*distinct clusters:sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Unable to find acceptable:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*unique classes:UserWarning"),
]

DOCS = load_python_docs()
# Neighbours are of one topic, so some of all topics are taken.
ROWS = range(0, len(DOCS.data), len(DOCS.data) // 400)[:400]
TEXTS = [" ".join(DOCS.data[row].split()[:25]) for row in ROWS]
NUMBERS = [int(DOCS.target[row]) for row in ROWS]
TOPICS = [str(DOCS.target_names[topic]) for topic in NUMBERS]


def halves(text):
    words = text.split()
    return " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])


def classification(labels):
    order = np.random.default_rng(0).permutation(len(TEXTS))
    rows = [{"text": TEXTS[row], "label": labels[row]} for row in order]
    return {"default": {"train": rows[:200], "test": rows[200:280]}}


def retrieval(*, suffix=False, instructions=False, candidates=False, changed=False):
    queries = [halves(text)[0] for text in TEXTS[:12]]
    names = [f"q{n}" + ("-og" if suffix and n % 2 else "-changed" if suffix else "")
             for n in range(12)]  # fmt: skip
    names = [f"q{n // 2}{name[name.index('-'):]}" if suffix else name
             for n, name in enumerate(names)]  # fmt: skip
    configs = {
        "corpus": {"corpus": [
            {"_id": f"d{n}", "title": "", "text": halves(text)[1]}
            for n, text in enumerate(TEXTS[:60])
        ]},
        "queries": {"queries": [
            {"_id": name, "text": text} for name, text in zip(names, queries, strict=True)
        ]},
        "default": {"test": [
            {"query-id": name, "corpus-id": f"d{n + step}", "score": 2 - step}
            for n, name in enumerate(names) for step in (0, 1)
        ]},
    }  # fmt: skip
    if instructions:
        configs["instruction"] = {
            "instruction": [{"query-id": n, "instruction": f"About {TOPICS[0]}"} for n in names]
        }
    if candidates:
        configs["top_ranked"] = {
            "top_ranked": [
                {"query-id": name, "corpus-ids": [f"d{m}" for m in range(n, n + 20)]}
                for n, name in enumerate(names)
            ]
        }
    if changed:
        configs["qrel_diff"] = {
            "qrel_diff": [{"query-id": f"q{n}", "corpus-ids": [f"d{2 * n}"]} for n in range(6)]
        }
    return configs


def pair_rows(first="sentence1", second="sentence2", label="labels", *, one_row=False):
    """Half of the pairs belong together; older data sets hold all of them in one row."""
    same = np.random.default_rng(0).permutation([1, 0] * 30).tolist()
    sides = [halves(text) for text in TEXTS[:60]]
    others = [b if alike else sides[n - 1][1] for n, ((_, b), alike) in pair_up(sides, same)]
    columns = {first: [a for a, _ in sides], second: others, label: same}
    rows = [{name: column[n] for name, column in columns.items()} for n in range(60)]
    return {"default": {"test": [columns] if one_row else rows}}


def pair_up(*columns):
    return enumerate(zip(*columns, strict=True))


def summaries():
    rng = np.random.default_rng(0)
    rows = [
        {
            "text": text,
            "human_summaries": list(halves(text)),
            "machine_summaries": [" ".join(text.split()[:length]) for length in (3, 6, 9, 12)],
            # One text whose summaries are graded alike is left out by mteb.
            "relevance": [2.0] * 4 if n == 3 else rng.permutation([1.0, 2.0, 3.5, 5.0]).tolist(),
        }
        for n, text in enumerate(TEXTS[:8])
    ]
    return {"default": {"test": rows}}


def clusters(sets):
    rows = [
        {"sentences": TEXTS[start::sets], "labels": TOPICS[start::sets]} for start in range(sets)
    ]
    return {"default": {"test": rows}}


def translations():
    rows = [
        {"sentence1": a, "sentence2": b, "lang": lang}
        for lang in ("deu-eng", "fra-eng")
        for a, b in map(halves, TEXTS[:40] if lang == "deu-eng" else TEXTS[40:70])
    ]
    return {"default": {"test": rows}}


def parallel():
    rows = [
        {"eng_Latn": a, "ben_Beng": b, "asm_Beng": f"{a} {b[:9]}"}
        for a, b in map(halves, TEXTS[:30])
    ]
    return {"default": {"test": rows}}


# Task: hub path, rows by configuration and split, and the statistic of its examples.
TASKS = {
    "EmotionClassification": ("mteb/emotion", classification(TOPICS), "mean"),
    "KorHateSpeechMLClassification": (
        "mteb/KorHateSpeechMLClassification",
        classification([[topic % 3, 3 + topic % 2] for topic in NUMBERS]),
        "mean",
    ),
    "TwentyNewsgroupsClustering": ("mteb/twentynewsgroups-clustering", clusters(4), "mean"),
    "TwentyNewsgroupsClustering.v2": ("mteb/twentynewsgroups-clustering", clusters(4), "mean"),
    "SprintDuplicateQuestions": (
        "mteb/sprintduplicatequestions-pairclassification",
        pair_rows("sent1", "sent2", one_row=True),
        "average_precision",
    ),
    "TalemaaderPC": ("mteb/talemaader_pc", pair_rows(label="label"), "best_accuracy"),
    "AskUbuntuDupQuestions": (
        "mteb/AskUbuntuDupQuestions",
        retrieval(candidates=True),
        "mean",
    ),
    "NFCorpus": ("mteb/nfcorpus", retrieval(), "mean"),
    "STS12": (
        "mteb/sts12-sts",
        {
            "default": {
                "test": [
                    {"sentence1": a, "sentence2": b, "score": n % 6}
                    for n, (a, b) in enumerate(map(halves, TEXTS[:50]))
                ]
            }
        },
        "spearman",
    ),
    "SummEvalSummarization.v2": ("mteb/summeval", summaries(), "mean"),
    "Tatoeba": ("mteb/tatoeba-bitext-mining", translations(), "f1_weighted"),
    "IN22GenBitextMining": ("mteb/IN22GenBitextMining", parallel(), "f1_weighted"),
    "IFIRNFCorpus": ("if-ir/nfcorpus", retrieval(instructions=True), "mean"),
    "Core17InstructionRetrieval": (
        "mteb/Core17InstructionRetrieval",
        retrieval(suffix=True, instructions=True, candidates=True, changed=True),
        None,
    ),
    "BengaliSentimentAnalysis.v2": (
        "mteb/bengali_sentiment_analysis",
        classification([topic % 2 for topic in NUMBERS]),
        None,
    ),
}
SUBSETS = ["deu-eng", "fra-eng", "asm_Beng-ben_Beng", "ben_Beng-asm_Beng"]


def write(folder, configs):
    folder.mkdir(parents=True)
    card = ["---", "configs:"]
    for config, splits in configs.items():
        card += [f"- config_name: {config}", "  data_files:"]
        for split, rows in splits.items():
            card += [f"  - split: {split}", f"    path: {config}-{split}.jsonl"]
            lines = "\n".join(map(json.dumps, rows))
            (folder / f"{config}-{split}.jsonl").write_text(lines)
    (folder / "README.md").write_text("\n".join([*card, "---", ""]))


@pytest.fixture(params=["encoder", "pipeline"])
def model(request, tiny_bert, tfidf_svd):
    return MTEBModel(tiny_bert if request.param == "encoder" else tfidf_svd)


@pytest.mark.parametrize("task", TASKS)
def test_each_type_is_scored_and_its_examples_give_the_score(task, model, tmp_path, caplog):
    caplog.set_level("INFO", logger="benchmarks")
    path, configs, statistic = TASKS[task]
    write(tmp_path / "data" / path, configs)

    (run,) = run_mteb(
        model, [task], data_root=tmp_path / "data", subsets=SUBSETS, results=tmp_path / "out"
    )

    assert run.error is None, run.error
    assert all(math.isfinite(row.score) for row in run.rows)
    files = list((tmp_path / "out").rglob("examples/*.json"))
    if statistic is None:
        assert files == []
        assert f"examples of {task} are not kept for its score" in caplog.text
        return
    (file,) = files
    name, sets = read_examples(file)
    assert name == task
    assert {(one.split, one.subset): one.score for one in sets} == pytest.approx(
        {(row.split, row.subset): row.score for row in run.rows}, abs=1e-6
    )
    for examples in sets:
        assert examples.statistic == statistic
        assert compute_statistic(examples) == pytest.approx(examples.score, abs=5e-5)
    content = json.loads(file.read_text())
    assert content["metric"] == run.metric
    assert content["data_revision"] == run.result.dataset_revision
    assert not list(file.parent.glob(".*.jsonl"))
