"""Counters: they add up over threads, processes and the dead, and begin again when asked."""

import threading

from skencoder.cache import EmbeddingCache
from skencoder.cache.counters import LINES, NAMES, Counters
from tests.cache.scripts import SPACE, rows_of, run, start

COUNT = """
import sys
from pathlib import Path
from skencoder.cache.counters import Counters
counters = Counters(Path(sys.argv[1]))
"""


def test_hits_and_misses(tmp_path):
    cache = EmbeddingCache(tmp_path / "cache")
    texts, vectors, lengths = rows_of(range(10))
    cache.get(SPACE, texts, 64)
    cache.put(SPACE, texts, vectors, lengths)
    cache.get(SPACE, [*texts, *texts, "another"], 64)
    cache.get(SPACE, texts, 64, count=False)
    stats = cache.stats()
    assert (stats.hits, stats.misses, stats.rows, stats.damaged) == (20, 11, 10, 0)
    assert stats.bytes >= 10 * 64 * 4


def test_processes_and_the_dead_add_up(tmp_path):
    counters = Counters(tmp_path)
    counters.add(hits=1, model_loads=2)
    for _ in range(3):
        run(tmp_path, COUNT + "counters.add(hits=10)\ncounters.add(hits=5, damaged=1)", tmp_path)
    killed = start(
        tmp_path, COUNT + "counters.add(misses=7)\nprint(flush=True)\ninput()", tmp_path
    )
    assert killed.stdout is not None
    killed.stdout.readline()
    killed.kill()
    killed.wait(60)
    killed.stdout.close()
    expected = {"hits": 46, "misses": 7, "texts_encoded": 0, "model_loads": 2, "damaged": 3}
    assert counters.total() == expected
    assert Counters(tmp_path).total() == expected
    assert set(expected) == set(NAMES)


def test_processes_that_count_at_once_lose_nothing(tmp_path):
    code = f"{COUNT}\nfor _ in range(20_000):\n    counters.add(hits=1)\n"
    running = [start(tmp_path, code, tmp_path) for _ in range(4)]
    for one in running:
        assert one.wait(100) == 0
        one.stdout.close()
    assert Counters(tmp_path).total()["hits"] == 80_000


def test_more_processes_than_lines(tmp_path):
    code = f"""{COUNT}
import os
for _ in range({LINES} + 50):
    child = os.fork()
    if not child:
        counters.add(hits=1)
        os._exit(0)
    os.waitpid(child, 0)
"""
    run(tmp_path, code, tmp_path)
    assert Counters(tmp_path).total()["hits"] == LINES + 50


def test_threads_and_forks_count_for_themselves(tmp_path):
    code = f"""{COUNT}
import os
counters.add(hits=1)
child = os.fork()
counters.add(hits=1)
if not child:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert counters.total()["hits"] == 3, counters.total()
"""
    run(tmp_path, code, tmp_path)
    counters = Counters(tmp_path)
    threads = [
        threading.Thread(target=lambda: [counters.add(misses=1) for _ in range(1000)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert counters.total()["misses"] == 4000


def test_clear_begins_again_for_everyone(tmp_path):
    cache = EmbeddingCache(tmp_path / "cache")
    texts, vectors, lengths = rows_of(range(10))
    cache.put(SPACE, texts, vectors, lengths)
    cache.get(SPACE, texts, 64)
    cache.count(texts_encoded=3, model_loads=1)
    run(tmp_path, COUNT + "counters.add(hits=10)", tmp_path / "cache")
    assert cache.stats().hits == 20
    cache.clear()
    stats = cache.stats()
    assert (stats.hits, stats.misses, stats.texts_encoded, stats.model_loads) == (0, 0, 0, 0)
    assert stats.rows == 0
    cache.get(SPACE, texts, 64)
    assert cache.stats().misses == 10


def test_without_a_place_they_count_in_memory(tmp_path):
    (tmp_path / "file").touch()
    counters = Counters(tmp_path / "file")
    counters.add(hits=2)
    counters.add(hits=3)
    assert counters.total()["hits"] == 5
    counters.reset()
    assert counters.total()["hits"] == 0
