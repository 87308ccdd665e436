"""Translations found in Tatoeba: every margin and matching, scored as mteb scores and as pairs.

mteb takes each source sentence's nearest target by cosine and averages F1 over the targets,
weighted by how often each is right [1]_; a sentence found twice lowers it, one not found too.

References
----------
.. [1] Muennighoff et al. (2023), MTEB: Massive Text Embedding Benchmark, EACL.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from skencoder import BitextMiner, EncoderVectorizer

from .data_root import DataRoot
from .errors import UnknownTaskError, UnreadableDataError
from .tables import format_table

HUB_PATH = "mteb/tatoeba-bitext-mining"
# What is tried: margin and matching; the first is mteb's.
WAYS = (
    ("absolute", "nearest"),
    ("ratio", "nearest"),
    ("distance", "nearest"),
    ("ratio", "mutual"),
    ("ratio", "greedy"),
    ("ratio", "optimal"),
)


@dataclass(frozen=True)
class MiningScore:
    """What one margin and matching found.

    Parameters
    ----------
    subset : str
        Pair of languages, such as deu-eng.
    margin, matching : str
        As `BitextMiner` takes them.
    mteb_f1 : float
        As mteb averages it.
    precision, recall : float
        Right pairs among the pairs found, and among all.
    """

    subset: str
    margin: str
    matching: str
    mteb_f1: float
    precision: float
    recall: float


def run_bitext(
    data_root: Path, subsets: Sequence[str], *, model: str = "all-MiniLM-L6-v2"
) -> list[MiningScore]:
    """Mine Tatoeba in all ways.

    Parameters
    ----------
    data_root : path
        Folder with the data as ``mteb/tatoeba-bitext-mining``.
    subsets : sequence of str
        Pairs of languages, such as deu-eng.
    model : str, default="all-MiniLM-L6-v2"
        Name or folder of a checkpoint.

    Returns
    -------
    list of MiningScore
        Subset by subset.

    Raises
    ------
    MissingDataError
        If the data are not there.
    UnknownTaskError
        If they lack a subset.
    UnreadableDataError
        If they cannot be read.
    """
    encoder = EncoderVectorizer(model, precision="float32", overflow="truncate")
    scores = []
    for subset, rows in zip(subsets, _read(data_root, subsets), strict=True):
        source, target = rows["sentence1"].tolist(), rows["sentence2"].tolist()
        for margin, matching in WAYS:
            miner = BitextMiner(encoder, margin=margin, matching=matching).fit(target)
            found = miner.predict(source)
            scores.append(_score(subset, margin, matching, found))
    return scores


def _score(
    subset: str, margin: str, matching: str, found: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> MiningScore:
    right = np.arange(len(found))
    hits, shown = int((found == right).sum()), int((found >= 0).sum())
    mteb_f1 = f1_score(right, found, average="weighted", zero_division=0)
    precision = hits / shown if shown else 0.0
    return MiningScore(subset, margin, matching, float(mteb_f1), precision, hits / len(found))


def _read(data_root: Path, subsets: Sequence[str]) -> list[pd.DataFrame]:
    path = DataRoot(data_root).locate(HUB_PATH) / "test.jsonl"
    try:
        table = pd.read_json(path, lines=True)[["sentence1", "sentence2", "lang"]]
    except (OSError, ValueError, KeyError) as error:
        raise UnreadableDataError(f"{path} cannot be read: {error!r}.") from error
    known = sorted(table["lang"].unique())
    unknown = [subset for subset in subsets if subset not in known]
    if unknown:
        raise UnknownTaskError(
            f"Tatoeba at {path} has no subset {unknown[0]!r}; there are {', '.join(known)}."
        )
    return [table[table["lang"] == subset] for subset in subsets]


def format_bitext(scores: Sequence[MiningScore]) -> str:
    """Lay the scores out.

    Parameters
    ----------
    scores : sequence of MiningScore
        One per line.

    Returns
    -------
    str
        A table.
    """
    header = ["subset", "margin", "matching", "mteb's F1", "precision", "recall", "F1 of pairs"]
    rows = [
        [
            score.subset,
            score.margin,
            score.matching,
            f"{score.mteb_f1:.4f}",
            f"{score.precision:.4f}",
            f"{score.recall:.4f}",
            f"{_harmonic_mean(score.precision, score.recall):.4f}",
        ]
        for score in scores
    ]
    return format_table(header, rows)


def _harmonic_mean(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0
