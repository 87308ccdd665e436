"""Displays of texts and their vectors, in the manner of scikit-learn's; extra ``plot``."""

from skencoder.plotting.embedding import EmbeddingDisplay
from skencoder.plotting.neighbors import NeighborsDisplay
from skencoder.plotting.similarity import SimilarityDisplay

__all__ = ["EmbeddingDisplay", "NeighborsDisplay", "SimilarityDisplay"]
