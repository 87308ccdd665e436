"""A transformer whose vectors are known, so that all else can be worked out by hand."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer


class Planted(TransformerMixin, BaseEstimator):
    """Give each text the vector planted for it."""

    def __init__(self, vectors):
        self.vectors = vectors

    def fit(self, X, y=None):
        self.seen_ = list(X)
        return self

    def transform(self, X):
        return np.array([self.vectors[text] for text in X], dtype=float)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "seen_")


def to_dense(rows):
    return rows.toarray().astype(np.float32)


def hash_letters(n_features):
    """A quick encoder that has nothing to learn, and that another process can make."""
    letters = HashingVectorizer(analyzer="char", ngram_range=(1, 4), n_features=n_features)
    return make_pipeline(letters, FunctionTransformer(to_dense))
