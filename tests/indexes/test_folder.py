"""A saved index is whole or not there, finds the same, and damage is named, never searched."""

import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from skencoder import listed_files
from skencoder.errors import CheckpointError, IndexFileError
from skencoder.indexes import build_index, load_index
from tests.conftest import REPOSITORY
from tests.indexes.references import assert_same, clustered

FILES = ("vectors.npy", "norms.npy", "config.json")


@pytest.fixture
def saved(tmp_path):
    build_index("exact", clustered(50, 8), metric="dot").save(tmp_path / "index")
    return tmp_path / "index"


def test_loaded_it_finds_the_same(saved):
    index, queries = build_index("exact", clustered(50, 8), metric="dot"), clustered(5, 8, seed=1)
    again = load_index(str(saved))

    assert (again.metric, again.n_features, len(again)) == ("dot", 8, 50)
    assert_same(again.search(queries, 4), index.search(queries, 4))


def test_a_folder_holds_plain_arrays_and_json(saved):
    assert sorted(path.name for path in saved.iterdir()) == sorted(FILES)
    np.testing.assert_array_equal(np.load(saved / "vectors.npy"), clustered(50, 8))
    lengths = np.linalg.norm(clustered(50, 8).astype(np.float64), axis=1)
    np.testing.assert_allclose(np.load(saved / "norms.npy"), lengths, rtol=1e-14)
    described = json.loads((saved / "config.json").read_text())
    assert described["index"] == "exact"
    assert described["n_rows"] == 50
    assert described["files"]["vectors.npy"]["bytes"] == (saved / "vectors.npy").stat().st_size


def test_vectors_are_mapped_not_read(saved):
    vectors = load_index(saved)._rows._parts[0]
    base = vectors
    while base.base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    assert not vectors.flags.writeable


def test_an_index_without_rows_is_saved_too(tmp_path):
    index = build_index("exact", np.empty((0, 3), np.float32))
    index.save(tmp_path / "index")
    again = load_index(tmp_path / "index")
    again.add(np.eye(3))
    assert again.search(np.eye(3), 1)[1].ravel().tolist() == [0, 1, 2]


def test_an_empty_folder_is_filled(tmp_path):
    build_index("exact", np.eye(3)).save(tmp_path)
    assert len(load_index(tmp_path)) == 3


def test_a_folder_that_holds_something_is_refused(saved, tmp_path):
    with pytest.raises(CheckpointError, match="is not empty"):
        build_index("exact", np.eye(3)).save(saved)
    assert len(load_index(saved)) == 50
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="is not empty"):
        build_index("exact", np.eye(3)).save(tmp_path / "file")


@pytest.mark.parametrize("name", FILES)
def test_missing_files(saved, name):
    (saved / name).unlink()
    with pytest.raises(IndexFileError, match=f"{name}.*(missing|cannot be read)"):
        load_index(saved)


@pytest.mark.parametrize("name", FILES[:2])
@pytest.mark.parametrize("place", [0, 0.5, -1])
def test_a_changed_byte(saved, name, place):
    content = bytearray((saved / name).read_bytes())
    content[int(place * len(content)) if place >= 0 else -1] ^= 0xFF
    (saved / name).write_bytes(content)
    with pytest.raises(IndexFileError, match=f"{name} is not what was written"):
        load_index(saved)


@pytest.mark.parametrize("name", FILES[:2])
def test_a_file_cut_short(saved, name):
    content = (saved / name).read_bytes()
    (saved / name).write_bytes(content[:-5])
    with pytest.raises(IndexFileError, match=rf"{name} has {len(content) - 5} bytes, but"):
        load_index(saved)


def test_large_files_are_not_read_but_their_header_is(saved, monkeypatch):
    monkeypatch.setattr(listed_files, "LARGEST_READ", 10)
    content = bytearray((saved / "vectors.npy").read_bytes())
    content[-1] ^= 0xFF
    (saved / "vectors.npy").write_bytes(content)
    load_index(saved)
    content[:6] = b"foreign"[:6]
    (saved / "vectors.npy").write_bytes(content)
    with pytest.raises(IndexFileError, match=r"vectors.npy cannot be read"):
        load_index(saved)


