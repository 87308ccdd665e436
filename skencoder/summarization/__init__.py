"""Which sentences stand for a text, told from their vectors alone.

Each way of ranking has its file: `centroid`, `lexrank`, `maximal_marginal_relevance`; how many are
taken stands in `budget`, both together in `selection`. Texts, sentences and encoders are the
business of `skencoder.estimators.summarizer`.
"""

from skencoder.summarization.budget import Budget, take_best
from skencoder.summarization.centroid import centroid_scores
from skencoder.summarization.lexrank import lexrank_scores
from skencoder.summarization.maximal_marginal_relevance import maximal_marginal_relevance
from skencoder.summarization.selection import (
    SELECTIONS,
    select_centroid,
    select_lexrank,
    select_mmr,
)
from skencoder.summarization.similarity import cosine_matrix

__all__ = [
    "SELECTIONS",
    "Budget",
    "centroid_scores",
    "cosine_matrix",
    "lexrank_scores",
    "maximal_marginal_relevance",
    "select_centroid",
    "select_lexrank",
    "select_mmr",
    "take_best",
]
