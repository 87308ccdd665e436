"""Perplexity of texts: figures by hand, results that go on after a kill, refusals."""

import json
import math
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks.cli import main
from benchmarks.errors import (
    MissingDataError,
    ResultFileError,
    RunStoppedError,
    UnreadableDataError,
)
from benchmarks.language_models import MaskedModel, TextScore, open_language_model
from benchmarks.perplexity import run_perplexity
from benchmarks.perplexity_report import format_perplexity, format_texts
from benchmarks.perplexity_settings import PerplexitySettings
from benchmarks.perplexity_store import PerplexityStore
from benchmarks.perplexity_texts import TextCollection, read_dataset, read_text_file
from skencoder.errors import ParameterError
from skencoder.pseudo_likelihood import PseudoLikelihood
from tests.pseudo_likelihood.models import write_family, write_known, write_overflowing

ROOT = Path(__file__).parents[2]
DATA = TextCollection("mine", ("the cat", "the", "cat the cat", "cat", "the the", "a cat"))
SCORE = TextScore(-1.5, 3, 2, 9, 1)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """Every "the" costs 1 bit, every "cat" 2."""
    return str(write_known(tmp_path_factory.mktemp("known"), {"the": 1 / 2, "cat": 1 / 4}))


@pytest.fixture
def encoded(monkeypatch):
    """The texts that are really scored, in lots."""
    lots = []
    score = MaskedModel.score

    def spy(self, texts, advance):
        lots.append(list(texts))
        return score(self, texts, advance)

    monkeypatch.setattr(MaskedModel, "score", spy)
    return lots


def only_result(results):
    (path,) = [p for p in results.rglob("*.json") if not p.name.startswith(".")]
    return path, json.loads(path.read_text())


def test_by_hand(known):
    """ "the cat the": 4 bits, 3 tokens, 3 words, 11 bytes."""
    data = TextCollection("one", ("the cat the",))
    (report,), failures = run_perplexity([known], data)
    assert not failures
    figures = {name: figure.value for name, figure in report.figures.items()}
    assert figures["pppl_per_token"] == pytest.approx(2 ** (4 / 3), rel=1e-6)
    assert figures["pseudo_bits_per_byte"] == pytest.approx(4 / 11, rel=1e-6)
    shown = format_perplexity([report])
    assert "masked  pll" in shown
    assert "2.5198" in shown
    assert "max_length 32, stride 15" in shown
    assert "-2.773" in format_texts(report)


def test_numbers_that_are_very_large(tmp_path):
    """20 nats per token are a perplexity of 485,165,195, and 800 more than a float holds."""
    model = str(write_known(tmp_path, {"the": math.exp(-20)}))
    (report,), _ = run_perplexity([model], TextCollection("one", ("the the",)))
    shown = format_perplexity([report])
    assert "4.852e+08" in shown
    assert "left out" not in shown
    scores = (TextScore(-1600.0, 2, 2, 7, 1),)
    beyond = replace(report, scored=replace(report.scored, scores=scores), figures={})
    told = "pppl_per_token, pppl_per_word left out, above 1.8e+308"
    assert told in format_perplexity([beyond])


def test_results_are_written_and_not_scored_again(known, tmp_path, encoded):
    (first,), _ = run_perplexity([known], DATA, results=tmp_path)
    path, content = only_result(tmp_path)
    assert path.parent.name == "perplexity"
    assert path.parents[1].name == first.model.fingerprint
    assert path.parents[2].name == "local__model"
    assert content["kind"] == "perplexity"
    assert content["figures"]["pppl_per_token"]["value"] == first.figures["pppl_per_token"].value
    assert len(content["texts"]) == len(DATA.texts)
    assert content["too_large"] == []
    assert content["settings"]["stride"] == 15
    assert content["versions"]["torch"]
    lots = len(encoded)
    (again,), _ = run_perplexity([known], DATA, results=tmp_path)
    assert len(encoded) == lots
    assert again.figures == first.figures
    assert again.scored.seconds == 0


def test_settings_and_data_have_results_of_their_own(known, tmp_path):
    run_perplexity([known], DATA, results=tmp_path)
    run_perplexity([known], DATA, PerplexitySettings(method="whole-word"), results=tmp_path)
    run_perplexity([known], DATA, PerplexitySettings(max_length=9, stride=2), results=tmp_path)
    run_perplexity([known], TextCollection("mine", ("the",)), results=tmp_path)
    names = sorted(p.name.partition(".")[2] for p in tmp_path.rglob("*.json"))
    assert names == [
        "pll.json",
        "pll.json",
        "pll.max_length=9.stride=2.json",
        "whole-word.json",
    ]


