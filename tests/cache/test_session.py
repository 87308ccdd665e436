"""The session: one folder for a process and its workers, gone when it is gone."""

import os
import signal
import stat
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cache.scripts import environment, run, script, start

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked")

# What a worker of any kind does: says where its session is, and reads what the parent wrote.
WORK = """
import multiprocessing
import os
import sys
import time
from skencoder.session import is_alive, session
from skencoder.cache import EmbeddingCache
from tests.cache.scripts import SPACE, rows_of

def look(numbers):
    texts, vectors, lengths = rows_of(numbers)
    rows = EmbeddingCache().get(SPACE, texts, 64)
    right = rows.found.all() and (rows.vectors == vectors).all()
    return str(session().folder), session().is_own, bool(right), os.getpid()

def write(numbers):
    texts, vectors, lengths = rows_of(numbers)
    EmbeddingCache().put(SPACE, texts, vectors, lengths)
    return look(numbers)

def in_a_fork(work, numbers):
    read, written = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(written, repr(work(numbers)).encode())
        finally:
            os._exit(0)
    os.close(written)
    with os.fdopen(read) as answer:
        found = eval(answer.read())
    os.waitpid(child, 0)
    return found

def in_a_worker(method, work, numbers):
    with multiprocessing.get_context(method).Pool(1) as pool:
        return pool.apply(work, (numbers,))

def in_loky(work, numbers):
    from joblib import Parallel, delayed
    return Parallel(n_jobs=2)(delayed(work)(numbers) for _ in range(2))[0]

def check(found, own=False):
    folder, is_own, right, pid = found
    assert folder == str(session().folder) and not is_own and right, found
    assert pid != os.getpid()
"""
IMPORT = (
    "from work import *\nimport os, sys, time\nfrom skencoder.session import is_alive, session\n"
)
WAYS = {
    "fork": "in_a_fork({}, {})",
    "multiprocessing fork": "in_a_worker('fork', {}, {})",
    "forkserver": "in_a_worker('forkserver', {}, {})",
    "spawn": "in_a_worker('spawn', {}, {})",
    "loky": "in_loky({}, {})",
}


@pytest.fixture
def tmp_path():
    """A short path: a socket's has 107 bytes at most, of which pytest's own takes too many."""
    with TemporaryDirectory(prefix="skencoder-test-") as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Programs find the functions above, and have a place for temporary files of their own."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "work.py").write_text(WORK)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def run_in(tmp_path, code, *arguments):
    return run(tmp_path, IMPORT + code, *arguments, timeout=100)


def folders(tmp_path):
    base = tmp_path / "tmp" / f"skencoder-{os.getuid()}-1"
    return sorted(path.name for path in base.iterdir() if path.is_dir())


@pytest.mark.parametrize("way", WAYS)
def test_workers_share_the_session(tmp_path, way):
    code = f"""
if __name__ == "__main__":
    write([1, 2])
    check({WAYS[way].format("look", "[1, 2]")})
    check({WAYS[way].format("write", "[3, 4]")})
    assert look([1, 2, 3, 4])[1:3] == (True, True)
    assert is_alive(session().folder)
"""
    run_in(tmp_path, code)
    assert folders(tmp_path) == []


# Workers of loky start no others by spawn, and a fork cannot shut loky down.
@pytest.mark.parametrize(
    ("outer", "inner"),
    [("fork", inner) for inner in WAYS if inner != "loky"]
    + [("spawn", "fork"), ("loky", "fork"), ("loky", "multiprocessing fork"), ("loky", "loky")],
)
def test_workers_of_workers_share_it_too(tmp_path, outer, inner):
    code = f"""
def nested(numbers):
    return {WAYS[inner].format("look", "numbers")}

if __name__ == "__main__":
    write([1, 2])
    check({WAYS[outer].format("nested", "[1, 2]")})
"""
    run_in(tmp_path, code)
    assert folders(tmp_path) == []


@pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit(0)", "raise SystemExit(0)"])
def test_a_forked_child_that_ends_leaves_the_session_alone(tmp_path, end):
    code = f"""
import gc
write([1])
folder = session().folder
for use in (False, True):
    child = os.fork()
    if not child:
        if use:
            look([1])
        gc.collect()
        {end}
    assert os.waitpid(child, 0)[1] == 0
    assert folder.is_dir() and is_alive(folder), use
assert look([1])[1:3] == (True, True)
"""
    run_in(tmp_path, code)
    assert folders(tmp_path) == []


