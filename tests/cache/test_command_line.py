"""``python -m skencoder.cache``: what it prints, and how it ends."""

import subprocess
import sys
from dataclasses import replace

import pytest

from skencoder.cache import EmbeddingCache
from skencoder.cache.__main__ import main
from tests.cache.scripts import SPACE, environment, rows_of


@pytest.fixture
def filled(tmp_path):
    cache = EmbeddingCache(tmp_path / "cache")
    for start in range(0, 5000, 500):
        texts, vectors, lengths = rows_of(range(start, start + 500))
        cache.put(SPACE, texts, vectors, lengths)
    cache.put(replace(SPACE, layer=3, prompt="query: "), texts, vectors, lengths)
    cache.get(SPACE, [*texts, "new"], 64)
    cache.count(texts_encoded=9, model_loads=1)
    return cache


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "skencoder.cache", *map(str, arguments)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_info(filled):
    done = command("info", filled.folder)
    assert done.returncode == 0, done.stderr
    assert "5,500 rows" in done.stdout
    for line in ("hits: 500", "misses: 1", "texts encoded: 9", "model loads: 1", "damaged: 0"):
        assert line in done.stdout.splitlines()
    described = "model ffffffff, mean, layer 6, 64 x float32, computed in float32, max_length 256"
    assert f"5,000 rows: {described} (cut), prompt ''" in done.stdout
    assert "500 rows: model ffffffff, mean, layer 3, 64 x float32" in done.stdout
    assert "prompt 'query: '" in done.stdout


def test_verify(filled):
    done = command("verify", filled.folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "5,500 rows are whole, 0 damaged, 0 blocks unreadable" in done.stdout


@pytest.mark.parametrize(
    ("size", "n_bytes"), [("500K", 500_000), ("500kb", 500_000), ("0.5M", 500_000), ("0", 0)]
)
def test_prune(filled, capsys, size, n_bytes):
    before = (filled.folder / "data.mdb").stat().st_size
    assert main(["prune", str(filled.folder), "--max-bytes", size]) == 0
    printed = capsys.readouterr().out
    stats = filled.stats()
    # Empty databases take no page of rows.
    assert stats.bytes <= max(n_bytes, 20_000)
    assert f"{5500 - stats.rows:,} rows dropped; {stats.rows:,} rows" in printed
    assert (filled.folder / "data.mdb").stat().st_size < before
    assert stats.rows > 0 or not n_bytes


@pytest.mark.parametrize("size", ["500M", "2G", "1T", "1 000 000 000"])
def test_prune_to_more_than_there_is_drops_nothing(filled, size):
    done = command("prune", filled.folder, "--max-bytes", size.replace(" ", ""))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0 rows dropped; 5,500 rows")


@pytest.mark.parametrize("size", ["", "-1", "many", "5X", "1e9", "M"])
def test_what_is_no_size_is_refused(filled, size, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["prune", str(filled.folder), f"--max-bytes={size}"])
    assert ended.value.code == 2
    assert "is no size; write 1000000, 500M or 2G" in capsys.readouterr().err
    assert filled.stats().rows == 5500


@pytest.mark.parametrize("what", ["info", "verify", "prune"])
@pytest.mark.parametrize("place", ["missing", "empty", "file"])
def test_a_path_without_a_cache(tmp_path, what, place):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    rest = ["--max-bytes", "1M"] if what == "prune" else []
    done = command(what, tmp_path / place, *rest)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{tmp_path / place} holds no cache: there is no data.mdb in it." in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file"]
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.parametrize("what", ["info", "verify", "prune"])
@pytest.mark.parametrize("content", [b"this is no LMDB" * 1000, bytes(8192), b"x"])
def test_what_is_no_lmdb_gives_a_sentence(tmp_path, what, content):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "data.mdb").write_bytes(content)
    rest = ["--max-bytes", "1M"] if what == "prune" else []
    done = command(what, tmp_path / "cache", *rest)
    assert done.returncode == 1
    assert done.stderr.startswith(f"The cache at {tmp_path / 'cache'} cannot be read: ")
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_a_command_it_says_what_there_is():
    done = command()
    assert done.returncode == 2
    assert all(name in done.stderr for name in ("COMMAND", "required"))
    helped = command("--help")
    assert helped.returncode == 0
    assert all(name in helped.stdout for name in ("info", "prune", "verify"))
