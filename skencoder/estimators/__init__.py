"""The scikit-learn estimators: the only room that imports scikit-learn's base classes."""

from skencoder.estimators.vectorizer import EncoderVectorizer

__all__ = ["EncoderVectorizer"]
