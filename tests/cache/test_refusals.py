"""Folders that cannot be written: texts are encoded all the same, and one warning says so."""

import json
import stat

import pytest

from skencoder import EmbeddingCache, EncoderVectorizer
from tests.cache.scripts import SPACE, rows_of, run

resource = pytest.importorskip("resource")

# Takes away root's right to write what is marked as read-only, then runs the rest.
PREAMBLE = """
import json, os, sys, warnings
from pathlib import Path
import numpy as np
if os.geteuid() == 0:
    import ctypes
    CAP_DAC_OVERRIDE, PR_CAPBSET_DROP = 1, 24
    if "ordinary" not in sys.argv:
        if ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0):
            sys.exit(77)
        os.execv(sys.executable, [sys.executable, *sys.argv, "ordinary"])
from skencoder import EmbeddingCache, EncoderVectorizer
from skencoder.errors import CacheWarning
model, texts = json.load(open(sys.argv[1]))
path = Path(sys.argv[2])

def encode(cache=path, texts=texts, **parameters):
    parameters["precision"] = "float32"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        vectorizer = EncoderVectorizer(model, cache=cache, **parameters)
        vectors = vectorizer.fit_transform(texts)
        again = vectorizer.transform(texts)
    expected = EncoderVectorizer(model, cache=None, **parameters).fit_transform(texts)
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    np.testing.assert_allclose(again, expected, atol=1e-6)
    return vectorizer, [str(w.message) for w in caught if issubclass(w.category, CacheWarning)]
"""


@pytest.fixture
def job(tmp_path, tiny_bert, docs):
    path = tmp_path / "job.json"
    texts = [text for text in docs.data if len(text.split()) < 25][:50]
    path.write_text(json.dumps([str(tiny_bert), texts]))
    return path


def run_without_rights(folder, code, *arguments, **options):
    try:
        return run(folder, PREAMBLE + code, *arguments, **options)
    except AssertionError as error:
        if str(error).startswith("77"):
            pytest.skip("root's rights cannot be taken away here")
        raise


def fill(folder, job):
    """Keep 40 texts' vectors in a folder, and mark all of it as read-only."""
    model, texts = json.loads(job.read_text())
    EncoderVectorizer(model, cache=folder, precision="float32").fit_transform(texts[:40])
    for path in folder.iterdir():
        path.chmod(0o400)
    folder.chmod(0o500)


def test_a_read_only_folder_without_a_cache_gives_one_warning(tmp_path, job):
    code = """
path.mkdir()
path.chmod(0o500)
vectorizer, given = encode()
assert len(given) == 1, given
assert str(path) in given[0] and "cannot be" in given[0], given
assert list(path.iterdir()) == []
# So does a place where no folder can be made.
vectorizer, given = encode(path / "below")
assert len(given) == 1, given
path.chmod(0o700)
"""
    run_without_rights(tmp_path, code, job, tmp_path / "cache")


def test_a_cache_in_a_read_only_folder_is_read(tmp_path, job):
    fill(tmp_path / "cache", job)
    code = """
# All of it is there, so nothing has to be written, or loaded.
with warnings.catch_warnings():
    warnings.simplefilter("error", CacheWarning)
    vectorizer = EncoderVectorizer(model, cache=path, precision="float32")
    vectorizer.fit_transform(texts[:40])
assert "torch" not in sys.modules
vectorizer, given = encode()
assert len(given) == 1, given
assert "cannot be written" in given[0], given
rows = EmbeddingCache(path).stats().rows
assert rows == 40, rows
"""
    run_without_rights(tmp_path, code, job, tmp_path / "cache")
    (tmp_path / "cache").chmod(0o700)


def test_the_command_line_reads_a_read_only_cache(tmp_path, job):
    fill(tmp_path / "cache", job)
    code = """
from skencoder.cache.__main__ import main
sys.exit(main(["info", str(path)]) or main(["verify", str(path)]))
"""
    printed = run_without_rights(tmp_path, code, job, tmp_path / "cache")
    (tmp_path / "cache").chmod(0o700)
    assert "40 rows are whole, 0 damaged" in printed


def test_a_full_disk_gives_one_warning_and_right_vectors(tmp_path, job):
    """At every stage of making a cache, and of filling one."""
    code = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
parameters = {"pooling": "cls+mean+max+last", "normalize": False}
for limit in (1000, 30_000, 60_000, 80_000, 90_000, 100_000):
    cache = path / str(limit)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    vectorizer, given = encode(cache, **parameters)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert len(given) == 1, (limit, given)
    # The same estimators again: one warning of a folder is enough.
    vectorizer, given = encode(cache, **parameters)
    assert not given, (limit, given)
"""
    run(tmp_path, PREAMBLE + code, job, tmp_path / "cache", "ordinary")
    # With room again, another process keeps everything.
    code = """
parameters = {"pooling": "cls+mean+max+last", "normalize": False}
for cache in path.iterdir():
    vectorizer, given = encode(cache, **parameters)
    assert not given, (cache, given)
    before = vectorizer._prepared.cache.stats().texts_encoded
    encode(cache, **parameters)
    after = vectorizer._prepared.cache.stats()
    assert after.texts_encoded == before and after.rows == 200, (cache, before, after)
"""
    run(tmp_path, PREAMBLE + code, job, tmp_path / "cache", "ordinary")


def test_files_of_a_cache_are_for_their_owner_only(tmp_path):
    texts, vectors, lengths = rows_of(range(5))
    EmbeddingCache(tmp_path / "cache").put(SPACE, texts, vectors, lengths)
    for name in ("data.mdb", "lock.mdb"):
        mode = (tmp_path / "cache" / name).stat().st_mode
        assert not mode & (stat.S_IRWXG | stat.S_IRWXO), name


def test_a_session_without_a_place_for_temporary_files(tmp_path, job):
    (tmp_path / "no").mkdir(mode=0o500)
    code = """
import tempfile
tempfile.tempdir = sys.argv[2]
vectorizer, given = encode("session")
assert len(given) == 1, given
assert "The cache of this session cannot be used" in given[0], given
"""
    run_without_rights(tmp_path, code, job, tmp_path / "no")
    (tmp_path / "no").chmod(0o700)
