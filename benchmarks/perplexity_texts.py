"""Texts to measure perplexity on: a file of the user's, or a data set by its name."""

import hashlib
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from skencoder.datasets import load_python_docs, load_text_csv
from skencoder.errors import ParameterError, TextInputError

from .errors import MissingDataError, UnreadableDataError
from .nearest import nearest_names

WIKITEXT_FILE = Path("text") / "wikitext2-test-raw.txt"
# " = Robert Boulter = " begins an article, " = = Career = = " a section.
WIKITEXT_TITLE = re.compile(r"^ = [^=].*[^=] = $")
CHECKSUM_DIGITS = 8
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TextCollection:
    """Texts and where they are from.

    Parameters
    ----------
    name : str
        Short, for tables and files.
    texts : tuple of str
        In their order.

    Raises
    ------
    TextInputError
        If one holds half a character (a lone surrogate), which has no bytes.
    """

    name: str
    texts: tuple[str, ...]

    def __post_init__(self) -> None:
        for row, text in enumerate(self.texts):
            _check_characters(row, text)

    @property
    def checksum(self) -> str:
        """The first digits of a SHA-256 over all texts."""
        digest = hashlib.sha256()
        for text in self.texts:
            digest.update(text.encode() + b"\0")
        return digest.hexdigest()[:CHECKSUM_DIGITS]


def _check_characters(row: int, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TextInputError(
            f"text {row} holds half a character ({text[error.start]!r} at place {error.start}), "
            f"which no encoding can write; was it read in another encoding than its own?"
        ) from error


def read_text_file(path: Path, column: str | None = None) -> TextCollection:
    """Read texts from a file.

    Parameters
    ----------
    path : path
        ``.csv``, ``.jsonl`` with one object per line, or any other as plain text with one text
        per line, in UTF-8.
    column : str, optional
        Column or field of the texts; by default the usual names are tried.

    Returns
    -------
    TextCollection
        Rows without text left out, and their number told.

    Raises
    ------
    MissingDataError
        If there is no such file.
    UnreadableDataError
        If it cannot be read, or holds no text.
    """
    if not path.is_file():
        raise MissingDataError(f"texts: there is no file {path}.")
    found = _read_rows(path, column)
    texts = tuple(text for text in found if text.strip())
    if not texts:
        raise UnreadableDataError(f"{path} holds no text.")
    if len(texts) < len(found):
        log.info("%d rows of %s hold no text and are left out.", len(found) - len(texts), path)
    return TextCollection(path.stem, texts)


def _read_rows(path: Path, column: str | None) -> list[str]:
    ending = path.suffix.lower()
    if ending == ".csv":
        rows: list[str] = load_text_csv(path, text=column or "auto", label=None).data.tolist()
        return rows
    lines = _lines(path)
    if ending == ".jsonl":
        return _fields(path, lines, column or "text")
    # What follows the last line end is no row.
    return lines if lines[-1] else lines[:-1]


def read_dataset(name: str, data_root: Path | None) -> TextCollection:
    """Read a data set.

    Parameters
    ----------
    name : str
        A key of `DATASETS`.
    data_root : path or None
        Folder of benchmark data.

    Returns
    -------
    TextCollection
        Its texts.

    Raises
    ------
    ParameterError
        If there is no such data set.
    MissingDataError
        If its file is not there.
    """
    if name not in DATASETS:
        raise ParameterError(f"dataset={name!r} is unknown; {nearest_names(name, DATASETS)}")
    return TextCollection(name, tuple(DATASETS[name](data_root)))


def _python_docs(_: Path | None) -> list[str]:
    return [str(text) for text in load_python_docs().data]


def _wikitext_lines(data_root: Path | None) -> list[str]:
    lines = _lines(_wikitext(data_root))
    return [line.strip() for line in lines if line.strip() and not line.startswith(" = ")]


def _wikitext_articles(data_root: Path | None) -> list[str]:
    articles: list[list[str]] = []
    for line in _lines(_wikitext(data_root)):
        if WIKITEXT_TITLE.match(line) or not articles:
            articles.append([])
        articles[-1].append(line)
    joined = ("\n".join(lines) for lines in articles)
    return [text for text in joined if text.strip()]


def _wikitext(data_root: Path | None) -> Path:
    path = (data_root or Path()) / WIKITEXT_FILE
    if not path.is_file():
        raise MissingDataError(
            f"there is no file {path}; put WikiText-2's raw test text there and name the folder "
            f"as --data-root."
        )
    return path


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise UnreadableDataError(f"{path} cannot be read as UTF-8: {error}.") from error


def _fields(path: Path, lines: list[str], column: str) -> list[str]:
    texts = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            texts.append(json.loads(line)[column])
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableDataError(
                f"line {number} of {path} is no object with a field {column!r}: {error}."
            ) from error
        if not isinstance(texts[-1], str):
            raise UnreadableDataError(f"{column!r} in line {number} of {path} is no text.")
    return texts


DATASETS: dict[str, Callable[[Path | None], list[str]]] = {
    "python-docs": _python_docs,
    "wikitext-2": _wikitext_articles,
    "wikitext-2-paragraphs": _wikitext_lines,
}