def test_a_stopped_run_goes_on(known, tmp_path, encoded, monkeypatch):
    monkeypatch.setattr("benchmarks.scoring_lots.SECONDS_PER_LOT", 0)
    score = MaskedModel.score

    def interrupted(self, texts, advance):
        if len(encoded) == 2:
            raise KeyboardInterrupt
        return score(self, texts, advance)

    with monkeypatch.context() as patch:
        patch.setattr(MaskedModel, "score", interrupted)
        with pytest.raises(RunStoppedError, match="kept in .* the same command goes on from ther"):
            run_perplexity([known], DATA, results=tmp_path)
    assert encoded == [["the cat"], ["the"]]
    assert not [p for p in tmp_path.rglob("*.json")]
    (report,), _ = run_perplexity([known], DATA, results=tmp_path)
    assert encoded[2:] == [["cat the cat"], ["cat"], ["the the"], ["a cat"]]
    (whole,), _ = run_perplexity([known], DATA)
    assert report.figures["pppl_per_token"].value == pytest.approx(
        whole.figures["pppl_per_token"].value
    )
    assert not list(tmp_path.rglob("*.parts.jsonl"))


def test_without_results_a_stop_says_that_nothing_is_kept(known, monkeypatch):
    def stop(self, texts, advance):
        raise KeyboardInterrupt

    monkeypatch.setattr(MaskedModel, "score", stop)
    with pytest.raises(RunStoppedError, match="without --results nothing is kept"):
        run_perplexity([known], DATA)


def test_a_line_that_was_being_written_is_scored_again(tmp_path):
    store = PerplexityStore(tmp_path, "x", {"method": "pll"}, 3)
    store.append({0: SCORE})
    store.append({1: SCORE})
    parts = tmp_path / ".x.parts.jsonl"
    parts.write_text(parts.read_text()[:-9])
    assert store.load() == {0: SCORE}
    store.append({2: SCORE})
    assert store.load() == {0: SCORE, 2: SCORE}


@pytest.mark.parametrize(
    "line",
    [
        "not json\n",
        "[1]\n",
        "{}\n",
        '{"row": 1, "score": {"a": 1}}\n',
        '{"row": "x", "score": {}}\n',
        '{"row": 3, "score": {}}\n',
        json.dumps({"row": 1, "score": asdict(SCORE) | {"log_likelihood": "x"}}) + "\n",
        json.dumps({"row": 1, "score": asdict(SCORE) | {"log_likelihood": math.nan}}) + "\n",
        json.dumps({"row": 1, "score": asdict(SCORE) | {"tokens": -1}}) + "\n",
    ],
)
def test_a_damaged_file_is_named(tmp_path, line):
    store = PerplexityStore(tmp_path, "x", {"method": "pll"}, 3)
    store.append({0: SCORE})
    with (tmp_path / ".x.parts.jsonl").open("a") as stream:
        stream.write(line)
    with pytest.raises(ResultFileError, match=r"\.x\.parts\.jsonl is damaged in (line|entry) 3"):
        store.load()


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([asdict(SCORE)] * 2, "has 2 scores of 3 texts"),
        ([asdict(SCORE)] * 4, "has 4 scores of 3 texts"),
        ("x", "has no list of scores of 3 texts"),
        ([asdict(SCORE)] * 2 + [asdict(SCORE) | {"log_likelihood": "-1"}], "in entry 2: .*'-1'"),
        ([asdict(SCORE)] * 2 + [asdict(SCORE) | {"words": 1.5}], "in entry 2: .*1.5"),
    ],
)
def test_a_damaged_result_is_named(tmp_path, texts, message):
    store = PerplexityStore(tmp_path, "x", {"method": "pll"}, 3)
    store.finish({"texts": texts})
    with pytest.raises(ResultFileError, match=rf"x\.json is damaged.*{message}.*Remove it"):
        store.load()


def test_results_of_another_run_are_refused(tmp_path):
    PerplexityStore(tmp_path, "x", {"method": "pll"}, 3).append({0: SCORE})
    with pytest.raises(ResultFileError, match=r"is of another run.*'whole-word'.*remove it"):
        PerplexityStore(tmp_path, "x", {"method": "whole-word"}, 3).load()
    PerplexityStore(tmp_path, "x", {"method": "pll"}, 3).finish({"texts": [asdict(SCORE)] * 3})
    with pytest.raises(ResultFileError, match=r"x\.json is of another run"):
        PerplexityStore(tmp_path, "x", {"method": "whole-word"}, 3).load()


