"""Banking77's intents: rejecting what nobody has taught, on intents left out of the training.

Each draw takes some intents away from the training rows; in the test rows they are what has to be
told from the rest. A third of the intents is never drawn: on these, and on training rows only
(``choose=True``), the choices were made that the package offers as defaults.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.model_selection import train_test_split

from skencoder import EncoderVectorizer, OutOfScopeClassifier
from skencoder.errors import ParameterError

from .data_root import DataRoot
from .errors import MissingDataError
from .tables import format_table

BANKING = "mteb/banking77"
BASELINE = "TF-IDF, largest probability"
KEPT_FOR_CHOICES = 1 / 3
UNSEEN = 1 / 4
# The share of texts in scope that must be accepted when false acceptances are counted.
RECALL = 0.95


@dataclass(frozen=True)
class Rows:
    """Texts and their intents.

    Parameters
    ----------
    texts : ndarray of str objects of shape (n_texts,)
        The texts.
    vectors : float32 of shape (n_texts, n_features)
        The encoder's.
    intents : int64 of shape (n_texts,)
        Their intents.
    """

    texts: NDArray[np.object_]
    vectors: NDArray[np.float32]
    intents: NDArray[np.int64]

    def take(self, rows: NDArray[Any]) -> "Rows":
        """Keep some rows.

        Parameters
        ----------
        rows : bool or int of shape (n_texts,) or (n_kept,)
            Which.

        Returns
        -------
        Rows
            These.
        """
        return Rows(self.texts[rows], self.vectors[rows], self.intents[rows])


def _encoded(train: Rows, test: Rows) -> tuple[Any, Any]:
    return train.vectors, test.vectors


def _counted(train: Rows, test: Rows) -> tuple[Any, Any]:
    """Count words, of which those of intents that are not taught are not known."""
    counts = TfidfVectorizer(sublinear_tf=True).fit(train.texts)
    return counts.transform(train.texts), counts.transform(test.texts)


@dataclass(frozen=True)
class Way:
    """How texts are classified and rejected.

    Parameters
    ----------
    vectorize : callable
        From rows to learn from and rows to judge to the vectors of both.
    detector : str
        As in `OutOfScopeClassifier`.
    """

    vectorize: Callable[[Rows, Rows], tuple[Any, Any]]
    detector: str

    def measure(self, train: Rows, test: Rows) -> dict[str, float]:
        """Fit on what is in scope, and see what is rejected.

        Parameters
        ----------
        train : Rows
            In scope only.
        test : Rows
            In scope or not.

        Returns
        -------
        dict of str to float
            By `MEASURES`.
        """
        classifier = OutOfScopeClassifier(
            LogisticRegression(C=10, max_iter=1000), detector=self.detector, reject_label=-1
        )
        learned, X = self.vectorize(train, test)
        classifier.fit(learned, train.intents)
        inside = np.isin(test.intents, classifier.classes_)
        scores, answers = classifier.score_samples(X), classifier.predict(X)
        false_in, true_in, _ = roc_curve(inside, scores)
        unlimited = classifier.classifier_.predict(X)
        return {
            "AUROC": float(roc_auc_score(inside, scores)),
            "accepted unseen": float(false_in[np.searchsorted(true_in, RECALL)]),
            "accuracy in scope": float((unlimited == test.intents)[inside].mean()),
            "rejected in scope": float((answers == -1)[inside].mean()),
            "rejected unseen": float((answers == -1)[~inside].mean()),
        }


MEASURES = (
    "AUROC",
    "accepted unseen",
    "accuracy in scope",
    "rejected in scope",
    "rejected unseen",
)
WAYS = {
    BASELINE: Way(_counted, "max_probability"),
    "encoder, largest probability": Way(_encoded, "max_probability"),
    "encoder, Mahalanobis": Way(_encoded, "mahalanobis"),
    "encoder, nearest neighbour": Way(_encoded, "neighbors"),
    "encoder, combined (default)": Way(_encoded, "combined"),
}


@dataclass(frozen=True)
class IntentsReport:
    """What each way did in each draw.

    Parameters
    ----------
    n_intents : int
        All intents.
    n_unseen : int
        Those left out of the training in a draw.
    n_train : int
        Rows to learn from, before a draw.
    n_test : int
        Rows to judge.
    measured : dict of str to list of dict
        By way, one `Way.measure` per draw.
    """

    n_intents: int
    n_unseen: int
    n_train: int
    n_test: int
    measured: dict[str, list[dict[str, float]]]


def run_intents(
    data_root: Path,
    *,
    model: str = "all-MiniLM-L6-v2",
    draws: int = 10,
    per_intent: int | None = None,
    choose: bool = False,
) -> IntentsReport:
    """Measure how well intents that nobody has taught are rejected.

    Parameters
    ----------
    data_root : Path
        Folder with Banking77 as mteb/banking77.
    model : str, default="all-MiniLM-L6-v2"
        Name or folder of a checkpoint.
    draws : int, default=10
        How often intents are drawn that are left out of the training.
    per_intent : int, optional
        Rows of each intent to learn from; by default all.
    choose : bool, default=False
        Leave the test rows alone: draw from the intents kept for choices, and judge on a
        quarter of the training rows.

    Returns
    -------
    IntentsReport
        Of all ways.

    Raises
    ------
    ParameterError
        If a number is below 1.
    MissingDataError
        If the data are not there.
    """
    for name, value in {"draws": draws, "per_intent": per_intent}.items():
        if value is not None and value < 1:
            raise ParameterError(f"{name} must be 1 or more; got {value}.")
    train, test = _read(data_root, "train"), _read(data_root, "test")
    if choose:
        train, test = train_test_split(
            train, test_size=0.25, random_state=0, stratify=train["intent"]
        )
    if per_intent is not None:
        train = train.groupby("intent").head(per_intent)
    learned, judged = _encode(train, test, model)
    intents = np.unique(learned.intents)
    kept, drawn = _split_intents(intents)
    n_unseen = min(round(UNSEEN * len(intents)), len(kept if choose else drawn) - 1)
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in WAYS}
    for draw in range(draws):
        pool = kept if choose else drawn
        unseen = np.random.default_rng(draw).choice(pool, n_unseen, replace=False)
        seen = learned.take(~np.isin(learned.intents, unseen))
        for name, way in WAYS.items():
            measured[name].append(way.measure(seen, judged))
    return IntentsReport(len(intents), n_unseen, len(train), len(test), measured)


def format_intents(report: IntentsReport) -> str:
    """Write the report as a table.

    Parameters
    ----------
    report : IntentsReport
        What was measured.

    Returns
    -------
    str
        One line per way: means over the draws, and the AUROC's gain over the baseline.
    """
    base = _column(report, BASELINE, "AUROC")
    lines = []
    for name in report.measured:
        gain = _column(report, name, "AUROC") - base
        means = [f"{_column(report, name, measure).mean():.3f}" for measure in MEASURES]
        spread = f"{gain.mean():+.3f} ({gain.min():+.3f} to {gain.max():+.3f})"
        lines.append([name, *means, "-" if name == BASELINE else spread])
    head = (
        f"Banking77, {report.n_intents} intents, {report.n_unseen} of them unseen in each of "
        f"{len(base)} draws; {report.n_train} rows to learn from before that, {report.n_test} to "
        f"judge.\n'accepted unseen' is the share of unseen intents accepted where {RECALL:.0%} in "
        f"scope are; 'rejected' is at the threshold chosen for 5 % false rejections; 'gain' is in "
        f"AUROC over the first line, and in the worst and best draw.\n\n"
    )
    return head + format_table(["way", *MEASURES, "gain"], lines)


def _read(data_root: Path, split: str) -> pd.DataFrame:
    path = DataRoot(data_root).locate(BANKING) / f"{split}.jsonl"
    if not path.is_file():
        raise MissingDataError(f"there is no file {path}; expected Banking77 as lines of JSON.")
    return pd.read_json(path, lines=True).rename(columns={"label": "intent"})


def _encode(train: pd.DataFrame, test: pd.DataFrame, model: str) -> tuple[Rows, Rows]:
    # It learns nothing of the texts.
    encoder = EncoderVectorizer(model, precision="float32", overflow="truncate").fit(train["text"])
    learned, judged = (
        Rows(
            part["text"].to_numpy(object),
            encoder.transform(part["text"]),
            part["intent"].to_numpy(np.int64),
        )
        for part in (train, test)
    )
    return learned, judged


def _split_intents(intents: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the intents kept for choices, and those from which the others are drawn."""
    shuffled = np.random.default_rng(len(intents)).permutation(intents)
    n_kept = round(KEPT_FOR_CHOICES * len(intents))
    return shuffled[:n_kept], shuffled[n_kept:]


def _column(report: IntentsReport, way: str, measure: str) -> NDArray[np.float64]:
    return np.array([draw[measure] for draw in report.measured[way]])
