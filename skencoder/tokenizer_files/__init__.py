"""A checkpoint folder's tokenizer, from ``tokenizer.json`` or the vocabulary files before it.

Nothing from a checkpoint is ever executed or unpickled, unless the caller trusts its code; texts
become ids in `skencoder.tokenization`.
"""

from skencoder.tokenizer_files.python_tokenizer import (
    PythonTokenizer,
    lowercase_first,
    open_tokenizer,
)
from skencoder.tokenizer_files.reading import read_tokenizer
from skencoder.tokenizer_files.static_tokenizer import NO_TOKEN, StaticTokenizer, unknown_id

__all__ = [
    "NO_TOKEN",
    "PythonTokenizer",
    "StaticTokenizer",
    "lowercase_first",
    "open_tokenizer",
    "read_tokenizer",
    "unknown_id",
]
