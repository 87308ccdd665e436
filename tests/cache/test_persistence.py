"""A folder that keeps vectors: other processes find them, and no death of one loses any."""

import signal
import time

import numpy as np
import pytest

from skencoder.cache import EmbeddingCache
from skencoder.cache.__main__ import main
from tests.cache.scripts import ROWS, SPACE, rows_of, run, start

WRITE = f"""{ROWS}
texts, vectors, lengths = rows_of(range(int(sys.argv[2])))
EmbeddingCache(sys.argv[1]).put(SPACE, texts, vectors, lengths)
"""
WRITER = f"""{ROWS}
cache, first, at_once = EmbeddingCache(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
while True:
    texts, vectors, lengths = rows_of(range(first, first + at_once))
    cache.put(SPACE, texts, vectors, lengths)
    first += at_once
    print(first, flush=True)
"""


def check_rows(cache, numbers):
    """Every one of these rows is there and right."""
    texts, vectors, lengths = rows_of(numbers)
    rows = cache.get(SPACE, texts, vectors.shape[1])
    assert rows.found.all()
    assert np.array_equal(rows.vectors, vectors)
    assert np.array_equal(rows.lengths, lengths)


def test_a_new_process_finds_everything(tmp_path):
    run(tmp_path, WRITE, tmp_path / "cache", 1000)
    cache = EmbeddingCache(tmp_path / "cache")
    check_rows(cache, range(1000))
    assert cache.stats().rows == 1000


def test_a_folder_can_be_moved(tmp_path):
    run(tmp_path, WRITE, tmp_path / "cache", 100)
    (tmp_path / "cache").rename(tmp_path / "moved")
    check_rows(EmbeddingCache(tmp_path / "moved"), range(100))


@pytest.mark.parametrize("at_once", [1, 200])
def test_a_killed_writer_loses_nothing_that_was_stored(tmp_path, at_once):
    rng, stored = np.random.default_rng(at_once), 0
    for _ in range(6):
        writer = start(tmp_path, WRITER, tmp_path / "cache", stored, at_once)
        assert writer.stdout is not None
        stored = int(writer.stdout.readline())
        time.sleep(rng.uniform(0, 0.3))
        writer.kill()
        printed = writer.stdout.read().split()
        assert writer.wait(60) == -signal.SIGKILL
        # The last line may have been cut by the kill.
        stored = max([stored, *map(int, printed[:-1])])
    assert stored > 6 * at_once
    cache = EmbeddingCache(tmp_path / "cache")
    check_rows(cache, range(stored))
    texts, vectors, lengths = rows_of(range(10**6, 10**6 + 50))
    cache.put(SPACE, texts, vectors, lengths)
    check_rows(cache, range(10**6, 10**6 + 50))
    assert cache.stats().damaged == 0
    assert main(["verify", str(tmp_path / "cache")]) == 0


def test_processes_that_write_at_once_and_die_do_not_stop_the_others(tmp_path):
    """One is killed while it writes; the rest goes on, and none waits for the dead."""
    writers = [start(tmp_path, WRITER, tmp_path / "cache", 10**6 * i, 50) for i in range(3)]
    for writer in writers:
        writer.stdout.readline()
    for writer in writers[:2]:
        writer.kill()
        writer.wait(60)
    before = int(writers[2].stdout.readline())
    while int(writers[2].stdout.readline()) < before + 500:
        pass
    writers[2].kill()
    writers[2].wait(60)
    for writer in writers:
        writer.stdout.close()
    check_rows(EmbeddingCache(tmp_path / "cache"), range(2 * 10**6, before))


def test_pruning_while_another_process_writes_loses_nothing_new(tmp_path):
    writer = start(tmp_path, WRITER, tmp_path / "cache", 0, 100)
    assert writer.stdout is not None
    cache = EmbeddingCache(tmp_path / "cache")
    writer.stdout.readline()
    for _ in range(10):
        cache.prune(300_000)
    stored = int(writer.stdout.readline())
    writer.kill()
    writer.wait(60)
    writer.stdout.close()
    check_rows(cache, range(stored - 100, stored))
    cache.prune(300_000)
    assert cache.stats().bytes <= 300_000
    assert main(["verify", str(tmp_path / "cache")]) == 0


def test_little_address_space_is_enough(tmp_path):
    code = f"""{ROWS}
import resource, warnings
warnings.simplefilter("error")
resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
cache = EmbeddingCache(sys.argv[1])
texts, vectors, lengths = rows_of(range(100))
cache.put(SPACE, texts, vectors, lengths)
assert cache.get(SPACE, texts, 64).found.all()
"""
    pytest.importorskip("resource")
    run(tmp_path, code, tmp_path / "cache")
    check_rows(EmbeddingCache(tmp_path / "cache"), range(100))


def test_a_fork_while_threads_write_and_read_hangs_nobody(tmp_path):
    code = f"""{ROWS}
import os, signal, threading
cache, stop = EmbeddingCache(sys.argv[1]), threading.Event()

def use(cache, first, at_once=20):
    texts, vectors, lengths = rows_of(range(first, first + at_once))
    cache.put(SPACE, texts, vectors, lengths)
    found = cache.get(SPACE, texts, 64)
    assert found.found.all() and (found.vectors == vectors).all()

def work(seed):
    while not stop.is_set():
        use(cache, 1000 * seed)

use(cache, 0)  # whatever is imported late is there before any fork
threads = [threading.Thread(target=work, args=(seed,), daemon=True) for seed in range(3)]
for thread in threads:
    thread.start()
for number in range(40):
    child = os.fork()
    if not child:
        signal.alarm(20)  # ends it, should it hang
        use(cache, 10_000 + number)
        use(EmbeddingCache(sys.argv[1]), 20_000 + number)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, number
stop.set()
for thread in threads:
    thread.join()
use(cache, 30_000)
"""
    run(tmp_path, code, tmp_path / "cache", timeout=100)
    assert main(["verify", str(tmp_path / "cache")]) == 0
