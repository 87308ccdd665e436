"""XQuAD in English as passages, questions and answers, read from a folder in the hub's layout."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .data_root import DataRoot
from .errors import UnreadableDataError
from .xquad_answers import MARKED_ANSWERS

HUB_PATH = "mteb/XQuADRetrieval"
DIGITS = 12


@dataclass(frozen=True)
class Question:
    """One question.

    Parameters
    ----------
    text : str
        The question.
    passage : str
        Id of the passage that answers it.
    answers : tuple of str
        Strings of the passage that answer it; empty where none is known.
    """

    text: str
    passage: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class XQuAD:
    """Passages and the questions on them.

    Parameters
    ----------
    passages : dict of str to str
        Texts by id.
    questions : list of Question
        In the order of the files.
    """

    passages: dict[str, str]
    questions: list[Question]

    @property
    def answerable(self) -> list[Question]:
        """The questions whose answers are known."""
        return [question for question in self.questions if question.answers]


def read_xquad(data_root: Path, answers: Path | None = None) -> XQuAD:
    """Read passages, questions, and answers.

    Parameters
    ----------
    data_root : path
        Folder with the retrieval form of the data as ``mteb/XQuADRetrieval``.
    answers : path, optional
        The data set's own ``xquad.en.json``, whose questions are told by their text; by default
        the 307 answers marked for this benchmark.

    Returns
    -------
    XQuAD
        All passages and questions.

    Raises
    ------
    MissingDataError
        If the folder is not there.
    UnreadableDataError
        If a file cannot be read.
    """
    folder = DataRoot(data_root).locate(HUB_PATH) / "en"
    try:
        corpus, queries, qrels = (
            [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]
            for name in ("corpus.jsonl", "queries.jsonl", "qrels.jsonl")
        )
        known = None if answers is None else _own_answers(json.loads(answers.read_text("utf-8")))
        passages = {row["_id"]: row["text"] for row in corpus}
        texts = {row["_id"]: row["text"] for row in queries}
        questions = [
            Question(
                texts[row["query-id"]],
                row["corpus-id"],
                _answers_to(texts[row["query-id"]], passages[row["corpus-id"]], known),
            )
            for row in qrels
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableDataError(f"XQuAD at {folder} cannot be read: {error!r}.") from error
    return XQuAD(passages, questions)


def _answers_to(
    question: str, passage: str, known: Mapping[str, tuple[str, ...]] | None
) -> tuple[str, ...]:
    if known is not None:
        return known.get(question, ())
    marked = MARKED_ANSWERS.get(hashlib.sha256(question.encode()).hexdigest()[:DIGITS])
    return () if marked is None else (passage[slice(*marked)],)


def _own_answers(file: Any) -> dict[str, tuple[str, ...]]:
    return {
        entry["question"]: tuple(answer["text"] for answer in entry["answers"])
        for article in file["data"]
        for paragraph in article["paragraphs"]
        for entry in paragraph["qas"]
    }
