"""CTranslate2: the encoder converted by its own converter, in float32 or int8."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .engines import Encode, Setup
from .errors import EngineUnavailableError
from .peer_batches import encode_with
from .peer_exports import exported
from .speed_model import ModelFacts, describe_model


def load(setup: Setup, *, precision: str) -> Encode:
    """Load a checkpoint with CTranslate2.

    Parameters
    ----------
    setup : Setup
        Model, threads, folder of exports.
    precision : str
        ``"float32"`` or ``"int8"``.

    Returns
    -------
    callable
        From a list of texts to float32 of shape (n_texts, n_features).

    Raises
    ------
    EngineUnavailableError
        If a package is missing, the model cannot be converted, or the processor does not
        multiply in this precision.
    """
    try:
        import ctranslate2
    except ImportError as error:
        raise EngineUnavailableError(
            "ctranslate2 is not installed (pip install ctranslate2 transformers)"
        ) from error
    if precision not in ctranslate2.get_supported_compute_types("cpu"):
        raise EngineUnavailableError(f"it does not multiply {precision} on this processor")
    facts = describe_model(setup.model)
    folder = exported(setup, facts, "ctranslate2", partial(_convert, facts))
    encoder = ctranslate2.Encoder(
        str(folder / "model"),
        device="cpu",
        compute_type=precision,
        intra_threads=setup.threads,
        inter_threads=1,
    )

    def forward(token_ids: list[list[int]]) -> NDArray[Any]:
        return np.asarray(encoder.forward_batch(token_ids).last_hidden_state)

    return encode_with(forward, facts)


def _convert(facts: ModelFacts, folder: Path) -> None:
    from ctranslate2.converters import TransformersConverter

    TransformersConverter(str(facts.folder)).convert(str(folder / "model"))