def test_the_folder_is_private(tmp_path):
    code = """
write([1])
print(session().folder, flush=True)
sys.stdin.read()
"""
    one = start(tmp_path, IMPORT + code, stdin=subprocess.PIPE, umask=0)
    folder = Path(one.stdout.readline().strip())
    for path in (folder, folder.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    one.communicate(timeout=60)
    assert folders(tmp_path) == []


@pytest.mark.parametrize("end", ["pass", "sys.exit(3)", "1 / 0", "os.kill(os.getpid(), 2)"])
def test_it_is_removed_at_exit_however_the_program_ends(tmp_path, end):
    code = f"write([1])\nassert session().folder.is_dir()\n{end}\n"
    subprocess.run(
        script(tmp_path, IMPORT + code),
        env=environment(),
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )
    assert folders(tmp_path) == []


def test_what_a_killed_process_left_is_removed_at_the_next_start(tmp_path):
    code = "write([1])\nprint(session().folder, flush=True)\ntime.sleep(100)\n"
    dead, alive = (start(tmp_path, IMPORT + code) for _ in range(2))
    left, kept = (Path(one.stdout.readline().strip()) for one in (dead, alive))
    dead.kill()
    dead.wait(60)
    assert left.is_dir()
    run_in(tmp_path, "write([1])")
    assert folders(tmp_path) == [kept.name]
    assert (kept / "vectors").is_dir()
    alive.send_signal(signal.SIGINT)
    alive.wait(60)
    for one in (dead, alive):
        one.stdout.close()
    assert folders(tmp_path) == []


def test_a_program_that_is_merely_started_is_on_its_own(tmp_path):
    inner = "found = write([5])\nassert found[1]\nprint(found[0])\n"
    path = script(tmp_path, IMPORT + inner)[1]
    code = """
import subprocess
write([1, 2])
done = subprocess.run([sys.executable, sys.argv[1]], check=True, capture_output=True, text=True)
assert done.stdout.strip() != str(session().folder)
assert not look([5])[2]
assert look([1, 2])[1:3] == (True, True)
"""
    run_in(tmp_path, code, path)
    assert folders(tmp_path) == []


def test_a_pool_started_by_such_a_program_joins_it_and_not_its_parent(tmp_path):
    inner = """
if __name__ == "__main__":
    write([5])
    check(in_a_worker("spawn", look, [5]))
    check(in_loky(look, [5]))
"""
    path = script(tmp_path, IMPORT + inner)[1]
    code = (
        "import subprocess\nwrite([1])\nsubprocess.run([sys.executable, sys.argv[1]], check=True)"
    )
    run_in(tmp_path, code, path)


def test_many_processes_that_start_at_once_each_get_a_session(tmp_path):
    """None removes the folder that another one is about to lock."""
    code = """
read, written = os.pipe()
for _ in range(10):
    until = time.time() + 0.1
    for _ in range(40):
        if not os.fork():
            try:
                time.sleep(max(0, until - time.time()))
                mine = session()
                time.sleep(0.1)
                os.write(written, b"1" if mine.is_own and is_alive(mine.folder) else b"0")
                mine.remove()
            except BaseException as error:
                os.write(written, repr(error).encode())
            finally:
                os._exit(0)
    for _ in range(40):
        os.wait()
os.close(written)
print(os.fdopen(read).read())
"""
    assert run_in(tmp_path, code).strip() == "1" * 400


def test_threads_get_one_session(tmp_path):
    code = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(16) as pool:
    found = set(pool.map(lambda _: session().folder, range(64)))
assert len(found) == 1, found
"""
    run_in(tmp_path, code)
    assert folders(tmp_path) == []


def test_the_base_of_another_user_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    base = tmp_path / "tmp" / f"skencoder-{os.getuid()}-1"
    base.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    code = """
try:
    session()
except PermissionError as error:
    assert "belongs to someone else" in str(error)
else:
    sys.exit("a link was followed")
"""
    run_in(tmp_path, code)
    assert list((tmp_path / "elsewhere").iterdir()) == []
