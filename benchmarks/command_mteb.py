"""The command ``mteb``: parses, calls `run_mteb`, prints."""

import sys
from pathlib import Path
from typing import Any, Literal

from .errors import RunStoppedError
from .exit_codes import DONE, FAILED, NOTHING, STOPPED


def mteb_command(
    *,
    model: list[str] | None = None,
    tasks: list[str] | None = None,
    benchmark: list[str] | None = None,
    types: list[str] | None = None,
    languages: list[str] | None = None,
    subsets: list[str] | None = None,
    precision: Literal["float32", "bfloat16", "float16", "int8", "auto"] = "float32",
    device: str = "auto",
    data_root: Path | None = None,
    results: Path | None = None,
    cache: Path | None = None,
    index: str | None = None,
    fusion_weights: tuple[float, float] | None = None,
) -> int:
    """Score models on tasks of the Massive Text Embedding Benchmark.

    Tasks are named by --tasks, --benchmark or both; --types, --languages and --subsets narrow
    them, and --types or --languages alone choose among all. `list` shows what there is.

    Parameters
    ----------
    model : list of str
        Names or folders of checkpoints; by default all-MiniLM-L6-v2.
    tasks : list of str
        Names of tasks, such as STSBenchmark Banking77Classification.
    benchmark : list of str
        Names of benchmarks whose tasks are meant, such as "MTEB(eng, v2)".
    types : list of str
        Keep tasks of these types, such as STS Classification.
    languages : list of str
        Keep tasks, and subsets of tasks, in these languages by ISO 639-3, such as deu fra-Latn.
    subsets : list of str
        Keep only these subsets of tasks that have several, such as en or deu-eng.
    precision : str
        Precision of the weights; published scores are float32.
    device : str
        Such as cpu or cuda; auto takes a GPU where there is one.
    data_root : path
        Folder with the data sets by their hub path, such as DIR/mteb/banking77; no data are
        then read from the network. By default mteb downloads them.
    results : path
        Folder for mteb's result files, and for what the models did with each example; finished
        tasks found there are not run again. By default nothing is written.
    cache : path
        Folder that keeps vectors, so that a text is encoded once over all tasks and runs; by
        default they are kept until the end of this one.
    index : str
        Let this package's retriever search in retrieval tasks, with this index: exact, hnsw or
        faiss. By default mteb compares the vectors itself.
    fusion_weights : pair of float
        Search words by BM25 too, and fuse both rankings with these weights of vectors and words,
        such as 1 1; 0 1 is BM25 alone.

    Returns
    -------
    int
        0, 1 if a task failed, 2 if all did, or 130 if the run was stopped.
    """
    from skencoder import EncoderVectorizer

    from .mteb_selection import TaskSelection

    selection = TaskSelection(
        tasks or (), benchmark or (), types or (), languages or (), subsets or ()
    )
    # Before mteb is loaded, which takes seconds.
    selection.check_named()
    from .mteb_run import run_mteb
    from .mteb_search import Searched

    encoders = [
        EncoderVectorizer(
            name,
            precision=precision,
            device=device,
            overflow="truncate",
            cache=cache or "session",
            verbose=int(sys.stderr.isatty()),
        )
        for name in dict.fromkeys(model or ["all-MiniLM-L6-v2"])
    ]
    retriever = _make_retriever(index, fusion_weights)
    models: list[Any] = [Searched(one, retriever) for one in encoders] if retriever else encoders
    try:
        runs = run_mteb(models, selection, data_root=data_root, results=results)
    except RunStoppedError as stop:
        _show(stop.runs)
        print(stop, file=sys.stderr)
        return STOPPED
    return _show(runs)


def _show(runs: Any) -> int:
    from .mteb_report import format_failures, format_runs

    if runs:
        print(format_runs(runs))
    failures = format_failures(runs)
    if failures:
        print(failures, file=sys.stderr)
    if not any(run.error is None for run in runs):
        return NOTHING
    return FAILED if failures else DONE


def _make_retriever(index: str | None, fusion_weights: tuple[float, float] | None) -> Any:
    """Let a retriever search, if one is asked for."""
    from skencoder import EncoderRetriever

    if fusion_weights is not None:
        return EncoderRetriever(
            index=index or "exact", lexical="bm25", fusion_weights=fusion_weights
        )
    return None if index is None else EncoderRetriever(index=index)
