"""Nearest neighbours among float32 vectors; nothing here knows of texts."""

from skencoder.indexes.protocol import VectorIndex
from skencoder.indexes.registry import INDEXES, build_index, check_index_name, load_index

__all__ = ["INDEXES", "VectorIndex", "build_index", "check_index_name", "load_index"]