def test_files_of_another_index(saved, tmp_path):
    build_index("exact", clustered(50, 8, seed=2)).save(tmp_path / "other")
    (saved / "vectors.npy").write_bytes((tmp_path / "other" / "vectors.npy").read_bytes())
    with pytest.raises(IndexFileError, match=r"vectors.npy is not what was written"):
        load_index(saved)


def change(saved, **fields):
    path = saved / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n_rows": 49}, "vectors.npy holds other numbers than float32 of shape"),
        ({"n_rows": -1}, "config.json is damaged"),
        ({"n_rows": "50"}, "config.json is damaged"),
        ({"n_features": 0}, "config.json is damaged"),
        ({"metric": "hamming"}, "config.json is damaged"),
        ({"files": {}}, "config.json is damaged"),
        ({"files": {"vectors.npy": 3, "norms.npy": 4}}, "config.json is damaged"),
        ({"files": {"../../vectors.npy": {}}}, "config.json is damaged"),
        ({"surprise": 1}, "config.json is damaged"),
        ({"format": "other"}, "does not describe an index"),
        ({"version": 2}, "version=2; this version of skencoder reads 1"),
        ({"index": "magic"}, "holds an index 'magic'"),
        ({"index": ["exact"]}, "config.json is damaged"),
    ],
)
def test_a_description_that_is_not_ours(saved, fields, message):
    change(saved, **fields)
    with pytest.raises(IndexFileError, match=message):
        load_index(saved)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"[" * 100_000])
def test_a_description_that_is_no_json_object(saved, content):
    (saved / "config.json").write_bytes(content)
    with pytest.raises(IndexFileError, match=r"config.json"):
        load_index(saved)


@pytest.mark.parametrize("name", FILES[:2])
@pytest.mark.parametrize(
    "write", [np.save, lambda path, rows: path.write_bytes(pickle.dumps(rows))]
)
def test_nothing_is_unpickled(saved, tmp_path, name, write):
    class Bomb:
        def __reduce__(self):
            return (tmp_path.joinpath("exploded").write_text, ("boom",))

    path = saved / name
    write(path, np.array([Bomb()], dtype=object))
    files = json.loads((saved / "config.json").read_text())["files"]
    facts = {"bytes": path.stat().st_size, "sha256": listed_files.file_sha256(path)}
    change(saved, files=files | {name: facts})

    with pytest.raises(IndexFileError, match=f"{name} cannot be read"):
        load_index(saved)
    assert not (tmp_path / "exploded").exists()


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(IndexFileError, match=r"config.json cannot be read, so .* is no index"):
        load_index(tmp_path / "nowhere")


def test_a_failed_save_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(listed_files, "file_sha256", fail)
    with pytest.raises(OSError, match="No space left"):
        build_index("exact", np.eye(3)).save(tmp_path / "index")
    assert not list(tmp_path.iterdir())


KILLED = """
import os, sys
import numpy as np
from skencoder import listed_files
from skencoder.indexes import build_index
listed_files.file_sha256 = lambda path: os._exit(9)
build_index("exact", np.eye(3)).save(sys.argv[1])
"""


@pytest.mark.parametrize("there", [False, True])
def test_a_process_killed_while_it_saves_leaves_no_index(tmp_path, there):
    """Nor does it matter whether the folder was there, empty."""
    target = tmp_path / "index"
    if there:
        target.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(target)],
        check=False,
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )
    assert done.returncode == 9
    assert target.exists() == there
    assert not there or not list(target.iterdir())
    with pytest.raises(IndexFileError, match="is no index"):
        load_index(target)
    build_index("exact", np.eye(3)).save(target)
    assert len(load_index(target)) == 3
