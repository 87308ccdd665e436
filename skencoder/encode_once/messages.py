"""Requests and answers as bytes: JSON and plain numbers, nothing that could run."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import skencoder.errors
from skencoder.cache import EmbeddingCache
from skencoder.encode_once.parts import Lengths
from skencoder.encode_once.request import Answer, Request
from skencoder.encoding_plan import plan_from_json
from skencoder.model_source import Source


@dataclass(frozen=True)
class Message:
    """What a worker asks.

    Parameters
    ----------
    operation : {"facts", "count", "encode"}
        To describe the model, to count tokens, or to encode.
    source : Source
        Of the model.
    cache : EmbeddingCache
        Where vectors are kept.
    request : Request or None, default=None
        The texts and what to do with them; None for "facts".
    unpickled : bool, default=False
        Whether the model comes from elsewhere, and may run on another device than there.
    """

    operation: str
    source: Source
    cache: EmbeddingCache
    request: Request | None = None
    unpickled: bool = False

    def to_bytes(self) -> bytes:
        """Write the message.

        Returns
        -------
        bytes
            JSON.
        """
        cache = self.cache
        return json.dumps(
            {
                "operation": self.operation,
                "source": asdict(self.source),
                "cache": [str(cache.folder), cache.is_session, cache.max_bytes, cache.dtype],
                "request": self.request and asdict(self.request),
                "unpickled": self.unpickled,
            }
        ).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Message":
        """Read a message.

        Parameters
        ----------
        content : bytes
            As `to_bytes` wrote it.

        Returns
        -------
        Message
            The same.
        """
        fields = json.loads(content)
        folder, is_session, max_bytes, dtype = fields["cache"]
        path = None if is_session else Path(folder)
        request = fields["request"]
        return cls(
            fields["operation"],
            Source(**fields["source"]),
            EmbeddingCache(path, max_bytes=max_bytes, dtype=dtype),
            request
            and Request(
                plan_from_json(request["plan"]),
                tuple(map(plan_from_json, request["relatives"])),
                request["texts"],
                request["rows"],
            ),
            fields["unpickled"],
        )


def pack_answer(answer: Answer) -> list[bytes]:
    """Write vectors and lengths.

    Parameters
    ----------
    answer : Answer
        What was asked for.

    Returns
    -------
    list of bytes
        To be sent one after the other.
    """
    shape = json.dumps({"shape": answer.vectors.shape}).encode()
    return [shape, np.ascontiguousarray(answer.vectors).tobytes(), answer.lengths.tobytes()]


def unpack_answer(head: dict[str, Any], vectors: bytes, lengths: bytes) -> Answer:
    """Read vectors and lengths.

    Parameters
    ----------
    head : dict
        Their shape.
    vectors, lengths : bytes
        As `pack_answer` wrote them.

    Returns
    -------
    Answer
        The same.
    """
    shaped = np.frombuffer(vectors, np.float32).reshape(head["shape"])
    return Answer(shaped, np.frombuffer(lengths, np.int64))


def pack_lengths(lengths: Lengths) -> list[bytes]:
    """Write lengths alone.

    Parameters
    ----------
    lengths : int64 of shape (n_texts,)
        Tokens.

    Returns
    -------
    list of bytes
        As an answer whose vectors have no numbers.
    """
    return pack_answer(Answer(np.empty((len(lengths), 0), np.float32), lengths))


def pack_error(error: Exception) -> list[bytes]:
    """Write an error.

    Parameters
    ----------
    error : Exception
        What went wrong.

    Returns
    -------
    list of bytes
        Its class's name and its sentence.
    """
    return [json.dumps({"error": type(error).__name__, "message": str(error)}).encode()]


def raise_error(head: dict[str, Any]) -> None:
    """Raise what was written, if that was an error.

    Parameters
    ----------
    head : dict
        First part of an answer.

    Raises
    ------
    SkencoderError
        If it is one of ours.
    RuntimeError
        If it is another error.
    """
    if "error" in head:
        kind = getattr(skencoder.errors, head["error"], None)
        if kind is None:
            raise RuntimeError(f"{head['error']}: {head['message']}")
        raise kind(head["message"])
