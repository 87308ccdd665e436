"""One engine alone in a process: how long it takes, and how much memory beyond the weights.

`run_probe` starts the process; what runs in it is the rest of this file. Memory is private memory:
weights mapped from a file are shared and can be dropped, so pages of files are left out.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from .engines import ENGINES, Setup, load_engine
from .environment import pinned_threads
from .errors import EngineUnavailableError
from .speed_rounds import seconds_of

WARM_UP = "A short text."
STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")
RESET_PEAK = "5"  # what proc(5) says to write
KIBIBYTE = 1024
SESSION_VARIABLE = "SKENCODER_SESSION"


@dataclass(frozen=True)
class Workload:
    """What one engine did with one list of texts.

    Parameters
    ----------
    n_texts : int
        Texts in the list.
    seconds : tuple of float
        Wall time of each round.
    peak_bytes : int or None
        Most private memory in the first round, less what was in use after the engine was
        loaded and had encoded one short text; None where the system does not say.
    """

    n_texts: int
    seconds: tuple[float, ...]
    peak_bytes: int | None


def run_probe(
    engine: str, setup: Setup, workloads: list[list[str]], *, rounds: list[int] | None = None
) -> list[Workload]:
    """Let one engine encode lists of texts in a process of its own.

    Parameters
    ----------
    engine : str
        Key of `engines.ENGINES`.
    setup : Setup
        What it is given.
    workloads : list of list of str
        Encoded in this order in each round.
    rounds : list of int, optional
        How often each; by default once.

    Returns
    -------
    list of Workload
        One for each list.

    Raises
    ------
    EngineUnavailableError
        If the process failed; the message has its last line.
    """
    with tempfile.TemporaryDirectory(prefix="skencoder-speed-") as folder:
        request, answer = Path(folder, "request.json"), Path(folder, "answer.json")
        asked = {"engine": engine, "setup": asdict(setup), "workloads": workloads}
        request.write_text(
            json.dumps(asked | {"rounds": rounds or [1] * len(workloads)}), encoding="utf-8"
        )
        done = subprocess.run(
            [sys.executable, "-m", f"{__package__}.speed_probe", str(request), str(answer)],
            capture_output=True,
            text=True,
            check=False,
            env=probe_environment(setup.threads),
        )
        if done.returncode != 0:
            reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
            raise EngineUnavailableError(f"its own process failed: {reason[0]}")
        rows = json.loads(answer.read_text(encoding="utf-8"))
    return [Workload(row["n_texts"], tuple(row["seconds"]), row["peak_bytes"]) for row in rows]


def probe_environment(threads: int) -> dict[str, str]:
    """Let a process find this package, and libraries their number of threads.

    Parameters
    ----------
    threads : int
        To compute with.

    Returns
    -------
    dict of str to str
        The variables of its environment.
    """
    home = str(Path(__file__).parents[1])
    path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
    # Libraries that start threads when they are imported read these first.
    limits = {"RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    # A worker would find this process's session by its variable, and ask it instead of encoding.
    own = {name: value for name, value in os.environ.items() if name != SESSION_VARIABLE}
    return {**own, **limits, "PYTHONPATH": path}


def probe(
    engine: str, setup: Setup, workloads: list[list[str]], rounds: list[int]
) -> list[Workload]:
    """Encode lists of texts in this process.

    Parameters
    ----------
    engine : str
        Key of `engines.ENGINES`.
    setup : Setup
        What it is given.
    workloads : list of list of str
        Encoded in this order in each round.
    rounds : list of int
        How often each.

    Returns
    -------
    list of Workload
        One for each list.
    """
    with pinned_threads(setup.threads):
        encode = load_engine(ENGINES[engine], setup)
        encode([WARM_UP])
        before = private_bytes()
        seconds: list[list[float]] = [[] for _ in workloads]
        peaks: list[int | None] = [None for _ in workloads]
        for number in range(max(rounds)):
            for index, texts in enumerate(workloads):
                if number >= rounds[index]:
                    continue
                reset_peak()
                seconds[index].append(seconds_of(encode, texts))
                if number == 0:
                    peaks[index] = _difference(peak_private_bytes(), before)
    return [
        Workload(len(texts), tuple(seconds[index]), peaks[index])
        for index, texts in enumerate(workloads)
    ]


def _difference(peak: int | None, before: int | None) -> int | None:
    return None if peak is None or before is None else max(0, peak - before)


def private_bytes() -> int | None:
    """Measure the memory of this process that is no page of a file.

    Returns
    -------
    int or None
        Bytes; None where there is no ``/proc``.
    """
    status = _status()
    return None if status is None else status["RssAnon"] + status["RssShmem"]


def peak_private_bytes() -> int | None:
    """Measure the most private memory since `reset_peak`.

    Returns
    -------
    int or None
        Bytes: the peak of all memory less the pages of files now, of which there are at least
        as many as there were at the peak. None where there is no ``/proc``.
    """
    status = _status()
    return None if status is None else status["VmHWM"] - status["RssFile"]


def reset_peak() -> None:
    """Forget the peak of memory so far, where the system can."""
    if CLEAR_REFS.exists():
        CLEAR_REFS.write_text(RESET_PEAK)


def _status() -> dict[str, int] | None:
    if not (STATUS.is_file() and CLEAR_REFS.exists()):
        return None
    fields = (line.split() for line in STATUS.read_text().splitlines())
    wanted = ("VmHWM:", "RssAnon:", "RssFile:", "RssShmem:")
    return {f[0].rstrip(":"): int(f[1]) * KIBIBYTE for f in fields if f[0] in wanted}


def main(request: str, answer: str) -> None:
    """Read what is asked from one file and write the answer to another.

    Parameters
    ----------
    request, answer : str
        Paths.
    """
    asked = json.loads(Path(request).read_text(encoding="utf-8"))
    setup = Setup(**asked["setup"])
    done = probe(asked["engine"], setup, asked["workloads"], asked["rounds"])
    Path(answer).write_text(json.dumps([asdict(row) for row in done]), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
