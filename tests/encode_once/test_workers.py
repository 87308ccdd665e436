"""Workers need no model: the process that owns the session encodes, once, for all of them."""

import json
import os

import pytest

from tests.cache.scripts import REPOSITORY, run

# A step that notes in a file, from inside a worker, whether torch is there.
NOTING = """
import os, sys
from pathlib import Path
from sklearn.base import BaseEstimator, TransformerMixin

class Noting(TransformerMixin, BaseEstimator):
    def __init__(self, folder=None):
        self.folder = folder

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        note = "torch" if "torch" in sys.modules else "none"
        (Path(self.folder) / f"{os.getpid()}-{note}").touch()
        return X
"""

SEARCH = """
import json, os, sys, warnings
from pathlib import Path
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from noting import Noting
from skencoder import EmbeddingCache, EncoderVectorizer

def search(cache, n_jobs, seed=0, n_texts=100):
    order = np.random.default_rng(seed).permutation(n_texts)
    vectorizer = EncoderVectorizer(model, cache=cache)
    pipeline = make_pipeline(vectorizer, Noting(str(notes)), LogisticRegression())
    grid = {"logisticregression__C": [0.01, 0.1, 1, 10, 100, 1000]}
    found = GridSearchCV(pipeline, grid, cv=5, n_jobs=n_jobs, error_score="raise")
    return found.fit([texts[row] for row in order], np.arange(n_texts) % 2)

def workers():
    return {path.name for path in notes.iterdir() if not path.name.startswith(f"{os.getpid()}-")}

model, texts, notes = json.load(open(sys.argv[1]))
notes = Path(notes)
"""


@pytest.fixture
def job(tmp_path, tiny_bert, docs):
    (tmp_path / "noting.py").write_text(NOTING)
    (tmp_path / "notes").mkdir()
    texts = [text for text in docs.data if len(text.split()) < 25][:100]
    assert len(set(texts)) == 100
    path = tmp_path / "job.json"
    path.write_text(json.dumps([str(tiny_bert), texts, str(tmp_path / "notes")]))
    return path


def run_here(folder, code, *arguments, **variables):
    variables["PYTHONPATH"] = os.pathsep.join([str(folder), str(REPOSITORY)])
    # No worker may hang: the time limit ends the program, and the test with it.
    return run(folder, SEARCH + code, *arguments, timeout=150, variables=variables)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("place", ["session", "folder"])
def test_a_search_encodes_each_text_once_and_loads_once(tmp_path, job, n_jobs, place):
    code = """
if __name__ == "__main__":
    n_jobs, place = int(sys.argv[2]), sys.argv[3]
    cache = EmbeddingCache() if place == "session" else EmbeddingCache(place)
    found = search(cache, n_jobs)
    stats = cache.stats()
    assert (stats.texts_encoded, stats.model_loads) == (100, 1), stats
    assert (n_jobs == 1) == (not workers())
    # 30 fits and the last one on all texts; each text is trained on and tested.
    assert stats.hits + stats.misses == 30 * 100 + 100, stats
    # Scores come from right vectors.
    vectors = EncoderVectorizer(model, cache=cache).fit_transform(texts)
    expected = EncoderVectorizer(model, cache=None).fit_transform(texts)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    assert found.best_estimator_[0].transform(texts).tolist() == vectors.tolist()
"""
    where = "session" if place == "session" else tmp_path / "cache"
    run_here(tmp_path, code, job, n_jobs, where)


def test_the_same_search_again_needs_neither_model_nor_torch(tmp_path, job):
    first = 'if __name__ == "__main__":\n    search(sys.argv[2], 1)'
    run_here(tmp_path, first, job, tmp_path / "cache")
    for path in (tmp_path / "notes").iterdir():
        path.unlink()
    again = """
if __name__ == "__main__":
    cache = EmbeddingCache(sys.argv[2])
    before = cache.stats()
    found = search(sys.argv[2], 2, seed=7)
    after = cache.stats()
    assert after.texts_encoded == before.texts_encoded == 100, after
    assert after.model_loads == before.model_loads == 1, after
    assert after.damaged == 0
    assert len(workers()) == 2 and all(name.endswith("-none") for name in workers()), workers()
    assert "torch" not in sys.modules
    found.predict(texts[:10])
    assert "torch" not in sys.modules
    found.predict(["a text that was never seen"])
    assert "torch" in sys.modules
    assert cache.stats().texts_encoded == 101
"""
    run_here(tmp_path, again, job, tmp_path / "cache")


