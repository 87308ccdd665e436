"""The engines that speed compares: each loads one checkpoint and turns texts into numpy vectors.

Adding a peer is one function and one line in the registry. How they are timed is in `speed`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder import EncoderVectorizer
from skencoder.checkpoints import locate_checkpoint

from .errors import EngineUnavailableError

Encode = Callable[[list[str]], NDArray[Any]]

BASELINE = "sentence-transformers"
BASELINE_BATCH = 32


@dataclass(frozen=True)
class Engine:
    """One way to run a checkpoint.

    Parameters
    ----------
    description : str
        Library, precision and settings, for people.
    load : callable
        Takes a checkpoint's name and returns a function from a list of texts to float vectors
        of shape (n_texts, n_features). Raises `EngineUnavailableError` where it cannot run.
    """

    description: str
    load: Callable[[str], Encode]


def load_sentence_transformers(model: str) -> Encode:
    """Load a checkpoint as people do by default with sentence-transformers.

    Parameters
    ----------
    model : str
        Checkpoint's name or folder.

    Returns
    -------
    callable
        From a list of texts to float32 of shape (n_texts, n_features).

    Raises
    ------
    EngineUnavailableError
        If the package is not installed.
    """
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise EngineUnavailableError(
            "sentence-transformers is not installed (pip install 'sentence-transformers')"
        ) from error
    encoder = SentenceTransformer(str(locate_checkpoint(model)))
    return partial(
        encoder.encode, batch_size=BASELINE_BATCH, show_progress_bar=False, convert_to_numpy=True
    )


def load_skencoder(model: str, *, precision: str) -> Encode:
    """Load a checkpoint with this package.

    Parameters
    ----------
    model : str
        Checkpoint's name or folder.
    precision : str
        ``"float32"`` or ``"bfloat16"``.

    Returns
    -------
    callable
        From a list of texts to float32 of shape (n_texts, n_features).

    Raises
    ------
    EngineUnavailableError
        If this machine does not multiply in this precision natively.
    """
    # Auto is the encoder's own answer to whether this machine multiplies bfloat16 natively.
    asked = "auto" if precision == "bfloat16" else precision
    parameters: dict[str, Any] = {"precision": asked, "overflow": "truncate"}
    if "cache" in EncoderVectorizer().get_params():
        parameters["cache"] = None  # encoding is timed, not looking up what was encoded before
    vectorizer = EncoderVectorizer(model, **parameters).fit(["."])
    if vectorizer.encoder_.precision != precision:
        raise EngineUnavailableError(f"this machine does not multiply {precision} natively")

    def encode(texts: list[str]) -> NDArray[Any]:
        return np.asarray(vectorizer.transform(texts))

    return encode


ENGINES: dict[str, Engine] = {
    BASELINE: Engine("float32, batches of 32", load_sentence_transformers),
    "skencoder-float32": Engine(
        "EncoderVectorizer, float32", partial(load_skencoder, precision="float32")
    ),
    "skencoder-bfloat16": Engine(
        "EncoderVectorizer, bfloat16", partial(load_skencoder, precision="bfloat16")
    ),
}
