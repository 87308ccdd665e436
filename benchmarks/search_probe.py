"""One search engine alone in a process: how much memory its index takes, and a search beside it.

`run_search_probe` starts the process; what runs in it is the rest of this file. Memory is private
memory: pages of files are left out.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import EngineUnavailableError
from .private_memory import peak_private_bytes, private_bytes, reset_peak
from .search_engines import ENGINES
from .search_threads import limited_threads
from .search_vectors import VectorSet

# Queries of the warm-up, after which libraries have made what they keep.
WARM_UP = 2


@dataclass(frozen=True)
class SearchMemory:
    """Memory of one engine.

    Parameters
    ----------
    engine : str
        Its name.
    index_bytes : int or None
        What building took for good, beside the documents themselves; None where the system does
        not say.
    search_bytes : int or None
        Most that a search of all queries took beyond that.
    """

    engine: str
    index_bytes: int | None
    search_bytes: int | None


def run_search_probe(
    engine: str, vectors: VectorSet, n_neighbors: int, threads: int
) -> SearchMemory:
    """Let one engine search in a process of its own.

    Parameters
    ----------
    engine : str
        Key of `search_engines.ENGINES`.
    vectors : VectorSet
        What is searched, and for what.
    n_neighbors : int
        How many are asked for.
    threads : int
        To compute with.

    Returns
    -------
    SearchMemory
        What it took.

    Raises
    ------
    EngineUnavailableError
        If the process failed; the message has its last line.
    """
    with tempfile.TemporaryDirectory(prefix="skencoder-search-") as folder:
        np.save(Path(folder, "documents.npy"), vectors.documents)
        np.save(Path(folder, "queries.npy"), vectors.queries)
        done = subprocess.run(
            [
                *(sys.executable, "-m", f"{__package__}.search_probe"),
                *(folder, engine, str(n_neighbors), str(threads)),
            ],
            capture_output=True,
            text=True,
            check=False,
            env=_environment(threads),
        )
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise EngineUnavailableError(f"its own process failed: {reason[0]}")
    return SearchMemory(engine, *json.loads(done.stdout))


def measure_memory(
    folder: Path, engine: str, n_neighbors: int, threads: int
) -> tuple[int | None, int | None]:
    """Build and search in this process.

    Parameters
    ----------
    folder : Path
        Holds documents.npy and queries.npy.
    engine : str
        Key of `search_engines.ENGINES`.
    n_neighbors : int
        How many are asked for.
    threads : int
        To compute with.

    Returns
    -------
    index_bytes, search_bytes : int or None
        As in `SearchMemory`.
    """
    documents, queries = np.load(folder / "documents.npy"), np.load(folder / "queries.npy")
    with limited_threads(threads):
        before = private_bytes()
        search = ENGINES[engine].build(documents, threads)
        search(queries[:WARM_UP], n_neighbors)
        built = private_bytes()
        reset_peak()
        search(queries, n_neighbors)
        peak = peak_private_bytes()
    if before is None or built is None or peak is None:
        return None, None
    return max(0, built - before), max(0, peak - built)


def _environment(threads: int) -> dict[str, str]:
    """Let the process find this package, and libraries their number of threads."""
    home = str(Path(__file__).parents[1])
    path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
    limits = {"RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    return {**os.environ, **limits, "PYTHONPATH": path}


if __name__ == "__main__":
    place, name, wanted, cores = sys.argv[1:]
    sys.stdout.write(json.dumps(measure_memory(Path(place), name, int(wanted), int(cores))))
