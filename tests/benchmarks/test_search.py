"""A whole run of the search benchmark on few vectors: what it finds, shows and writes."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from benchmarks import SearchSettings, run_search
from benchmarks.cli import main
from benchmarks.environment import available_cores
from benchmarks.errors import EngineUnavailableError
from benchmarks.search_engines import BASELINE, ENGINES, SearchEngine, choose_search_engines
from benchmarks.search_plot import plot_search
from benchmarks.search_probe import measure_memory
from benchmarks.search_tables import format_search
from benchmarks.search_vectors import Truth, VectorSet, make_vectors
from skencoder.errors import ParameterError

PACKAGES = {"faiss-flat": "faiss", "faiss-hnsw": "faiss", "usearch-exact": "usearch"}


@pytest.fixture(scope="module")
def settings():
    return SearchSettings(
        vectors=["clustered"], documents=500, queries=20, dimensions=16, rounds=3, pause=0
    )


@pytest.fixture(scope="module")
def report(settings):
    return run_search(replace(settings, measure=["latency"]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"documents": 0}, "documents=0: expected at least 1"),
        ({"queries": 0}, "queries=0"),
        ({"dimensions": -1}, "dimensions=-1"),
        ({"neighbors": 0}, "neighbors=0"),
        ({"neighbors": 200_000}, "neighbors=200000: expected at most documents=100000"),
        ({"rounds": 1}, "rounds=1"),
        ({"threads": 0}, "threads=0"),
        ({"pause": -1}, "pause=-1"),
        ({"against": ["abacus"]}, "'abacus'; expected some of numpy, faiss-flat"),
        ({"vectors": ["endless"]}, "'endless'; expected some of clustered, texts"),
        ({"measure": ["mood"]}, "'mood'; expected some of latency, memory"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(ParameterError, match=message):
        run_search(SearchSettings(**changes))


def test_texts_that_are_not_there_or_too_few(tmp_path):
    with pytest.raises(ParameterError, match="there is no such file"):
        SearchSettings(texts=tmp_path / "none.txt")
    few = tmp_path / "few.txt"
    few.write_text("one\n\ntwo\n")
    with pytest.raises(ParameterError, match="2 texts are too few"):
        make_vectors("texts", SearchSettings(texts=few))


def test_every_engine_that_can_run_is_measured(report):
    (measured,) = report.sets
    assert measured.engines[0].engine == BASELINE
    assert {*(speed.engine for speed in measured.engines), *report.left_out} == set(ENGINES)
    assert (measured.n_documents, measured.n_queries, measured.n_features) == (500, 20, 16)
    assert [entry.engine for entry in measured.latency] == [s.engine for s in measured.engines]


def test_exact_engines_find_everything_and_ours_in_the_right_order(report):
    speeds = {speed.engine: speed for speed in report.sets[0].engines}
    assert speeds["skencoder-exact"].recall == speeds["skencoder-exact"].same_ids == 1
    for name in {BASELINE, "faiss-flat", "usearch-exact"} & set(speeds):
        assert speeds[name].recall == 1
    assert min(speed.recall for speed in speeds.values()) > 0.8


def test_figures_agree_with_the_seconds_they_come_from(report):
    measured = report.sets[0]
    baseline = np.array(measured.engines[0].rounds.seconds)
    for speed in measured.engines:
        seconds = np.array(speed.rounds.seconds)
        assert len(seconds) == 3
        assert speed.queries_per_second == pytest.approx(np.median(20 / seconds))
        assert speed.slowest == pytest.approx(20 / seconds.max())
        assert speed.fastest == pytest.approx(20 / seconds.min())
        assert speed.rounds.ratio == pytest.approx(np.median(baseline / seconds))
        assert speed.build_seconds >= 0


def test_the_truth_is_that_of_all_pairs():
    rng = np.random.default_rng(0)
    documents = np.repeat(rng.integers(-3, 4, (30, 4)), 2, axis=0).astype(np.float32)
    queries = rng.integers(-3, 4, (5, 4)).astype(np.float32)
    truth = Truth.find(VectorSet("clustered", "", documents, queries), 6)
    for query, ids in zip(queries, truth.ids, strict=True):
        scores = documents @ query
        assert ids.tolist() == sorted(range(60), key=lambda row: (-scores[row], row))[:6]


def test_recall_of_a_hand_worked_case():
    documents = np.array([[1], [3], [2], [3], [0]], np.float32)
    truth = Truth.find(VectorSet("clustered", "", documents, np.ones((1, 1), np.float32)), 2)
    assert truth.ids.tolist() == [[1, 3]]
    # Of three documents the two with score 3 belong to the top 2; one of these is half of them.
    assert truth.recall(np.array([[3, 1]])) == 1
    assert truth.recall(np.array([[3, 2]])) == 0.5
    assert truth.recall(np.array([[0, 4]])) == 0
    assert truth.same(np.array([[1, 3]])) == 1
    assert truth.same(np.array([[3, 1]])) == 0


def test_random_vectors_have_unit_length_and_are_the_same_again(settings):
    vectors, again = make_vectors("clustered", settings), make_vectors("clustered", settings)
    np.testing.assert_array_equal(vectors.documents, again.documents)
    other = make_vectors("clustered", replace(settings, seed=1))
    assert not np.array_equal(vectors.documents, other.documents)
    for rows in (vectors.documents, vectors.queries):
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-6)


def test_texts_are_embedded_and_every_tenth_is_a_query(tmp_path, docs):
    path = tmp_path / "texts.txt"
    short = [text for text in docs.data if len(text) < 60 and "\n" not in text][:40]
    path.write_text("\n".join(short), encoding="utf-8")
    vectors = make_vectors("texts", SearchSettings(texts=path, neighbors=3))
    assert vectors.documents.shape == (36, 384)
    assert vectors.queries.shape == (4, 384)
    assert str(path) in vectors.description


def test_an_engine_that_cannot_run_is_left_out_with_the_reason(settings, monkeypatch):
    def build(documents, threads):
        raise EngineUnavailableError("it needs a steam boiler")

    monkeypatch.setitem(ENGINES, "steam", SearchEngine("steam", "steam engine", build))

    report = run_search(replace(settings, against=["steam"], measure=["latency"]))

    assert report.left_out == {"steam": "it needs a steam boiler"}
    assert "left out: steam, it needs a steam boiler" in format_search(report)
    assert [speed.engine for speed in report.sets[0].engines] == [BASELINE]


@pytest.mark.parametrize("name", PACKAGES)
def test_a_missing_library_is_a_reason(name, monkeypatch):
    import sys

    for module in [m for m in sys.modules if m.partition(".")[0] == PACKAGES[name]]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, PACKAGES[name], None)
    with pytest.raises(EngineUnavailableError, match=r"is not installed: pip install 'skencoder"):
        ENGINES[name].build(np.eye(3, dtype=np.float32), 1)


def test_no_engine_takes_more_threads_than_it_may(settings, monkeypatch, tmp_path):
    """Be it by a number that it was told, or by the cores that it finds."""
    seen = []

    def build(documents, threads):
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
        libraries = [library["num_threads"] for library in threadpool_info()]
        seen.append((threads, cores, max(libraries, default=1)))
        return ENGINES[BASELINE].build(documents, threads)

    monkeypatch.setitem(ENGINES, "counter", SearchEngine("counter", "counts", build))
    before = available_cores()
    report = run_search(replace(settings, against=["counter"], measure=["latency"], threads=1))
    assert seen == [(1, 1, 1)]
    assert report.machine["threads"] == 1
    assert report.machine["cores"] == available_cores() == before
    for name in ("documents", "queries"):
        np.save(tmp_path / f"{name}.npy", np.eye(20, dtype=np.float32))
    measure_memory(tmp_path, "counter", 2, 1)
    assert seen == [(1, 1, 1)] * 2


def test_the_baseline_is_always_there():
    assert choose_search_engines(["skencoder-exact"]) == [BASELINE, "skencoder-exact"]
    assert choose_search_engines(None) == list(ENGINES)


def test_memory_is_of_each_engine_alone(settings):
    asked = replace(settings, against=["skencoder-exact"], measure=["memory"], rounds=2)
    (measured,) = run_search(asked).sets
    assert measured.latency == ()
    assert [entry.engine for entry in measured.memory] == [BASELINE, "skencoder-exact"]
    for entry in measured.memory:
        assert entry.index_bytes is None or 0 <= entry.index_bytes < 100 * 2**20
        assert entry.search_bytes is None or 0 <= entry.search_bytes < 100 * 2**20


def test_the_command_prints_and_writes(tmp_path, capsys):
    numbers = "--documents 200 --queries 10 --dimensions 8 --rounds 2 --pause 0".split()
    names = "--vectors clustered --against skencoder-exact --measure latency".split()
    files = ["--json", str(tmp_path / "search.json"), "--plot", str(tmp_path / "search.svg")]

    assert main(["search", *numbers, *names, *files]) == 0

    shown = capsys.readouterr().out
    line = next(line.split() for line in shown.splitlines() if line.startswith("skencoder-exact"))
    data = json.loads((tmp_path / "search.json").read_text())
    speed = data["sets"][0]["engines"][1]
    assert line[1] == f"{speed['queries_per_second']:.0f}"
    assert line[3] == f"{speed['rounds']['ratio']:.2f}"
    assert line[5:7] == ["1.0000", "1.000"]
    assert data["versions"]["numpy"] == np.__version__
    assert data["machine"]["cpu"]
    assert (tmp_path / "search.svg").read_bytes().startswith(b"<?xml")


def test_files_that_cannot_be_written_are_refused_first(tmp_path, capsys):
    assert main(["search", "--json", str(tmp_path / "none" / "a.json")]) == 2
    assert main(["search", "--plot", str(tmp_path / "a.xyz")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_the_chart_is_a_picture(report, tmp_path):
    plot_search(report, tmp_path / "search.png")
    assert (tmp_path / "search.png").read_bytes().startswith(b"\x89PNG")
