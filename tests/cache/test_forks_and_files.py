"""A fork at a bad moment, a file that comes and goes, a folder under two names."""

import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from skencoder import EmbeddingCache
from skencoder.cache import Space
from skencoder.cache.environment import DATA_FILE
from skencoder.errors import CacheWarning

SPACE = Space(
    fingerprint="test",
    pooling="mean",
    layer=2,
    prompt="",
    max_length=64,
    overflow="cut",
    precision="float32",
    dtype="float32",
)
WIDTH = 32


def put(cache, *names, width=WIDTH):
    vectors = np.array([[float(len(name))] * width for name in names], np.float32)
    cache.put(SPACE, list(names), vectors, np.full(len(names), 3))


def found(cache, *names, width=WIDTH):
    return cache.get(SPACE, list(names), width).found.tolist()


def wait(pid, seconds=30):
    """Wait for a child and kill it if it hangs."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return "hung"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_while_another_thread_writes(tmp_path):
    cache = EmbeddingCache(tmp_path / "cache")
    put(cache, "first")
    done = threading.Event()

    def write():
        for number in range(100_000):
            put(cache, *(f"{number} {row}" for row in range(100)))
            if done.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        codes = []
        for _ in range(15):
            pid = os.fork()
            if not pid:
                with suppress(BaseException):
                    put(cache, f"from {os.getpid()}")
                    os._exit(
                        0 if found(cache, "first", f"from {os.getpid()}") == [True] * 2 else 1
                    )
                os._exit(2)
            codes.append(wait(pid))
    finally:
        done.set()
        writer.join()
    assert codes == [0] * 15


@pytest.mark.parametrize("max_bytes", [200_000, 2_000_000])
def test_a_bounded_cache_opens_in_another_process(tmp_path, max_bytes):
    cache = EmbeddingCache(tmp_path, max_bytes=max_bytes)
    for lot in range(5):
        put(cache, *(f"{lot} {row}" for row in range(5000)))
    assert 0 < cache.stats().rows < 25_000
    assert cache.stats().bytes <= max_bytes
    code = (
        "import sys, warnings; warnings.simplefilter('error'); from skencoder import "
        "EmbeddingCache; print(EmbeddingCache(sys.argv[1]).stats().rows)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == cache.stats().rows


def test_a_folder_that_was_deleted_is_made_again(tmp_path):
    folder = tmp_path / "cache"
    cache = EmbeddingCache(folder)
    put(cache, "a")
    shutil.rmtree(folder)
    assert found(cache, "a") == [False]
    put(cache, "b")
    assert (folder / DATA_FILE).is_file()
    assert found(cache, "a", "b") == [False, True]


def test_a_folder_under_two_names(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    put(EmbeddingCache(tmp_path / "folder"), "a")
    assert found(EmbeddingCache(tmp_path / "link"), "a") == [True]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors cannot be counted")
def test_failed_openings_leak_nothing(tmp_path):
    (tmp_path / DATA_FILE).write_bytes(b"no database" * 1000)
    from skencoder.cache.environment import Environment

    environment = Environment(tmp_path, durable=True)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        with pytest.raises(Exception, match=r"data|Invalid|MDB"), environment.begin():
            pass
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


def test_one_warning_however_many_estimators(tmp_path):
    (tmp_path / DATA_FILE).write_bytes(b"no database" * 1000)
    with pytest.warns(CacheWarning, match="cannot be") as told:
        for _ in range(5):
            cache = EmbeddingCache(tmp_path)
            put(cache, "a")
            assert found(cache, "a") == [False]
    assert len(told) == 1
    assert told[0].filename == __file__


def test_compacting_loses_nothing_while_others_write(tmp_path):
    """Two processes that clear and write take turns in holding the folder."""
    code = (
        "import sys, numpy as np\n"
        "from tests.cache.test_forks_and_files import EmbeddingCache, put, found\n"
        "cache = EmbeddingCache(sys.argv[1])\n"
        "for number in range(150):\n"
        "    name = f'{sys.argv[2]} {number}'\n"
        "    put(cache, name)\n"
        "    assert found(cache, name) == [True], name\n"
        "    cache.prune(10**9)\n"
        "    assert found(cache, name) == [True], name\n"
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), str(who)],
            cwd=Path(__file__).parents[2],
            stderr=subprocess.PIPE,
            text=True,
        )
        for who in range(3)
    ]
    problems = [worker.communicate(timeout=120)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 3, problems
    names = [f"{who} {number}" for who in range(3) for number in range(150)]
    assert all(found(EmbeddingCache(tmp_path), *names))
