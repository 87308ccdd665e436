"""A grid search over a text classifier: what the encoder in it costs, beside the search itself.

Three ways take turns on the same rows, folds and classifier: this package's vectorizer in the
pipeline; the ideal, which encodes once by hand and searches over the vectors; and skrub's encoder
with the same checkpoint in the pipeline. Each starts without a cache and with its model to load.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline

from skencoder import EmbeddingCache, EncoderVectorizer, release
from skencoder.checkpoints import locate_checkpoint
from skencoder.datasets import load_python_docs

from .data_root import DataRoot
from .environment import pinned_threads
from .errors import MissingDataError
from .speed_statistics import median_interval, round_ratios
from .tables import format_table

MODEL = "all-MiniLM-L6-v2"
STRENGTHS = (0.1, 1.0, 10.0, 100.0)
FOLDS = 5
ROWS = 546
ROWS_PER_LABEL = 7
BANKING = "mteb/banking77"


def _read_json_lines(path: Path) -> pd.DataFrame:
    return pd.read_json(path, lines=True)


READERS: dict[str, Callable[..., pd.DataFrame]] = {
    ".parquet": pd.read_parquet,
    ".csv": pd.read_csv,
    ".jsonl": _read_json_lines,
}

Rows = tuple[list[str], Sequence[Any]]


@dataclass(frozen=True)
class GridReport:
    """Times of the ways, taking turns.

    Parameters
    ----------
    rows : int
        Texts searched over.
    seconds : dict of str to list of float
        Wall time of each way in each round.
    scores : dict of str to float
        Best mean accuracy each way found.
    texts_encoded : int
        Texts that this package encoded in one search.
    """

    rows: int
    seconds: dict[str, list[float]]
    scores: dict[str, float]
    texts_encoded: int


def run_grid(data_root: Path | None = None, *, rows: int = ROWS, rounds: int = 3) -> GridReport:
    """Time the search.

    Parameters
    ----------
    data_root : Path, optional
        Folder with Banking77 in the hub's layout; without it, the demo's texts are taken.
    rows : int, default=546
        Texts, the same number of each label as far as that goes, 7 or more.
    rounds : int, default=3
        How often each way searches.

    Returns
    -------
    GridReport
        Of the ways that can run here.
    """
    texts, labels = _draw(*_load(data_root), rows)
    ways = {"ideal": _ideal, "skencoder": _skencoder} | _peers()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    scores: dict[str, float] = {}
    with pinned_threads(2):
        for _ in range(rounds):
            for name, way in ways.items():
                release()
                start = time.perf_counter()
                scores[name] = way(texts, labels)
                seconds[name].append(time.perf_counter() - start)
    return GridReport(len(texts), seconds, scores, EmbeddingCache().stats().texts_encoded)


def format_grid(report: GridReport) -> str:
    """Write the report as a table.

    Parameters
    ----------
    report : GridReport
        What was measured.

    Returns
    -------
    str
        One line per way; ratios are medians over the rounds, with their 95 % interval.
    """
    ours = report.seconds["skencoder"]
    lines = []
    for name, seconds in report.seconds.items():
        ratio = "-"
        if len(seconds) > 1:
            middle, low, high = median_interval(round_ratios(ours, seconds))
            ratio = f"{middle:.2f} ({low:.2f} to {high:.2f})"
        lines.append(
            [name, f"{np.median(seconds):.2f}", ratio, f"{report.scores[name]:.4f}"],
        )
    header = ["encoder in the search", "seconds", "times", "accuracy"]
    head = (
        f"{report.rows} texts, {FOLDS} folds, {len(STRENGTHS)} values of C; skencoder encoded "
        f"{report.texts_encoded} texts. 'times': this one's time divided by skencoder's.\n\n"
    )
    return head + format_table(header, lines)


def _load(data_root: Path | None) -> Rows:
    if data_root is None:
        docs = load_python_docs()
        return docs.data, docs.target
    folder = DataRoot(data_root).locate(BANKING)
    path = next((path for path in sorted(folder.rglob("*test*")) if path.suffix in READERS), None)
    if path is None:
        raise MissingDataError(f"{folder} holds no test split ({', '.join(READERS)}).")
    frame = READERS[path.suffix](path)
    return frame["text"].tolist(), frame["label"].tolist()


def _draw(texts: list[str], labels: Sequence[Any], rows: int) -> Rows:
    """Take different texts, label by label in turn, so that every fold has some of each."""
    frame = pd.DataFrame({"text": texts, "label": list(labels)}).drop_duplicates("text")
    kept = frame["label"].value_counts().index[: max(2, rows // ROWS_PER_LABEL)]
    frame = frame[frame["label"].isin(kept)]
    frame["turn"] = frame.groupby("label").cumcount()
    chosen = frame.sort_values(["turn", "label"], kind="stable").head(rows)
    chosen = chosen.sample(frac=1, random_state=0)
    return chosen["text"].tolist(), chosen["label"].tolist()


def _search(estimator: Any, X: Any, labels: Sequence[Any]) -> float:
    name = "logisticregression__C"
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    search = GridSearchCV(estimator, {name: list(STRENGTHS)}, cv=folds, error_score="raise")
    return float(search.fit(X, labels).best_score_)


def _vectorizer(cache: str | None) -> EncoderVectorizer:
    return EncoderVectorizer(MODEL, precision="float32", overflow="truncate", cache=cache)


def _classifier() -> LogisticRegression:
    return LogisticRegression(max_iter=1000)


def _ideal(texts: list[str], labels: Sequence[Any]) -> float:
    vectors = _vectorizer(None).fit_transform(texts)
    return _search(make_pipeline(_classifier()), vectors, labels)


def _skencoder(texts: list[str], labels: Sequence[Any]) -> float:
    EmbeddingCache().clear()
    return _search(make_pipeline(_vectorizer("session"), _classifier()), texts, labels)


def _peers() -> dict[str, Callable[[list[str], Sequence[Any]], float]]:
    try:
        import sentence_transformers  # noqa: F401 - skrub needs it
        import skrub
    except ImportError:
        return {}
    # Called TextEncoder before skrub 0.11.
    peer = getattr(skrub, "LLMEncoder", None) or skrub.TextEncoder

    def search(texts: list[str], labels: Sequence[Any]) -> float:
        encoder = peer(str(locate_checkpoint(MODEL)), n_components=None)
        column = pd.Series(texts, name="text")
        return _search(make_pipeline(encoder, _classifier()), column, labels)

    return {"skrub": search}
