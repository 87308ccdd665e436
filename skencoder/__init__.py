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
    from skencoder.estimators import EncoderVectorizer
    from skencoder.text_encoder import TextEncoder

    __version__: str

__all__ = [
    "EmbeddingCache",
    "EncoderVectorizer",
    "EncodingOptions",
    "TextEncoder",
    "__version__",
    "distill_static",
    "release",
]

_HOMES = {
    "EmbeddingCache": "skencoder.cache",
    "EncoderVectorizer": "skencoder.estimators",
    "EncodingOptions": "skencoder.encoding_options",
    "TextEncoder": "skencoder.text_encoder",
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
