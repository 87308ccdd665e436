"""Programs that a test runs in a process of its own, and small real caches."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import numpy as np
from numpy.random import default_rng  # now: a fork must not come in the middle of this import

from skencoder.cache import Space

REPOSITORY = Path(__file__).parents[2]
SPACE = Space(
    fingerprint="f" * 64,
    pooling="mean",
    layer=6,
    prompt="",
    max_length=256,
    overflow="cut",
    precision="float32",
    dtype="float32",
)
FLOAT16 = replace(SPACE, dtype="float16")

# Put before a script: rows whose vectors follow from their number, so that any process knows them.
ROWS = """
import sys
import numpy as np
from numpy.random import default_rng  # now: a fork must not come in the middle of this import
from skencoder.cache import EmbeddingCache
from tests.cache.scripts import SPACE, rows_of
"""


def rows_of(numbers, width=64):
    """Texts, vectors and lengths that follow from numbers."""
    vectors = np.empty((len(numbers), width), np.float32)
    for row, number in enumerate(numbers):
        vectors[row] = default_rng(number).standard_normal(width)
    return [f"text {number}" for number in numbers], vectors, np.asarray(numbers) % 100 + 2


def script(folder, code, *arguments):
    """Write a program and give the command that runs it."""
    path = Path(folder) / f"script{len(list(Path(folder).glob('script*.py')))}.py"
    path.write_text(dedent(code))
    return [sys.executable, str(path), *map(str, arguments)]


def environment(**variables):
    """The environment of a program that imports this checkout, and no session of ours."""
    inherited = {name: value for name, value in os.environ.items() if name != "SKENCODER_SESSION"}
    paths = [str(REPOSITORY), inherited.get("PYTHONPATH", "")]
    joined = os.pathsep.join(filter(None, paths))
    return inherited | {"PYTHONPATH": joined} | {k: str(v) for k, v in variables.items()}


def run(folder, code, *arguments, timeout=300, variables=None):
    """Run a program to its end and give what it printed; its error fails the test."""
    started = start(
        folder,
        code,
        *arguments,
        variables=variables,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        printed, errors = started.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        # Its workers would go on without it.
        os.killpg(started.pid, signal.SIGKILL)
        raise
    assert started.returncode == 0, f"{started.returncode}\n{printed}\n{errors}"
    return printed


def start(folder, code, *arguments, variables=None, **options):
    """Start a program whose output is read line by line."""
    return subprocess.Popen(
        script(folder, code, *arguments),
        env=environment(**variables or {}),
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )
