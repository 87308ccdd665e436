"""Vectors that are computed once: content-addressed, row by row, shared by threads and processes.

Read on in this order: keys.py (what a row is found by), records.py (what it looks like), store.py
(where it is), environment.py (how that is opened), embedding_cache.py (what others use). Nothing
here loads torch, and nothing here knows how a vector is made.
"""

from skencoder.cache.embedding_cache import CachedRows, CacheStats, EmbeddingCache
from skencoder.cache.keys import ENCODING_REVISION, Space

__all__ = ["ENCODING_REVISION", "CacheStats", "CachedRows", "EmbeddingCache", "Space"]
