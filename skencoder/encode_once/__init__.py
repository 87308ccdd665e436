"""Every text is encoded once: what is done between an estimator and a model.

Read on in this order: handle.py (a model that need not be in memory), registry.py (one per
process), facts.py (what is known of it), parts.py (what is kept under which key), request.py
(encoding what is missing), service.py and messages.py (asking the process that owns the session),
lookup.py (all of it together). torch is loaded when a model is, and not before.
"""

from skencoder.encode_once.handle import ModelHandle, as_handle, release
from skencoder.encode_once.lookup import Progress, encode_texts, learn_facts
from skencoder.encode_once.parts import relatives
from skencoder.encode_once.registry import check_fingerprint
from skencoder.encode_once.request import Answer
from skencoder.encode_once.service import colleague

__all__ = [
    "Answer",
    "ModelHandle",
    "Progress",
    "as_handle",
    "check_fingerprint",
    "colleague",
    "encode_texts",
    "learn_facts",
    "relatives",
    "release",
]