def test_a_worker_whose_parent_is_gone_loads_the_model_itself(tmp_path, job):
    code = """
import multiprocessing, pickle

def work(content, read, written):
    from skencoder.session import is_alive, session
    vectorizer = pickle.loads(content)
    vectorizer.transform(texts[:3])  # asks the parent
    assert "torch" not in sys.modules
    folder = session().folder
    written.send("asked")
    while is_alive(folder):
        pass
    found = vectorizer.transform(texts[:9])
    expected = EncoderVectorizer(model, cache=None).fit_transform(texts[:9])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    Path(sys.argv[2]).write_text("done" if "torch" in sys.modules else "no torch")

def middle():
    vectorizer = EncoderVectorizer(model).fit(texts[:3])
    read, written = multiprocessing.Pipe(False)
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=work, args=(pickle.dumps(vectorizer), read, written))
    child.start()
    written.close()
    assert read.recv() == "asked"
    os._exit(9)

if __name__ == "__main__":
    parent = os.fork()
    if not parent:
        middle()
    assert os.waitstatus_to_exitcode(os.waitpid(parent, 0)[1]) == 9
    import time
    deadline = time.monotonic() + 60
    while not Path(sys.argv[2]).exists() or not Path(sys.argv[2]).read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert Path(sys.argv[2]).read_text() == "done"
"""
    run_here(tmp_path, code, job, tmp_path / "result")


def test_a_service_file_of_a_dead_process_is_no_obstacle(tmp_path, job):
    code = """
import pickle
from skencoder.session import session

def work(content):
    return pickle.loads(content).transform(texts[:9])

if __name__ == "__main__":
    import multiprocessing
    vectorizer = EncoderVectorizer(model).fit(texts[:3])
    expected = EncoderVectorizer(model, cache=None).fit_transform(texts[:9])
    content = pickle.dumps(vectorizer)
    stale = session().folder / "service.json"
    known = json.loads(stale.read_text())
    nobody = str(session().folder / "nobody")
    for change in ({"address": nobody}, {"key": "00" * 32}, {"protocol": -1}):
        stale.write_text(json.dumps(known | change))
        EmbeddingCache().clear()
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            found = pool.apply_async(work, (content,)).get(60)
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert EmbeddingCache().stats().model_loads == 1
"""
    run_here(tmp_path, code, job)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_without_a_cache_workers_load_their_own(tmp_path, job, n_jobs):
    code = """
if __name__ == "__main__":
    found = search(None, int(sys.argv[2]), n_texts=20)
    assert found.predict(texts[:5]).shape == (5,)
    assert all(name.endswith("-torch") for name in workers()), workers()
"""
    run_here(tmp_path, code, job, n_jobs)


@pytest.mark.parametrize("cache", ["None", "'session'", "sys.argv[2]"])
def test_a_forked_child_encodes_what_is_new_and_does_not_hang(tmp_path, job, cache):
    code = f"""
import signal, time

if __name__ == "__main__":
    vectorizer = EncoderVectorizer(model, cache={cache})
    vectorizer.fit_transform(texts[:50])
    expected = EncoderVectorizer(model, cache=None).fit_transform(texts)
    for ask in (vectorizer.transform, EncoderVectorizer(model, cache={cache}).fit_transform):
        child = os.fork()
        if not child:
            try:
                np.testing.assert_allclose(ask(texts), expected, atol=1e-5)
                os._exit(0)
            except BaseException as error:
                print(repr(error), flush=True)
                os._exit(1)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                break
            time.sleep(0.05)
        else:
            os.kill(child, signal.SIGKILL)
            sys.exit("the child hangs")
        assert status == 0, status
    np.testing.assert_allclose(vectorizer.transform(texts), expected, atol=1e-5)
"""
    run_here(tmp_path, code, job, tmp_path / "cache")


def test_errors_of_the_owner_reach_the_worker_as_they_are(tmp_path, job):
    code = """
def work(texts, **parameters):
    from skencoder.errors import SkencoderError
    try:
        EncoderVectorizer(model, **parameters).fit_transform(texts)
    except SkencoderError as error:
        return type(error).__name__, str(error)

if __name__ == "__main__":
    from joblib import Parallel, delayed
    EncoderVectorizer(model).fit(["a"]).__getstate__()
    long = ["a", "word " * 50, "word " * 60]
    parameters = {"overflow": "error", "max_length": 20}
    expected = work(long, **parameters)
    assert expected[0] == "OverlongTextError" and expected[1].startswith("Row 1 has"), expected
    found = Parallel(n_jobs=2)(delayed(work)(long, **parameters) for _ in range(2))
    assert found == [expected, expected], found
    assert EmbeddingCache().stats().texts_encoded == 0
"""
    run_here(tmp_path, code, job)
