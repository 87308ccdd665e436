"""A results folder, read: which models are in it, and what is known of each.

Nothing is measured and nothing is written here. One damaged file does not hide the others: it is
named in `Results.damaged`. What each file holds is read in `result_files`.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from skencoder.errors import ParameterError

from .errors import MissingDataError, ResultFileError
from .result_files import read_examples, read_measurement, read_object, read_runs, read_scores
from .result_records import Measurement, ModelResults, Results

META_FILE = "model_meta.json"
# How runs were made: what mteb's files have no field for.
RUNS_FILE = "skencoder_runs.jsonl"
# mteb's own notes on its runs, of which nothing is needed here.
MTEB_NOTES = "run_settings.jsonl"
# Where mteb keeps results of a checkpoint with settings of its own.
EXPERIMENTS = "experiments"
PARTS = ("examples", "perplexity", "bias")

Read = TypeVar("Read")


def read_results(folder: str | Path) -> Results:
    """Read everything in a results folder.

    Parameters
    ----------
    folder : str or Path
        What was given to ``--results``, or the folder ``results`` in it.

    Returns
    -------
    Results
        Models with their scores, examples, runs and measurements; damaged and foreign files.

    Raises
    ------
    MissingDataError
        If there is no such folder, or no results in it.
    """
    root = _find_root(Path(folder))
    damaged: list[str] = []
    foreign: list[str] = []
    models = [_read_model(place, damaged, foreign) for place in _places(root, foreign)]
    kept = [model for model in models if _holds_results(model)]
    if not kept:
        told = " ".join(damaged[:3])
        raise MissingDataError(f"{root} holds no results that can be read. {told}".rstrip())
    kept.sort(
        key=lambda model: (model.name, model.revision, sorted(map(str, model.settings.items())))
    )
    return Results(root, tuple(kept), tuple(damaged), tuple(foreign))


def choose_models(results: Results, names: Sequence[str] | None) -> tuple[int, ...]:
    """Find the models that a user named.

    Parameters
    ----------
    results : Results
        All that are there.
    names : sequence of str or None
        Labels, ``owner/model`` or ``model``; None takes all.

    Returns
    -------
    tuple of int
        Their places in ``results.models``, in the order of the names.

    Raises
    ------
    ParameterError
        If a name fits no model.
    """
    if names is None:
        return tuple(range(len(results.models)))
    chosen: list[int] = []
    for name in names:
        found = [row for row, label in enumerate(results.labels) if label == name]
        found = found or [
            row
            for row, model in enumerate(results.models)
            if name in (model.name, model.name.rpartition("/")[2])
        ]
        if not found:
            raise ParameterError(
                f"models={name!r} is not in {results.folder}; there are "
                f"{', '.join(map(repr, results.labels))}."
            )
        chosen += [row for row in found if row not in chosen]
    return tuple(chosen)


def _find_root(folder: Path) -> Path:
    if not folder.is_dir():
        raise MissingDataError(
            f"there is no folder {folder}; expected what was given to `mteb --results`."
        )
    inner = folder / "results"
    return inner if inner.is_dir() else folder


def _places(root: Path, foreign: list[str]) -> Iterator[Path]:
    """Give the folders that hold results of one model, revision and choice of settings."""
    for model in _folders(root, foreign, "models"):
        for revision in _folders(model, foreign, "revisions"):
            yield revision
            if (revision / EXPERIMENTS).is_dir():
                yield from _folders(revision / EXPERIMENTS, foreign, "settings")


def _folders(folder: Path, foreign: list[str], what: str) -> Iterator[Path]:
    for path in _entries(folder):
        if path.is_dir():
            yield path
        else:
            foreign.append(f"{path} is no result; expected folders of {what} here.")


def _entries(folder: Path) -> list[Path]:
    # What starts with a dot is a draft of a file that was never finished, or the system's.
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _read_model(place: Path, damaged: list[str], foreign: list[str]) -> ModelResults:
    def read(reader: Callable[[Path], Read], path: Path) -> list[Read]:
        try:
            return [reader(path)]
        except ResultFileError as error:
            damaged.append(str(error))
            return []

    def measurements(part: str) -> tuple[Measurement, ...]:
        return tuple(found for path in files[part] for found in read(read_measurement, path))

    files = {part: _json_files(place / part, foreign) for part in PARTS}
    meta = _first(read(read_object, place / META_FILE)) if (place / META_FILE).is_file() else {}
    runs_path = place / RUNS_FILE
    scores = [found for path in _score_files(place, foreign) for found in read(read_scores, path)]
    return ModelResults(
        name=str(meta.get("name") or _name_in(place)),
        revision=str(meta.get("revision") or _revision_in(place)),
        settings=dict(meta.get("experiment_kwargs") or _settings_in(place)),
        folder=place,
        meta=meta,
        tasks={entry.task: entry for entry in scores},
        examples=dict(found for path in files["examples"] for found in read(read_examples, path)),
        runs=tuple(read_runs(runs_path, damaged)) if runs_path.is_file() else (),
        perplexity=measurements("perplexity"),
        bias=measurements("bias"),
    )


def _score_files(place: Path, foreign: list[str]) -> list[Path]:
    found = []
    for path in _entries(place):
        known = path.name in (META_FILE, RUNS_FILE, MTEB_NOTES, EXPERIMENTS, *PARTS)
        if path.suffix == ".json" and path.is_file() and not known:
            found.append(path)
        elif not known:
            foreign.append(f"{path} is no result; it is left out.")
    return found


def _json_files(folder: Path, foreign: list[str]) -> list[Path]:
    entries = _entries(folder) if folder.is_dir() else []
    strange = [path for path in entries if path.suffix != ".json"]
    foreign += [f"{path} is no result; it is left out." for path in strange]
    return [path for path in entries if path.suffix == ".json"]


def _holds_results(model: ModelResults) -> bool:
    return bool(model.tasks or model.perplexity or model.bias)


def _first(found: list[dict[str, Any]]) -> dict[str, Any]:
    return found[0] if found else {}


def _above_settings(place: Path) -> Path:
    return place.parents[1] if place.parent.name == EXPERIMENTS else place


def _name_in(place: Path) -> str:
    return _above_settings(place).parent.name.replace("__", "/")


def _revision_in(place: Path) -> str:
    return _above_settings(place).name


def _settings_in(place: Path) -> dict[str, Any]:
    return {"settings": place.name} if place.parent.name == EXPERIMENTS else {}
