"""What a student is distilled from, without labels, and what it is judged on."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from skencoder.datasets import load_python_docs
from skencoder.sentences import split_sentences

from .classification import Split, load_splits
from .data_root import DataRoot
from .distillation_settings import DistillationSettings
from .errors import MissingDataError
from .perplexity_texts import read_text_file

STS = "mteb/stsbenchmark-sts"
LEAST_WORDS = 3


@dataclass(frozen=True)
class Pairs:
    """Pairs of sentences and how alike people find them.

    Parameters
    ----------
    first, second : list of str of length n_pairs
        The sentences.
    scores : float64 of shape (n_pairs,)
        From 0 to 5.
    """

    first: list[str]
    second: list[str]
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class DistillationTexts:
    """All texts of a run.

    Parameters
    ----------
    learned : list of str
        What the student reads; none of what it is judged on.
    sources : dict of str to int
        How many of them come from where.
    pairs : Pairs
        STSBenchmark's, to be judged.
    train, test : Split
        Banking77's: to draw labelled texts from, and to be judged.
    """

    learned: list[str]
    sources: dict[str, int]
    pairs: Pairs
    train: Split
    test: Split


def read_texts(settings: DistillationSettings) -> DistillationTexts:
    """Read all texts of a run.

    Parameters
    ----------
    settings : DistillationSettings
        Where they are.

    Returns
    -------
    DistillationTexts
        Each text to learn from once.

    Raises
    ------
    MissingDataError
        If data are not there.
    """
    pairs = _read_pairs(settings.data_root, "validation" if settings.choose else "test")
    train, test = load_splits(settings.data_root, "Banking77")
    if settings.choose:
        train, test = _halves(train)
    judged = {*pairs.first, *pairs.second, *test.texts}
    known = _read_pairs(settings.data_root, "train")
    found: dict[str, Iterable[str]] = {
        "sentences of STSBenchmark's training split": [*known.first, *known.second],
        "texts of Banking77's training split": train.texts,
        "sentences of Python's documentation": _sentences(load_python_docs().data),
    }
    if settings.texts is not None:
        found[f"sentences of {settings.texts.name}"] = _sentences(
            read_text_file(settings.texts).texts
        )
    learned, sources = _collect(found, judged, settings)
    return DistillationTexts(learned, sources, pairs, train, test)


def _collect(
    found: dict[str, Iterable[str]], judged: set[str], settings: DistillationSettings
) -> tuple[list[str], dict[str, int]]:
    """Take each text once, with where it is from, and none that is judged."""
    home: dict[str, str] = {}
    for name, texts in found.items():
        for text in texts:
            if text not in judged:
                home.setdefault(text, name)
    texts = list(home)
    order = np.random.default_rng(settings.seed).permutation(len(texts))
    learned = [texts[row] for row in order[: settings.most_texts]]
    names, counts = np.unique([home[text] for text in learned], return_counts=True)
    return learned, dict(zip(names.tolist(), counts.tolist(), strict=True))


def _halves(split: Split) -> tuple[Split, Split]:
    rows = np.arange(len(split.labels))
    parts = train_test_split(rows, test_size=0.3, random_state=0, stratify=split.labels)
    first, second = (Split(split.texts[part], split.labels[part]) for part in parts)
    return first, second


def _sentences(texts: Iterable[str]) -> list[str]:
    spans = ((text, span) for text in texts for span in split_sentences(text))
    found = (" ".join(text[start:stop].split()) for text, (start, stop) in spans)
    return [sentence for sentence in found if len(sentence.split()) >= LEAST_WORDS]


def _read_pairs(data_root: Path, split: str) -> Pairs:
    path = DataRoot(data_root).locate(STS) / f"{split}.jsonl"
    if not path.is_file():
        raise MissingDataError(f"there is no file {path}; expected STSBenchmark as lines of JSON.")
    rows: list[dict[str, Any]] = [
        json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return Pairs(
        [row["sentence1"] for row in rows],
        [row["sentence2"] for row in rows],
        np.array([row["score"] for row in rows], np.float64),
    )
