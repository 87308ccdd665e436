"""OpenVINO: the encoder converted from torch, in float32, bfloat16 or static int8."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder.datasets import load_python_docs

from .engines import Encode, Setup
from .errors import EngineUnavailableError
from .peer_batches import encode_with, padded_inputs
from .peer_exports import example_inputs, exported, hidden_states_module
from .speed_model import ModelFacts, describe_model

FILE = "model.xml"
CALIBRATION_TEXTS = 300
CALIBRATION_SEED = 7  # other texts than those that are timed, for the most part
HINTS = {"float32": "f32", "bfloat16": "bf16"}


def load(setup: Setup, *, precision: str) -> Encode:
    """Load a checkpoint with OpenVINO.

    Parameters
    ----------
    setup : Setup
        Model, threads, folder of exports.
    precision : str
        ``"float32"``, ``"bfloat16"`` or ``"int8"``; the last runs in OpenVINO's default
        precision wherever it is not int8.

    Returns
    -------
    callable
        From a list of texts to float32 of shape (n_texts, n_features).

    Raises
    ------
    EngineUnavailableError
        If a package is missing, the model cannot be converted or the processor does not
        multiply in this precision.
    """
    try:
        import openvino
    except ImportError as error:
        raise EngineUnavailableError(
            "openvino is not installed (pip install openvino nncf)"
        ) from error
    core = openvino.Core()
    if precision == "bfloat16" and "BF16" not in core.get_property(
        "CPU", "OPTIMIZATION_CAPABILITIES"
    ):
        raise EngineUnavailableError("this machine does not multiply bfloat16 natively")
    facts = describe_model(setup.model)
    folder = exported(setup, facts, "openvino-float32", partial(_convert, facts))
    if precision == "int8":
        make = partial(_quantize, folder / FILE, facts)
        folder = exported(setup, facts, "openvino-int8", make)
    hint = {"INFERENCE_PRECISION_HINT": HINTS[precision]} if precision in HINTS else {}
    compiled = core.compile_model(
        str(folder / FILE),
        "CPU",
        {"INFERENCE_NUM_THREADS": setup.threads, "PERFORMANCE_HINT": "LATENCY", **hint},
    )
    output = compiled.output(0)

    def forward(token_ids: list[list[int]]) -> NDArray[Any]:
        return np.asarray(compiled(padded_inputs(token_ids))[output])

    return encode_with(forward, facts)


def _convert(facts: ModelFacts, folder: Path) -> None:
    import openvino

    model = openvino.convert_model(hidden_states_module(facts), example_input=example_inputs())
    openvino.save_model(model, str(folder / FILE), compress_to_fp16=False)


def _quantize(source: Path, facts: ModelFacts, folder: Path) -> None:
    """Quantize weights and activations with ranges seen on real texts."""
    import openvino

    try:
        import nncf
    except ImportError as error:
        raise EngineUnavailableError(
            "nncf is not installed, which quantizes for OpenVINO (pip install nncf)"
        ) from error
    texts = load_python_docs().data
    drawn = np.random.default_rng(CALIBRATION_SEED).permutation(len(texts))[:CALIBRATION_TEXTS]
    tokenizer = facts.tokenizer()

    def inputs(text: str) -> dict[str, NDArray[np.int64]]:
        return padded_inputs([tokenizer.encode(text).ids])

    quantized = nncf.quantize(
        openvino.Core().read_model(str(source)),
        nncf.Dataset([str(texts[row]) for row in drawn], inputs),
        subset_size=CALIBRATION_TEXTS,
        model_type=nncf.ModelType.TRANSFORMER,
    )
    openvino.save_model(quantized, str(folder / FILE))