def test_two_processes_do_not_write_one_result(tmp_path):
    store = PerplexityStore(tmp_path, "x", {}, 3)
    with store.held():
        with pytest.raises(ResultFileError, match="another process is writing"):
            with PerplexityStore(tmp_path, "x", {}, 3).held():
                pass
    with PerplexityStore(tmp_path, "x", {}, 3).held():
        pass


def test_one_bad_model_does_not_stop_the_others(known):
    reports, failures = run_perplexity(["all-MiniLM-L6-v2", known, "./nowhere"], DATA)
    assert [report.model.name for report in reports] == [known]
    assert "has no masked-language-model head" in failures["all-MiniLM-L6-v2"]
    assert "there is no such folder" in failures["./nowhere"]


def test_scores_that_are_not_finite_are_refused_and_not_kept(tmp_path):
    model = str(write_overflowing(tmp_path, "cat"))
    reports, failures = run_perplexity([model], DATA, results=tmp_path / "results")
    assert not reports
    assert "overflowing in float32 gives a token of 'the cat'" in failures[model]
    assert not list((tmp_path / "results").rglob("*.json*"))


def test_no_model_and_no_token(known):
    with pytest.raises(ParameterError, match="name at least one checkpoint"):
        run_perplexity([], DATA)
    _, failures = run_perplexity([known], TextCollection("x", ("[SEP]", " ")))
    assert "none of the texts of x has a token" in failures[known]


@pytest.mark.parametrize(
    "fields",
    [{"method": "x"}, {"stride": 0}, {"max_length": -1}, {"mask_probability": 2}, {"seed": -1}],
)
def test_settings_are_checked(fields):
    (name,) = fields
    with pytest.raises(ParameterError, match=f"{name}="):
        PerplexitySettings(**fields)


