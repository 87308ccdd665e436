"""Classifying with sentence vectors and with word counts, on the same rows: Banking77 and SIB-200.

Splits are those of the data sets. Nothing is chosen on test rows: the regularisation of both sides
is the best of `STRENGTHS` by folds of the rows that are learned from.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import normalize

from skencoder import EncoderVectorizer, ZeroShotClassifier

from .data_root import DataRoot
from .errors import MissingDataError
from .tables import format_table

STRENGTHS = (0.1, 1.0, 10.0, 100.0)
FOLDS = 3
SHOTS = 8
BINS = 15
SOURCES = {
    "Banking77": ("mteb/banking77", "label"),
    "SIB-200, English": ("mteb/sib200", "category"),
}
TEMPLATE = "This text is about {}."


@dataclass(frozen=True)
class Split:
    """Texts and their labels.

    Parameters
    ----------
    texts : ndarray of str objects of shape (n_texts,)
        Texts.
    labels : ndarray of shape (n_texts,)
        Labels.
    """

    texts: NDArray[np.object_]
    labels: NDArray[Any]

    def take(self, rows: NDArray[Any]) -> "Split":
        """Keep some rows.

        Parameters
        ----------
        rows : int of shape (n_kept,)
            Which.

        Returns
        -------
        Split
            These.
        """
        return Split(self.texts[rows], self.labels[rows])


@dataclass(frozen=True)
class ClassificationReport:
    """What was measured.

    Parameters
    ----------
    accuracies : list of tuple
        Data set, what was learned from, and the accuracies with word counts and with the encoder,
        one per draw.
    calibration : list of tuple
        Way, accuracy, log-loss in nats, Brier score and expected calibration error.
    """

    accuracies: list[tuple[str, str, list[float], list[float]]]
    calibration: list[tuple[str, float, float, float, float]]


def run_classification(
    data_root: Path, *, model: str = "all-MiniLM-L6-v2", draws: int = 10
) -> ClassificationReport:
    """Measure zero-shot, few-shot and full training, and probabilities.

    Parameters
    ----------
    data_root : Path
        Folder with mteb/banking77 and mteb/sib200.
    model : str, default="all-MiniLM-L6-v2"
        Name or folder of a checkpoint.
    draws : int, default=10
        How often a few texts of each label are drawn.

    Returns
    -------
    ClassificationReport
        Of both data sets.

    Raises
    ------
    MissingDataError
        If the data are not there.
    """
    makers: tuple[Callable[[], Any], ...] = (
        lambda: TfidfVectorizer(sublinear_tf=True),
        lambda: EncoderVectorizer(model, precision="float32", overflow="truncate"),
    )
    data = {name: load_splits(data_root, name) for name in SOURCES}
    accuracies = [_measure_zero_shot("SIB-200, English", *data["SIB-200, English"], makers)]
    for name, (train, test) in data.items():
        drawn = [train.take(draw_rows(train.labels, SHOTS, seed)) for seed in range(draws)]
        for shown, parts in {f"{SHOTS} texts per label": drawn, "all": [train]}.items():
            found = [[_measure(make, part, test) for part in parts] for make in makers]
            counts, ours = found
            accuracies.append((name, shown, counts, ours))
    return ClassificationReport(accuracies, _measure_calibration(*data["Banking77"], makers[1]))


def format_classification(report: ClassificationReport) -> str:
    """Write the report as two tables.

    Parameters
    ----------
    report : ClassificationReport
        What was measured.

    Returns
    -------
    str
        Means over draws, with the standard deviation where there are several.
    """
    accuracy = format_table(
        ["data", "learned from", "TF-IDF", "encoder"],
        [
            [name, shown, *map(_spread, (counts, ours))]
            for name, shown, counts, ours in report.accuracies
        ],
    )
    calibration = format_table(
        ["probabilities, Banking77", "accuracy", "log-loss", "Brier score", "ECE"],
        [[name, *(f"{value:.3f}" for value in values)] for name, *values in report.calibration],
    )
    return f"Accuracy on the test split\n\n{accuracy}\n\n{calibration}"


def expected_calibration_error(
    labels: NDArray[Any], classes: NDArray[Any], p: NDArray[Any]
) -> float:
    """Give the mean gap between how sure a classifier is and how often it is right.

    Parameters
    ----------
    labels : ndarray of shape (n_texts,)
        True labels.
    classes : ndarray of shape (n_classes,)
        What the columns are.
    p : float of shape (n_texts, n_classes)
        Probabilities.

    Returns
    -------
    float
        From 0 to 1: the gap in each of 15 bins of equal width of the largest probability, weighted
        by the texts in it.

    References
    ----------
    .. [1] Guo, Pleiss, Sun & Weinberger (2017), On calibration of modern neural networks,
       arXiv:1706.04599.
    """
    sure = p.max(axis=1)
    right = classes[p.argmax(axis=1)] == labels
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, right, BINS) - np.bincount(bins, sure, BINS)
    return float(np.abs(gaps).sum() / len(labels))


def load_splits(data_root: Path, name: str) -> tuple[Split, Split]:
    """Read what is learned from and what is judged.

    Parameters
    ----------
    data_root : Path
        Folder with the data in the hub's layout.
    name : str
        A key of `SOURCES`.

    Returns
    -------
    tuple of 2 Split
        Train and test.

    Raises
    ------
    MissingDataError
        If the data are not there.
    """
    hub_path, label = SOURCES[name]
    folder = DataRoot(data_root).locate(hub_path)
    folder = folder / "eng_Latn" if (folder / "eng_Latn").is_dir() else folder
    train, test = (_read(folder / f"{split}.jsonl", label) for split in ("train", "test"))
    return train, test


def _read(path: Path, label: str) -> Split:
    if not path.is_file():
        raise MissingDataError(f"there is no file {path}; expected lines of JSON.")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return Split(
        np.array([row["text"] for row in rows], object), np.array([row[label] for row in rows])
    )


def draw_rows(labels: NDArray[Any], shots: int, seed: int) -> NDArray[np.intp]:
    """Draw some rows of each label.

    Parameters
    ----------
    labels : ndarray of shape (n_texts,)
        Of all rows.
    shots : int
        How many of each; all where there are fewer.
    seed : int
        Of the draw.

    Returns
    -------
    intp of shape (n_drawn,)
        Rows, label by label.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    return np.concatenate([order[labels[order] == label][:shots] for label in np.unique(labels)])


