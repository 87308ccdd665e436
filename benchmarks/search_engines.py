"""What search is compared with: each engine indexes documents and answers queries with ids.

Vectors have unit length, so that cosine, dot product and euclidean distance agree.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import MissingExtraError
from skencoder.indexes import build_index

from .engines import check_names
from .errors import EngineUnavailableError

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]
# Queries and how many neighbours to their ids.
Search = Callable[[Vectors, int], Ids]

BASELINE = "numpy"
OWN = "skencoder"
# The same for every graph.
CONNECTIVITY, EXPANSION_ADD, EXPANSION_SEARCH = 16, 128, 64


@dataclass(frozen=True)
class SearchEngine:
    """One way to search.

    Parameters
    ----------
    library : str
        Whose it is.
    description : str
        What it does, for people.
    build : callable
        Documents and a number of threads to a function that searches them. Raises
        `EngineUnavailableError` where it cannot run.
    """

    library: str
    description: str
    build: Callable[[Vectors, int], Search]


def _numpy(documents: Vectors, threads: int) -> Search:
    def search(queries: Vectors, k: int) -> Ids:
        scores = queries @ documents.T
        ids = np.argpartition(scores, -k, axis=1)[:, -k:]
        best = np.take_along_axis(scores, ids, axis=1)
        return np.take_along_axis(ids, np.argsort(-best, axis=1), axis=1)

    return search


def _own(name: str) -> Callable[[Vectors, int], Search]:
    def build(documents: Vectors, threads: int) -> Search:
        try:
            index = build_index(name, documents)
        except MissingExtraError as error:
            raise EngineUnavailableError(str(error)) from error
        return lambda queries, k: index.search(queries, k)[1]

    return build


def _faiss(make: Callable[[Any, int], Any]) -> Callable[[Vectors, int], Search]:
    def build(documents: Vectors, threads: int) -> Search:
        faiss = _import("faiss", "faiss")
        faiss.omp_set_num_threads(threads)
        index = make(faiss, documents.shape[1])
        index.add(documents)
        return lambda queries, k: np.asarray(index.search(queries, k)[1])

    return build


def _make_flat(faiss: Any, width: int) -> Any:
    return faiss.IndexFlatIP(width)


def _make_hnsw(faiss: Any, width: int) -> Any:
    index = faiss.IndexHNSWFlat(width, CONNECTIVITY, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction, index.hnsw.efSearch = EXPANSION_ADD, EXPANSION_SEARCH
    return index


def _usearch_exact(documents: Vectors, threads: int) -> Search:
    library = _import("usearch.index", "hnsw")

    def search(queries: Vectors, k: int) -> Ids:
        matches = library.search(
            documents, queries, k, library.MetricKind.IP, exact=True, threads=threads
        )
        return np.atleast_2d(matches.keys).astype(np.int64)

    return search


def _import(module: str, extra: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise EngineUnavailableError(
            f"{package} is not installed: pip install 'skencoder[{extra}]'"
        ) from error


ENGINES = {
    BASELINE: SearchEngine("numpy", "full product, argpartition", _numpy),
    "faiss-flat": SearchEngine("faiss", "IndexFlatIP", _faiss(_make_flat)),
    "usearch-exact": SearchEngine("usearch", "search(exact=True)", _usearch_exact),
    "skencoder-exact": SearchEngine(OWN, "index='exact'", _own("exact")),
    "skencoder-hnsw": SearchEngine(OWN, "index='hnsw'", _own("hnsw")),
    "skencoder-faiss": SearchEngine(OWN, "index='faiss'", _own("faiss")),
    "faiss-hnsw": SearchEngine("faiss", "IndexHNSWFlat", _faiss(_make_hnsw)),
}


def choose_search_engines(against: Sequence[str] | None) -> list[str]:
    """Choose what is timed.

    Parameters
    ----------
    against : sequence of str or None
        Names; None takes all.

    Returns
    -------
    list of str
        The baseline first.

    Raises
    ------
    ParameterError
        If there is no such engine.
    """
    wanted = check_names("against", against, list(ENGINES))
    return [name for name in ENGINES if name == BASELINE or name in wanted]