def test_text_files(tmp_path):
    (tmp_path / "a.txt").write_text("one\n\ntwo words\n")
    (tmp_path / "b.jsonl").write_text('{"text": "one"}\n{"text": "two", "x": 1}\n')
    (tmp_path / "c.csv").write_text("review,stars\nGood food here,5\nBad,1\n")
    assert read_text_file(tmp_path / "a.txt").texts == ("one", "two words")
    assert read_text_file(tmp_path / "b.jsonl").texts == ("one", "two")
    assert read_text_file(tmp_path / "c.csv").texts == ("Good food here", "Bad")
    (tmp_path / "d.jsonl").write_text('{"text": "one"}\n{"body": "two"}\n')
    with pytest.raises(UnreadableDataError, match="line 2 of .*d.jsonl .* field 'text'"):
        read_text_file(tmp_path / "d.jsonl")
    (tmp_path / "e.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(UnreadableDataError, match="cannot be read as UTF-8"):
        read_text_file(tmp_path / "e.txt")
    (tmp_path / "f.txt").write_text("\n \n")
    with pytest.raises(UnreadableDataError, match="holds no text"):
        read_text_file(tmp_path / "f.txt")
    with pytest.raises(MissingDataError, match="no file .*nowhere"):
        read_text_file(tmp_path / "nowhere")


def test_endings_in_capitals_and_rows_without_text(tmp_path, caplog):
    rows = "review,stars\nGood food here,5\nBad,1\n"
    (tmp_path / "T.CSV").write_text(rows)
    (tmp_path / "T.JSONL").write_text('{"text": "one"}\n\n{"text": " "}\n')
    (tmp_path / "t.txt").write_text("one\n\n \ntwo\n")
    with caplog.at_level("INFO", "benchmarks"):
        assert read_text_file(tmp_path / "T.CSV").texts == ("Good food here", "Bad")
        assert not caplog.messages
        assert read_text_file(tmp_path / "T.JSONL").texts == ("one",)
        assert read_text_file(tmp_path / "t.txt").texts == ("one", "two")
    told = [message.replace(str(tmp_path), "") for message in caplog.messages]
    assert told == [
        "1 rows of /T.JSONL hold no text and are left out.",
        "2 rows of /t.txt hold no text and are left out.",
    ]


def test_datasets(tmp_path):
    assert len(read_dataset("python-docs", None).texts) > 100
    with pytest.raises(ParameterError, match="'wikitext' is unknown; the nearest names are wikit"):
        read_dataset("wikitext", None)
    with pytest.raises(MissingDataError, match="wikitext2-test-raw.txt; put"):
        read_dataset("wikitext-2", tmp_path)


@pytest.mark.data
def test_wikitext(data_root):
    """62 articles in the test set, as the harness has pages."""
    if not (data_root / "text").is_dir():
        pytest.skip(f"no text at {data_root / 'text'}")
    articles = read_dataset("wikitext-2", data_root).texts
    assert articles[0].startswith(" = Robert Boulter = ")
    assert 60 <= len(articles) <= 63
    lines = read_dataset("wikitext-2-paragraphs", data_root).texts
    assert not any(line.startswith("= ") for line in lines)


@pytest.fixture
def run(monkeypatch, capsys):
    """Call the command in this process."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments):
        code = main(["perplexity", *map(str, arguments)])
        return code, *capsys.readouterr()

    return run


def test_the_command(run, known, tmp_path):
    path, page = tmp_path / "mine.txt", tmp_path / "page.html"
    path.write_text("\n".join(DATA.texts))
    code, shown, told = run(
        "--model", known, "all-MiniLM-L6-v2", "--texts", path, "--per-text", "--html", page
    )
    assert code == 1, told
    assert "mine: 6 texts" in shown
    assert "all-MiniLM-L6-v2 failed: " in told
    assert "no masked-language-model head" in told
    # No terminal, no bar.
    assert "Scoring" not in told
    assert "cat the cat" in shown
    assert "<mark" in page.read_text()


def test_a_page_shows_what_was_scored(run, known, tmp_path, encoded, monkeypatch):
    read, loaded = [], []
    score, load = PseudoLikelihood.score, PseudoLikelihood.load

    def spy(self, texts, *options, **named):
        read.extend(texts)
        return score(self, texts, *options, **named)

    monkeypatch.setattr(PseudoLikelihood, "score", spy)
    monkeypatch.setattr(
        PseudoLikelihood, "load", lambda *a, **b: loaded.append(a) or load(*a, **b)
    )
    path, page = tmp_path / "mine.txt", tmp_path / "page.html"
    path.write_text("\n".join(DATA.texts))
    results = ["--results", tmp_path / "results"]
    code, shown, told = run("--model", known, "--texts", path, "--html", page, *results)
    assert code == 0, told
    assert sorted([*read, *(text for lot in encoded for text in lot)]) == sorted(DATA.texts)
    assert len(loaded) == 1
    (whole,), _ = run_perplexity([known], DATA)
    assert f"{whole.figures['pppl_per_token'].value:.4f}" in shown
    first = page.read_text()
    # Its score is known then, but its tokens are not kept in results.
    read.clear()
    encoded.clear()
    assert run("--model", known, "--texts", path, "--html", page, *results)[0] == 0
    assert read == [DATA.texts[0]]
    assert not encoded
    assert page.read_text() == first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--text", "a", "--dataset", "python-docs"], "got dataset and text"),
        ([], "name one of --texts, --dataset, --pairs, --text; got none"),
        (["--text", "a"], "has no masked-language-model head"),
        (["--text", "a", "--first", "0"], "first=0"),
        (["--text", "\udcff abc"], "text 0 holds half a character ('\\udcff' at place 0)"),
        (["--text", "a", "--html", "/nowhere/x.html"], "no folder /nowhere"),
        (["--text", "a", "--html", str(ROOT)], "is a folder; expected a file"),
    ],
)
def test_what_cannot_be_started(run, arguments, message):
    code, shown, told = run("--model", "all-MiniLM-L6-v2", *arguments)
    assert code == 2
    assert message in told
    assert not shown


def test_a_killed_process_goes_on(run, tmp_path):
    write_family("bert", tmp_path)
    path, results = tmp_path / "mine.txt", tmp_path / "results"
    path.write_text("\n".join(f"the cat sat on a mat {'we read ' * 15}{n}" for n in range(150)))
    arguments = ["--model", str(tmp_path), "--texts", str(path), "--results", str(results)]
    command = [sys.executable, "-m", "benchmarks", "perplexity", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        while not list(results.rglob(".*.parts.jsonl")) and process.poll() is None:
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not list(results.rglob("mine*.json"))
    (parts,) = results.rglob(".*.parts.jsonl")
    lines = parts.read_text().count("\n")
    code, _, told = run(*arguments)
    assert code == 0, told
    # The first line says of which run the others are.
    assert lines < 2 or f"{lines - 1} of 150 texts were scored before." in told
    assert len(only_result(results)[1]["texts"]) == 150
    _, shown, told = run(*arguments)
    assert ", scored before" in shown
    assert "150 of 150 texts were scored before." in told


def test_kinds_are_told_apart(known, tmp_path):
    assert open_language_model(known, PerplexitySettings()).kind == "masked"
    assert math.isfinite(SCORE.log_likelihood)
