"""Texts and labels from a user's table, checked: what a cross-validation needs is there.

Nothing is guessed of labels. What is left out is counted and told, never dropped in silence.
"""

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skencoder.errors import DataNotFoundError, ParameterError, TextInputError

SEPARATORS = (",", ";", "\t", "|")
# Rows of the rarest label that have to be left to learn from, so that a strength can be chosen.
TO_LEARN_FROM = 2
SHOWN = 5

Row = dict[str | None, str | None]


@dataclass(frozen=True, eq=False)
class LabelledTexts:
    """What is learned from.

    Parameters
    ----------
    texts : ndarray of str objects of shape (n_texts,)
        Texts.
    labels : ndarray of str of shape (n_texts,)
        Labels.
    notes : tuple of str
        What was left out, and which columns were read.
    """

    texts: NDArray[np.object_]
    labels: NDArray[np.str_]
    notes: tuple[str, ...]

    @property
    def majority(self) -> tuple[str, float]:
        """The label that is most frequent, and its share."""
        label, count = Counter(self.labels.tolist()).most_common(1)[0]
        return label, count / len(self.labels)


def read_labelled_texts(
    path: str | Path,
    *,
    label: str,
    text: str | None = None,
    separator: str = "auto",
    encoding: str = "utf-8",
) -> LabelledTexts:
    """Read a table.

    Parameters
    ----------
    path : str or Path
        CSV file with a header.
    label : str
        Column of the labels.
    text : str, optional
        Column of the texts; by default the one with the most words.
    separator : str, default="auto"
        Between cells; auto takes the one with which the header has the label's column.
    encoding : str, default="utf-8"
        Of the file.

    Returns
    -------
    LabelledTexts
        Rows with both, without repetitions.

    Raises
    ------
    DataNotFoundError
        If there is no such file.
    TextInputError
        If it cannot be read, or holds no text with a label.
    ParameterError
        If a column or an encoding is not there.
    """
    content = _read(Path(path), encoding)
    separator = _find_separator(content, label) if separator == "auto" else separator
    columns, rows = _parse(path, content, separator)
    _check_column("label", label, columns, path)
    text = _guess_text(rows, columns, label) if text is None else text
    _check_column("text", text, columns, path)
    if text == label:
        raise ParameterError(f"text and label are both {text!r}; expected two columns.")
    return _keep(path, rows, text, label)


def check_folds(labels: NDArray[np.str_], folds: int) -> None:
    """Refuse labels that cannot be cross-validated.

    Parameters
    ----------
    labels : ndarray of str of shape (n_texts,)
        Labels.
    folds : int
        Parts.

    Raises
    ------
    TextInputError
        If there is one label only, every row has its own, or one is too rare.
    """
    counts = Counter(labels.tolist())
    if len(counts) == 1:
        raise TextInputError(
            f"every text has the label {str(labels[0])!r}; to choose, two or more are needed."
        )
    if len(counts) > len(labels) / 2:
        raise TextInputError(
            f"{len(labels)} texts have {len(counts)} different labels; these look like numbers "
            "or ids. Name a column whose values come back."
        )
    # In the worst fold the rarest label loses this many rows.
    rare = {
        name: count
        for name, count in counts.items()
        if count < folds or count - -(-count // folds) < TO_LEARN_FROM
    }
    if rare:
        name, count = min(rare.items(), key=lambda item: item[1])
        raise TextInputError(
            f"label {name!r} has {count} texts, too few for {folds} folds"
            f"{_and_others(len(rare) - 1)}. Label more, leave rare labels out of the file, or "
            "take fewer folds (at least 4 texts of each label with --folds 2)."
        )


def _and_others(number: int) -> str:
    return f" (and {number} other labels have too few)" if number else ""


def _read(path: Path, encoding: str) -> str:
    if not path.is_file():
        raise DataNotFoundError(f"texts={str(path)!r}: there is no such file.")
    try:
        content = path.read_bytes().decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except LookupError as error:
        raise ParameterError(f"encoding={encoding!r}: there is no such encoding.") from error
    except UnicodeDecodeError as error:
        raise TextInputError(
            f"{path} is not in {encoding} (byte {error.start}). If it comes from a spreadsheet, "
            "try --encoding cp1252, or --encoding utf-16."
        ) from error
    if not content.strip():
        raise TextInputError(f"{path} is empty.")
    return content


def _find_separator(content: str, label: str) -> str:
    header = content.splitlines()[0]
    fits = [one for one in SEPARATORS if label in next(csv.reader([header], delimiter=one))]
    return fits[0] if fits else max(SEPARATORS, key=header.count)


def _parse(path: str | Path, content: str, separator: str) -> tuple[list[str], list[Row]]:
    # Python's own reader takes no cell for a number or for missing; a cell may be a long text.
    csv.field_size_limit(2**31 - 1)
    reader = csv.DictReader(io.StringIO(content, newline=""), delimiter=separator, strict=True)
    try:
        rows: list[Row] = list(reader)
    except csv.Error as error:
        raise TextInputError(
            f"{path} is no CSV file with {separator!r} between cells: line {reader.line_num}: "
            f"{error}."
        ) from error
    columns = [name for name in reader.fieldnames or () if name]
    surplus = next((number for number, row in enumerate(rows, 1) if None in row), None)
    if surplus is not None:
        raise TextInputError(
            f"{path}, row {surplus}, has more cells than the header names; texts with "
            f"{separator!r} in them need quotes."
        )
    if not rows:
        raise TextInputError(f"{path} has a header and no rows.")
    return columns, rows


def _check_column(parameter: str, name: str, columns: list[str], path: str | Path) -> None:
    if name not in columns:
        raise ParameterError(
            f"{parameter}={name!r} is no column of {path}; its columns are "
            f"{', '.join(map(repr, columns))}. If that looks like one, name the --separator."
        )


def _guess_text(rows: list[Row], columns: list[str], label: str) -> str:
    others = [name for name in columns if name != label]
    if not others:
        raise ParameterError(f"there is no column beside {label!r}; expected one of texts.")
    return max(others, key=lambda name: sum(len((row[name] or "").split()) for row in rows))


def _keep(path: str | Path, rows: list[Row], text: str, label: str) -> LabelledTexts:
    notes = [f"Texts from column {text!r}, labels from column {label!r}."]
    pairs: dict[tuple[str, str], int] = {}
    without: dict[str, list[int]] = {"text": [], "label": []}
    repeated = 0
    for number, row in enumerate(rows, 1):
        words, name = (row[text] or "").strip(), (row[label] or "").strip()
        if not words or not name:
            without["label" if words else "text"].append(number)
        elif (words, name) in pairs:
            repeated += 1
        else:
            pairs[words, name] = number
    notes += [
        f"{len(numbers)} rows without {what} are left out: {_list(numbers)}."
        for what, numbers in without.items()
        if numbers
    ]
    if repeated:
        notes.append(
            f"{repeated} rows repeat an earlier text with its label and are left out; they would "
            "stand on both sides of a fold."
        )
    if not pairs:
        raise TextInputError(f"no row of {path} has both a {text!r} and a {label!r}.")
    texts, labels = zip(*pairs, strict=True)
    conflicts = len(pairs) - len(set(texts))
    if conflicts:
        notes.append(f"{conflicts} texts stand there with several labels; all are kept.")
    return LabelledTexts(np.array(texts, dtype=object), np.array(labels), tuple(notes))


def _list(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:SHOWN]))
    return f"rows {shown}{', ...' if len(numbers) > SHOWN else ''}"
