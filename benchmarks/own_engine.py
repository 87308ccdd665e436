"""The encoder of this package as an engine of the speed benchmark; the others are `peer_*`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder import EncoderVectorizer
from skencoder.errors import DeviceError, ParameterError

from .engines import Encode, Setup
from .errors import EngineUnavailableError


def load(setup: Setup, *, precision: str) -> Encode:
    """Load a checkpoint with this package.

    Parameters
    ----------
    setup : Setup
        Model, threads, device.
    precision : str
        ``"float32"``, ``"bfloat16"`` or ``"int8"``.

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
    # Without a cache: encoding is timed, not looking up what was encoded before.
    vectorizer = EncoderVectorizer(
        setup.model, precision=asked, overflow="truncate", device=setup.device, cache=None
    )
    try:
        vectorizer.fit(["."])
        vectorizer.transform(["."])
    except (DeviceError, ParameterError) as error:
        if precision == "float32":
            raise
        raise EngineUnavailableError(f"{precision} is refused here: {error}") from error
    if vectorizer.encoder_.precision != precision:
        raise EngineUnavailableError(f"this machine does not multiply {precision} natively")

    def encode(texts: list[str]) -> NDArray[Any]:
        return np.asarray(vectorizer.transform(texts))

    return encode