def _classifier() -> GridSearchCV:
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    return GridSearchCV(LogisticRegression(max_iter=1000), {"C": list(STRENGTHS)}, cv=folds)


def _measure(make: Callable[[], Any], train: Split, test: Split) -> float:
    pipeline = make_pipeline(make(), _classifier()).fit(train.texts, train.labels)
    return float(pipeline.score(test.texts, test.labels))


def _measure_zero_shot(
    name: str, train: Split, test: Split, makers: tuple[Callable[[], Any], ...]
) -> tuple[str, str, list[float], list[float]]:
    counts, ours = (
        # Word counts know no word that they have not read, so they are given the texts.
        ZeroShotClassifier(make(), template=TEMPLATE)
        .fit(train.texts, train.labels)
        .score(test.texts, test.labels)
        for make in makers
    )
    return name, "names of the labels", [counts], [ours]


def _measure_calibration(
    train: Split, test: Split, make: Callable[[], Any]
) -> list[tuple[str, float, float, float, float]]:
    plain = make_pipeline(make(), LogisticRegression(max_iter=1000))
    ways = {
        "LogisticRegression()": plain,
        "... temperature": CalibratedClassifierCV(plain, method="temperature"),
        "... sigmoid": CalibratedClassifierCV(plain, method="sigmoid"),
    }
    lines = []
    for name, way in ways.items():
        p = way.fit(train.texts, train.labels).predict_proba(test.texts)
        # Vectors are float32, in which rows sum to 1 less closely than the losses ask for.
        p = normalize(p.astype(np.float64), norm="l1")
        right = way.classes_[p.argmax(axis=1)] == test.labels
        surprise, brier = (
            float(loss(test.labels, p, labels=way.classes_))
            for loss in (log_loss, brier_score_loss)
        )
        ece = expected_calibration_error(test.labels, way.classes_, p)
        lines.append((name, float(right.mean()), surprise, brier, ece))
    return lines


def _spread(values: list[float]) -> str:
    return f"{np.mean(values):.3f}" + (f" ± {np.std(values):.3f}" if len(values) > 1 else "")
