"""Stages of a search beside the vectors: words, fusion of rankings, re-scoring of the best.

Everything here counts documents by their position in the corpus. Nothing knows of scikit-learn.
"""

from skencoder.retrieval.bm25 import BM25Index, BM25Options
from skencoder.retrieval.fusion import fuse_rankings
from skencoder.retrieval.ranking import Ranking
from skencoder.retrieval.rescoring import rescore

__all__ = ["BM25Index", "BM25Options", "Ranking", "fuse_rankings", "rescore"]
