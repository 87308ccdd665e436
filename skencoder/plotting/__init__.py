"""Displays of texts, vectors and trainings, in the manner of scikit-learn's; extra ``plot``."""

from skencoder.plotting.embedding import EmbeddingDisplay
from skencoder.plotting.neighbors import NeighborsDisplay
from skencoder.plotting.similarity import SimilarityDisplay
from skencoder.plotting.training import TrainingCurveDisplay

__all__ = ["EmbeddingDisplay", "NeighborsDisplay", "SimilarityDisplay", "TrainingCurveDisplay"]
