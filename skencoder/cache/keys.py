"""What makes two vectors interchangeable, and the 128-bit key of a row.

The text itself is never stored, only this hash of it.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

# Raised whenever the same text, model and options give other vectors than the release before.
ENCODING_REVISION = 1
KEY_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class Space:
    """Everything beside the text that a stored vector depends on.

    Parameters
    ----------
    fingerprint : str
        Of the model's configuration, weights, tokenizer and sentence settings.
    pooling : str
        How token vectors become one.
    layer : int
        Which hidden state is pooled, counted from the embeddings, 0.
    prompt : str
        Text put before every input.
    max_length : int
        Tokens per text, special tokens included.
    overflow : {"cut", "chunk"}
        What is done with a longer text.
    precision : str
        In what the model computes, such as "float32".
    dtype : {"float32", "float16"}
        In what the vector is stored.
    revision : int, default=ENCODING_REVISION
        Of the way from text to vector.
    """

    fingerprint: str
    pooling: str
    layer: int
    prompt: str
    max_length: int
    overflow: str
    precision: str
    dtype: str
    revision: int = ENCODING_REVISION

    @property
    def digest(self) -> bytes:
        """256-bit hash of all fields."""
        # JSON keeps neighbouring fields apart: "ab", "c" is not "a", "bc".
        fields = json.dumps(asdict(self), sort_keys=True)
        return hashlib.blake2b(fields.encode(), digest_size=32).digest()


def row_keys(space: Space, texts: Sequence[str]) -> list[bytes]:
    """Hash texts within a space.

    Parameters
    ----------
    space : Space
        What the vectors depend on beside the text.
    texts : sequence of str of shape (n_texts,)
        Without lone surrogates.

    Returns
    -------
    list of bytes
        16 bytes for each text.
    """
    start = hashlib.blake2b(digest_size=KEY_BYTES, key=space.digest)
    keys = []
    for text in texts:
        state = start.copy()
        state.update(text.encode())
        keys.append(state.digest())
    return keys
