"""A transformer whose vectors are known, so that all else can be worked out by hand."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin


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
