"""Whether held-out texts are given their topic, by a linear classifier on any vectors."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

# Of dimensions with a spread of one, and of word counts, whose numbers are small.
DENSE_STRENGTHS, SPARSE_STRENGTHS = (0.001, 0.01, 0.1, 1.0), (1.0, 10.0, 100.0)
FOLDS = 3


def right_answers(
    learned: Any, labels: NDArray[Any], vectors: Any, wanted: NDArray[Any]
) -> NDArray[np.float64]:
    """Learn from some vectors and say which of the others are classified rightly.

    Parameters
    ----------
    learned : array or sparse matrix of shape (n_texts, n_features)
        Vectors to learn from; each dimension of an array is brought to a spread of one.
    labels : array of shape (n_texts,)
        Their labels.
    vectors : array or sparse matrix of shape (n_judged, n_features)
        Vectors to be judged.
    wanted : array of shape (n_judged,)
        Their labels.

    Returns
    -------
    float64 of shape (n_judged,)
        1 where the answer is right, 0 elsewhere. The strength of regularisation is chosen by
        folds of what is learned from.
    """
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    is_dense = isinstance(learned, np.ndarray)
    strengths = {"C": list(DENSE_STRENGTHS if is_dense else SPARSE_STRENGTHS)}
    classifier = make_pipeline(
        # Word counts are sparse, and their spread is what they say.
        StandardScaler() if is_dense else "passthrough",
        GridSearchCV(LogisticRegression(max_iter=1000), strengths, cv=folds),
    )
    answers = classifier.fit(learned, labels).predict(vectors)
    return np.asarray(answers == wanted, np.float64)
