"""Scores that others published: read from a table, and held against our own of the same model."""

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import MissingDataError, ResultFileError

# Each field, and the names that its column may have.
COLUMNS = {
    "model": ("model",),
    "task": ("task",),
    "split": ("split",),
    "subset": ("subset",),
    "metric": ("metric", "metric_matching_main_score"),
    "score": ("score", "main_score"),
}
DECIMALS, TRAINED_DECIMALS = 4, 3


@dataclass(frozen=True)
class PublishedScore:
    """A score from a table.

    Parameters
    ----------
    model, task, split, subset, metric : str
        Of what; the metric may be empty.
    score : float
        As a fraction, as mteb has it.
    """

    model: str
    task: str
    split: str
    subset: str
    metric: str
    score: float


@dataclass(frozen=True)
class PublishedCheck:
    """A score of ours beside the published one of the same model.

    Parameters
    ----------
    model : str
        Label of our run.
    task, split, subset : str
        Of what.
    score, published : float
        Ours, and the nearest that was published.
    decimals : int
        How many have to agree.
    agrees : bool
        Whether they do: the difference is at most half a unit of the last of them.
    """

    model: str
    task: str
    split: str
    subset: str
    score: float
    published: float
    decimals: int
    agrees: bool


def read_published(path: str | Path) -> tuple[PublishedScore, ...]:
    """Read a table of published scores.

    Parameters
    ----------
    path : str or Path
        CSV file with a header; see ``COLUMNS``. Other columns are not read.

    Returns
    -------
    tuple of PublishedScore
        One per row.

    Raises
    ------
    MissingDataError
        If there is no such file.
    ResultFileError
        If a column is missing, or a row has no score; the message names the line.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(f"published={str(path)!r}: there is no such file.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ResultFileError(f"{path} is no CSV file in UTF-8: {error}.") from error
    if not rows:
        raise ResultFileError(f"{path} has no rows; expected published scores.")
    columns = {field: _find_column(path, rows[0], names) for field, names in COLUMNS.items()}
    return tuple(_read_row(path, number, row, columns) for number, row in enumerate(rows, 2))


def _find_column(path: Path, row: Mapping[str, str], names: tuple[str, ...]) -> str:
    found = next((name for name in names if name in row), None)
    if found is None:
        raise ResultFileError(
            f"{path} has no column {' or '.join(map(repr, names))}; its columns are "
            f"{', '.join(map(repr, filter(None, row)))}."
        )
    return found


def _read_row(
    path: Path, number: int, row: Mapping[str, str | None], columns: Mapping[str, str]
) -> PublishedScore:
    cells = {field: (row[column] or "").strip() for field, column in columns.items()}
    try:
        score = float(cells.pop("score"))
    except ValueError:
        score = math.nan
    if not -1 <= score <= 1:
        raise ResultFileError(
            f"{path}, line {number}: the score is {row[columns['score']]!r}; expected a fraction, "
            "such as 0.8203 and not 82.03."
        )
    return PublishedScore(**cells, score=score)


def check_score(
    label: str, key: tuple[str, str, str], score: float, published: Iterable[float], decimals: int
) -> PublishedCheck:
    """Hold a score against what was published for it.

    Parameters
    ----------
    label : str
        Of our run.
    key : (task, split, subset)
        Of what.
    score : float
        Ours.
    published : iterable of float
        At least one; a model may have been published in several revisions.
    decimals : int
        How many have to agree.

    Returns
    -------
    PublishedCheck
        With the nearest of the published scores.
    """
    nearest = min(published, key=lambda other: abs(other - score))
    # A hair more, for the rounding of the numbers themselves.
    agrees = abs(nearest - score) <= 0.5 * 10.0**-decimals + 1e-9
    return PublishedCheck(label, *key, score, nearest, decimals, agrees)
