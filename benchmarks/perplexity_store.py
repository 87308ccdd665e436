"""Results of perplexity in a results folder; what is finished outlives a killed process.

Scores of texts are appended, one line each, to a file that becomes the result when all are there.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from .errors import ResultFileError
from .language_models import TextScore
from .output_files import write_whole
from .result_files import read_object

OWNER_OF_BARE_NAMES = "sentence-transformers"
AGAIN = "Remove it, and the same command makes it again."


def result_folder(results: Path, model: str, fingerprint: str, part: str) -> Path:
    """Say where a model's results lie.

    Parameters
    ----------
    results : path
        What a user gave as ``--results``.
    model : str
        Name or folder of a checkpoint.
    fingerprint : str
        Of its files.
    part : str
        Such as "perplexity".

    Returns
    -------
    path
        ``results/<owner__model>/<fingerprint>/<part>`` in it.
    """
    folder = Path(model).expanduser()
    name = f"local/{folder.resolve().name}" if folder.is_dir() else model
    name = name if "/" in name else f"{OWNER_OF_BARE_NAMES}/{name}"
    place = name.replace("/", "__").replace(" ", "_")
    return results / "results" / place / fingerprint / part


class PerplexityStore:
    """One result and the scores on the way to it.

    Parameters
    ----------
    folder : path
        Where the result's file stands.
    name : str
        Of the file, without ``.json``.
    run : mapping
        What scores depend on; scores of any other run are refused.
    n_texts : int
        How many texts have a score when it is finished.
    """

    def __init__(self, folder: Path, name: str, run: Mapping[str, Any], n_texts: int) -> None:
        self.path = folder / f"{name}.json"
        self._parts = folder / f".{name}.parts.jsonl"
        self._lock = folder / f".{name}.lock"
        self._run = dict(run)
        self._n_texts = n_texts

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from the same result until the end of a block.

        Yields
        ------
        None
            Nothing.

        Raises
        ------
        ResultFileError
            If another process is at it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._lock, timeout=0):
                yield
        except Timeout as error:
            raise ResultFileError(
                f"another process is writing {self.path}; wait for it, or choose other --results."
            ) from error

    def load(self) -> dict[int, TextScore]:
        """Read the scores that are there.

        Returns
        -------
        dict of int to TextScore
            By row; all rows where the result is finished.

        Raises
        ------
        ResultFileError
            If a file is damaged, or of another run.
        """
        if self.path.is_file():
            content = read_object(self.path)
            self._check(self.path, content.get("run"))
            return self._read_whole(content.get("texts"))
        if not self._parts.is_file():
            return {}
        lines = self._parts.read_text(encoding="utf-8").split("\n")
        # What follows the last line end was being written when the process was killed.
        entries = [self._parse(number, line) for number, line in enumerate(lines[:-1], start=1)]
        if entries:
            self._check(self._parts, entries[0].get("run"))
        return {
            self._read_row(number, entry): self._read(self._parts, number, entry.get("score"))
            for number, entry in enumerate(entries[1:], start=2)
        }

    def append(self, scores: Mapping[int, TextScore]) -> None:
        """Keep scores for a next time.

        Parameters
        ----------
        scores : mapping of int to TextScore
            By row.
        """
        begun = self._parts.is_file() and self._cut_to_whole_lines()
        lines: list[dict[str, Any]] = [] if begun else [{"run": self._run}]
        lines += [{"row": row, "score": asdict(score)} for row, score in scores.items()]
        with self._parts.open("a", encoding="utf-8") as stream:
            stream.write("".join(f"{json.dumps(line)}\n" for line in lines))
            stream.flush()
            os.fsync(stream.fileno())

    def finish(self, content: Mapping[str, Any]) -> None:
        """Write the result, whole or not at all, and drop what led to it.

        Parameters
        ----------
        content : mapping
            The file's fields.
        """
        text = json.dumps({**content, "run": self._run}, indent=1, allow_nan=False)
        write_whole(self.path, text + "\n")
        self._parts.unlink(missing_ok=True)

    def _cut_to_whole_lines(self) -> bool:
        """Take a half line off; whether anything is left."""
        content = self._parts.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            self._parts.write_bytes(whole)
        return bool(whole)

    def _parse(self, number: int, line: str) -> dict[str, Any]:
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise ResultFileError(
                f"{self._parts} is damaged in line {number}: {error}."
            ) from error
        if not isinstance(entry, dict) or not ({"run", "row"} & entry.keys()):
            raise ResultFileError(f"{self._parts} is damaged in line {number}: {line[:40]!r}.")
        return entry

    def _check(self, path: Path, run: object) -> None:
        if run != self._run:
            raise ResultFileError(
                f"{path} is of another run: it has {run}, and this one is {self._run}. Choose "
                f"another --results, or remove it."
            )

    def _read_whole(self, entries: object) -> dict[int, TextScore]:
        if not isinstance(entries, list) or len(entries) != self._n_texts:
            number = len(entries) if isinstance(entries, list) else "no list of"
            raise ResultFileError(
                f"{self.path} is damaged: it has {number} scores of {self._n_texts} texts. {AGAIN}"
            )
        return {row: self._read(self.path, row, entry) for row, entry in enumerate(entries)}

    def _read_row(self, number: int, entry: Mapping[str, Any]) -> int:
        row: Any = entry.get("row")
        if not _is_count(row) or row >= self._n_texts:
            raise ResultFileError(
                f"{self._parts} is damaged in line {number}: row={row!r}; expected one of "
                f"{self._n_texts} rows. {AGAIN}"
            )
        return int(row)

    def _read(self, path: Path, row: int, entry: Any) -> TextScore:
        try:
            score = TextScore(**entry)
        except TypeError as error:
            raise ResultFileError(f"{path} is damaged in entry {row}: {error}. {AGAIN}") from error
        nats, *counts = asdict(score).values()
        if not _is_number(nats) or not all(map(_is_count, counts)):
            raise ResultFileError(
                f"{path} is damaged in entry {row}: {entry}; expected a finite number and counts. "
                f"{AGAIN}"
            )
        return score


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
