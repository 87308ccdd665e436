"""Libraries propose, we score: what is found has exact scores, and little is missed."""

import pickle
import sys

import numpy as np
import pytest

from skencoder import listed_files
from skencoder.errors import IndexFileError, MissingExtraError, ParameterError
from skencoder.indexes import approximate, build_index, load_index
from tests.indexes.references import assert_same, clustered, recall, score_all, search_all

METRICS = ("cosine", "dot", "euclidean")
INDEXES = {
    "hnsw": ("usearch", {}),
    "faiss": ("faiss", {}),
    "faiss-hnsw": ("faiss", {"kind": "hnsw"}),
}


@pytest.fixture(params=INDEXES)
def build(request):
    """A function that builds one kind of index."""
    package, options = INDEXES[request.param]
    pytest.importorskip(package)

    def build(vectors, **more):
        return build_index(request.param.partition("-")[0], vectors, **options | more)

    build.exact = request.param == "faiss"
    return build


@pytest.mark.parametrize("metric", METRICS)
def test_little_is_missed_and_scores_are_exact(build, metric):
    rows, queries = clustered(2000, 32), clustered(200, 32, seed=1)

    scores, positions = build(rows, metric=metric).search(queries, 10)

    # Graphs are built by several threads, so that no two miss the same rows.
    share = recall(positions, search_all(metric, queries, rows, 10)[1])
    assert share == 1 if build.exact else share > 0.9
    assert_exact(metric, queries, rows, scores, positions)


def assert_exact(metric, queries, rows, scores, positions):
    """Scores are those of float64, each row is there once, best first, ties by position."""
    truth = np.take_along_axis(score_all(metric, queries, rows), positions, axis=1)
    np.testing.assert_allclose(scores, truth.astype(np.float32), rtol=2e-7, atol=1e-30)
    assert all(len(set(found)) == len(found) for found in positions)
    np.testing.assert_array_equal(np.lexsort((positions, -truth)), np.indices(truth.shape)[1])


def test_a_graph_searched_carelessly_misses_rows():
    """So that the recall above is not that of an index that compares everything."""
    pytest.importorskip("usearch")
    rows, queries = clustered(2000, 32), clustered(200, 32, seed=1)
    truth = search_all("cosine", queries, rows, 10)[1]

    careless = build_index("hnsw", rows, connectivity=2, expansion_add=2, expansion_search=2)

    assert recall(careless.search(queries, 10)[1], truth) < 0.95


def test_of_equal_rows_the_first_come_first(build):
    rows = np.repeat(clustered(60, 16), 3, axis=0)

    found = build(rows).search(rows[::3], 3)

    assert_same(found, search_all("cosine", rows[::3], rows, 3))


def test_the_cosine_with_a_zero_vector_is_zero(build):
    rows = clustered(30, 6)
    rows[4] = 0
    scores, positions = build(rows).search(np.vstack([np.zeros(6), rows[0]]), 30)
    assert (scores[0] == 0).all()
    assert scores[1][positions[1] == 4] == 0
    assert_same((scores, positions), search_all("cosine", np.vstack([rows[4], rows[0]]), rows, 30))


@pytest.mark.parametrize("n_rows", [1, 2, 40])
def test_all_rows_can_be_asked_for(build, n_rows):
    rows, queries = clustered(n_rows, 8), clustered(5, 8, seed=1)
    for n_queries in (0, 1, 5):
        found = build(rows).search(queries[:n_queries], n_rows)
        assert found[1].shape == (n_queries, n_rows)
        if n_queries:
            assert_same(found, search_all("cosine", queries[:n_queries], rows, n_rows))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("mapped", [False, True])
def test_adding_and_removing_is_building_anew(build, metric, mapped, tmp_path):
    rng = np.random.default_rng(0)
    rows, queries = clustered(300, 8), clustered(30, 8, seed=1)
    index = build(rows, metric=metric)
    if mapped:
        index.save(tmp_path / "index")
        index = load_index(tmp_path / "index")

    for step in range(8):
        new = clustered(int(rng.integers(0, 40)), 8, seed=step)
        index.add(new)
        rows = np.vstack([rows, new])
        gone = rng.choice(len(rows), int(rng.integers(0, 50)), replace=False)
        index.remove(gone)
        rows = np.delete(rows, gone, axis=0)
        assert len(index) == len(rows)
        scores, positions = index.search(queries, 9)
        assert recall(positions, search_all(metric, queries, rows, 9)[1]) > 0.9
        assert_exact(metric, queries, rows, scores, positions)

    index.save(tmp_path / "changed")
    again = load_index(tmp_path / "changed")
    assert_same(again.search(queries, 9), index.search(queries, 9))
    again.remove(range(len(again)))
    again.add(queries)
    assert again.search(queries, 1)[1].shape == (30, 1)


def test_removed_rows_are_hidden_even_where_all_neighbours_are(build):
    """The rows of a cluster are removed, so that the graph proposes nothing but hidden ones."""
    near = clustered(15, 8) / 100 + np.float32(5)
    rows = np.vstack([near, clustered(200, 8)])
    index = build(rows, metric="euclidean")
    index.remove(range(15))

    found = index.search(near, 4)

    assert_same(found, search_all("euclidean", near, rows[15:], 4))


def test_too_few_proposals_are_made_up_for(build, monkeypatch):
    index = build(clustered(100, 8))
    propose = type(index._graph).propose

    def forget(graph, queries, n_rows):
        numbers = propose(graph, queries, n_rows)
        numbers[1, 2:] = -1
        return numbers

    monkeypatch.setattr(type(index._graph), "propose", forget)
    queries = clustered(3, 8, seed=1)
    assert_same(index.search(queries, 5), search_all("cosine", queries, clustered(100, 8), 5))


