"""Eight processes use one folder while some of them are killed: no wrong vector, ever."""

import json
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from skencoder import EmbeddingCache, EncoderVectorizer, TextEncoder
from skencoder.cache import Space
from tests.cache.scripts import environment, start

PROCESSES = 8
PARAMETERS = {"pooling": "mean", "max_length": 64, "overflow": "truncate", "normalize": False}
PARAMETERS["precision"] = "float32"
# So little that rows are dropped and encoded again all the time.
BOUND = 80_000

USE = """
import json, random, sys, time, warnings
from pathlib import Path
import numpy as np
from skencoder import EmbeddingCache
from skencoder.cache import Space
from skencoder.errors import CacheWarning

warnings.simplefilter("error", CacheWarning)
job, kind, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
known = json.loads((job / "known.json").read_text())
texts, bound = known["texts"], known["bound"]
expected, lengths = np.load(job / "vectors.npy"), np.load(job / "lengths.npy")
tolerance = 1e-5 * np.abs(expected).max()
draw, cache, space = random.Random(seed), EmbeddingCache(job / "cache", max_bytes=bound), None
n_read = 0

def check(found, rows):
    error = np.abs(found - expected[rows]).max() if len(rows) else 0
    assert error <= tolerance, f"{kind}: {error} is above {tolerance}"

if kind == "vectorizer":
    from skencoder import EncoderVectorizer
    vectorizer = EncoderVectorizer(known["model"], cache=cache, **known["parameters"])

while not (job / "stop").exists():
    rows = draw.sample(range(len(texts)), draw.randint(1, 40))
    some = [texts[row] for row in rows]
    if kind == "vectorizer":
        check(vectorizer.fit_transform(some), rows)
        n_read += len(rows)
    else:
        space = Space(**known["space"])
        found = cache.get(space, some, expected.shape[1])
        there = np.array(rows)[found.found]
        check(found.vectors[found.found], there)
        assert np.array_equal(found.lengths[found.found], lengths[there]), "lengths"
        n_read += len(there)
        cache.put(space, some, expected[rows], lengths[rows])
        if draw.random() < 0.01:
            draw.choice([cache.clear, lambda: cache.prune(bound // 2)])()
    time.sleep(0.02)
print(n_read)
"""


@pytest.fixture
def job(tmp_path, tiny_bert, docs):
    """Texts and the vectors that a fresh encoding gives them, for all processes."""
    texts = [text for text in docs.data if len(text.split()) < 60][:400]
    encoder = TextEncoder.load(tiny_bert, precision="float32")
    vectorizer = EncoderVectorizer(encoder, cache=None, **PARAMETERS).fit(texts)
    plan = vectorizer._prepared.plan
    np.save(tmp_path / "vectors.npy", vectorizer.transform(texts))
    np.save(tmp_path / "lengths.npy", encoder.count_tokens(texts, plan))
    space = {
        "fingerprint": encoder.fingerprint,
        "pooling": "mean",
        "layer": 2,
        "prompt": "",
        "max_length": 64,
        "overflow": "cut",
        "precision": encoder.precision,
        "dtype": "float32",
    }
    known = {"texts": texts, "space": space, "model": str(tiny_bert), "parameters": PARAMETERS}
    (tmp_path / "known.json").write_text(json.dumps(known | {"bound": BOUND}))
    return tmp_path, texts, space


def test_rows_of_either_kind_of_process_serve_the_other(job, tiny_bert):
    folder, texts, space = job
    vectors, lengths = np.load(folder / "vectors.npy"), np.load(folder / "lengths.npy")
    cache = EmbeddingCache(folder / "shared")
    cache.put(Space(**space), texts, vectors, lengths)
    found = EncoderVectorizer(tiny_bert, cache=cache, **PARAMETERS).fit_transform(texts)
    assert np.array_equal(found, vectors)
    assert cache.stats().texts_encoded == 0


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [20, pytest.param(60, marks=pytest.mark.minutes)])
def test_no_wrong_vector_while_processes_are_killed(seconds, job):
    folder, _, _ = job
    draw, seeds = random.Random(0), iter(range(10**6))

    def begin(kind):
        variables = {"TMPDIR": folder, "OMP_NUM_THREADS": 1}
        one = start(
            folder, USE, folder, kind, next(seeds), variables=variables, stderr=subprocess.PIPE
        )
        return kind, one

    kinds = ["direct", "vectorizer"] * (PROCESSES // 2)
    running = [begin(kind) for kind in kinds]
    killed, deadline = 0, time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            time.sleep(draw.uniform(0, 0.6))
            # Those that load torch live longer, or they would never get to work.
            wanted = "vectorizer" if draw.random() < 0.1 else "direct"
            place = draw.choice([i for i, (kind, _) in enumerate(running) if kind == wanted])
            kind, one = running[place]
            one.kill()
            printed, errors = one.communicate(timeout=60)
            assert one.returncode == -signal.SIGKILL, f"{kind}: {printed}\n{errors}"
            killed += 1
            running[place] = begin(kind)
        (folder / "stop").touch()
        n_read = 0
        for kind, one in running:
            printed, errors = one.communicate(timeout=120)
            assert one.returncode == 0, f"{kind}: {printed}\n{errors}"
            n_read += int(printed)
    finally:
        for _, one in running:
            one.kill()
            one.wait(60)
    assert killed > seconds
    assert n_read > 1000 * seconds / 60
    command = [sys.executable, "-m", "skencoder.cache", "verify", str(folder / "cache")]
    verified = subprocess.run(
        command, env=environment(), capture_output=True, text=True, check=False, timeout=120
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "0 damaged, 0 blocks unreadable" in verified.stdout
