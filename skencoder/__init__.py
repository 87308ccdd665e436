"""Sentence encoders as scikit-learn estimators.

Names are loaded when they are first used, so that importing the package loads no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skencoder.cache import EmbeddingCache
    from skencoder.distillation import distill_static
    from skencoder.encode_once import release
    from skencoder.encoding_options import EncodingOptions
    from skencoder.estimators import (
        BitextMiner,
        Corpus,
        EncoderClassifier,
        EncoderRegressor,
        EncoderRetriever,
        EncoderVectorizer,
        ExtractiveSummarizer,
        FixedCorpusRetriever,
        MahalanobisDetector,
        NeighborsDetector,
        OutOfScopeClassifier,
        PassageAnswerer,
        PseudoPerplexityScorer,
        ReplySelector,
        ZeroShotClassifier,
    )
    from skencoder.text_encoder import TextEncoder
    from skencoder.word_alignment import align_words

    __version__: str

__all__ = [
    "BitextMiner",
    "Corpus",
    "EmbeddingCache",
    "EncoderClassifier",
    "EncoderRegressor",
    "EncoderRetriever",
    "EncoderVectorizer",
    "EncodingOptions",
    "ExtractiveSummarizer",
    "FixedCorpusRetriever",
    "MahalanobisDetector",
    "NeighborsDetector",
    "OutOfScopeClassifier",
    "PassageAnswerer",
    "PseudoPerplexityScorer",
    "ReplySelector",
    "TextEncoder",
    "ZeroShotClassifier",
    "__version__",
    "align_words",
    "distill_static",
    "release",
]

_HOMES = {
    "BitextMiner": "skencoder.estimators",
    "Corpus": "skencoder.estimators",
    "EmbeddingCache": "skencoder.cache",
    "EncoderClassifier": "skencoder.estimators",
    "EncoderRegressor": "skencoder.estimators",
    "EncoderRetriever": "skencoder.estimators",
    "EncoderVectorizer": "skencoder.estimators",
    "EncodingOptions": "skencoder.encoding_options",
    "ExtractiveSummarizer": "skencoder.estimators",
    "FixedCorpusRetriever": "skencoder.estimators",
    "MahalanobisDetector": "skencoder.estimators",
    "NeighborsDetector": "skencoder.estimators",
    "OutOfScopeClassifier": "skencoder.estimators",
    "PassageAnswerer": "skencoder.estimators",
    "PseudoPerplexityScorer": "skencoder.estimators",
    "ReplySelector": "skencoder.estimators",
    "TextEncoder": "skencoder.text_encoder",
    "ZeroShotClassifier": "skencoder.estimators",
    "align_words": "skencoder.word_alignment",
    "distill_static": "skencoder.distillation",
    "release": "skencoder.encode_once",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("skencoder")
    if name not in _HOMES:
        raise AttributeError(f"module 'skencoder' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