def test_many_queries_are_answered_in_batches(build, monkeypatch):
    monkeypatch.setattr(approximate, "QUERY_BATCH", 7)
    monkeypatch.setattr(approximate, "ADDED_AT_ONCE", 30)
    rows, queries = clustered(100, 8), clustered(20, 8, seed=1)
    assert_same(build(rows).search(queries, 5), search_all("cosine", queries, rows, 5))


def test_loaded_and_pickled_it_finds_the_same(build, tmp_path):
    index, queries = build(clustered(300, 8), metric="dot"), clustered(20, 8, seed=1)
    index.remove([1, 5])
    index.save(tmp_path / "index")
    expected = index.search(queries, 5)

    assert_same(load_index(tmp_path / "index").search(queries, 5), expected)
    again = pickle.loads(pickle.dumps(index))
    assert_same(again.search(queries, 5), expected)
    again.add(queries)
    assert len(again) == 318


@pytest.mark.parametrize("name", ["graph.bin", "graph-positions.npy"])
def test_damaged_files(build, name, tmp_path):
    build(clustered(50, 8)).save(tmp_path / "index")
    path = tmp_path / "index" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(IndexFileError, match=f"{name} is not what was written"):
        load_index(tmp_path / "index")


def test_a_graph_of_another_library(build, tmp_path, monkeypatch):
    build(clustered(50, 8)).save(tmp_path / "index")
    path = tmp_path / "index" / "graph.bin"
    path.write_bytes(b"\x00" * path.stat().st_size)
    monkeypatch.setattr(listed_files, "LARGEST_READ", 10)
    with pytest.raises(IndexFileError, match=r"graph.bin"):
        load_index(tmp_path / "index")


@pytest.mark.parametrize(("name", "package"), [("hnsw", "usearch"), ("faiss", "faiss")])
def test_a_missing_library_names_its_extra(name, package, monkeypatch, tmp_path):
    pytest.importorskip(package)
    build_index(name, np.eye(3)).save(tmp_path / "index")
    for module in [m for m in sys.modules if m.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    for use in (lambda: build_index(name, np.eye(3)), lambda: load_index(tmp_path / "index")):
        with pytest.raises(
            MissingExtraError, match=rf"pip install 'skencoder\[{name}\]'"
        ) as error:
            use()
        assert isinstance(error.value, ImportError)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("hnsw", {"connectivity": 1}, "connectivity must be an integer from 2 on; got 1"),
        ("hnsw", {"expansion_add": 2.5}, r"expansion_add must be an integer .* got 2\.5"),
        ("hnsw", {"expansion_search": "many"}, "got 'many'"),
        ("hnsw", {"magic": 1}, "options has magic; expected some of connectivity"),
        ("faiss", {"kind": "ivf"}, "kind must be one of 'flat', 'hnsw'; got 'ivf'"),
        ("faiss", {"connectivity": 4}, "kind='flat' has no option connectivity"),
        ("faiss", {"kind": "hnsw", "connectivity": 0}, "connectivity must be an integer"),
        ("hnsw", {"metric": "hamming"}, "metric must be one of"),
        ("hnsw", {"vectors": [[np.nan]]}, "NaN or infinity in row 0"),
    ],
)
def test_options_that_make_no_sense(name, options, message):
    pytest.importorskip({"hnsw": "usearch"}.get(name, name))
    with pytest.raises(ParameterError, match=message):
        build_index(name, **{"vectors": np.eye(3)} | options)


def test_the_same_refusals_as_of_the_exact_index(build):
    index = build(np.eye(3))
    with pytest.raises(ParameterError, match="n_neighbors=4, but only 3"):
        index.search(np.eye(3), 4)
    with pytest.raises(ParameterError, match="queries has 2 columns"):
        index.search(np.eye(2), 1)
    with pytest.raises(ParameterError, match="positions has 3"):
        index.remove([3])
    with pytest.raises(ParameterError, match="vectors has NaN"):
        index.add([[0, np.nan, 0]])
    assert len(index) == 3
    assert index.search(np.eye(3), 1)[1].ravel().tolist() == [0, 1, 2]


def test_what_could_not_be_added_is_not_there(build, monkeypatch):
    """A library that fails midway leaves the index as it was, and ready for more."""
    monkeypatch.setattr(approximate, "ADDED_AT_ONCE", 10)
    rows, queries = clustered(60, 8), clustered(5, 8, seed=1)
    index = build(rows[:20])
    add = type(index._graph).add

    def fail(graph, vectors):
        if len(graph) > 35:
            raise MemoryError("no more")
        add(graph, vectors)

    monkeypatch.setattr(type(index._graph), "add", fail)
    with pytest.raises(MemoryError, match="no more"):
        index.add(rows[20:])
    assert len(index) == 20
    assert_same(index.search(queries, 20), search_all("cosine", queries, rows[:20], 20))
    monkeypatch.undo()
    index.add(rows[20:40])
    assert_same(index.search(queries, 40), search_all("cosine", queries, rows[:40], 40))


def test_a_graph_whose_file_is_gone_takes_no_rows(tmp_path):
    pytest.importorskip("usearch")
    build_index("hnsw", clustered(20, 8)).save(tmp_path / "index")
    index = load_index(tmp_path / "index")
    (tmp_path / "index" / "graph.bin").unlink()
    with pytest.raises(IndexFileError, match=r"graph.bin"):
        index.add(clustered(5, 8))
    assert len(index) == 20
    assert index.search(clustered(5, 8), 20)[1].max() == 19
