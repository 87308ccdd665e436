"""ONNX Runtime: the encoder exported by torch, in float32 or quantized dynamically to int8."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .engines import Encode, Setup
from .errors import EngineUnavailableError
from .peer_batches import encode_with, padded_inputs
from .peer_exports import INPUTS, example_inputs, exported, hidden_states_module
from .speed_model import ModelFacts, describe_model

FILE = "model.onnx"


def load(setup: Setup, *, precision: str) -> Encode:
    """Load a checkpoint with ONNX Runtime.

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
        If a package is missing or the model cannot be exported.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineUnavailableError(
            "onnxruntime is not installed (pip install onnxruntime onnx onnxscript)"
        ) from error
    facts = describe_model(setup.model)
    folder = export_onnx(setup, facts)
    if precision == "int8":
        folder = exported(setup, facts, "onnx-int8", partial(_quantize, folder / FILE))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = setup.threads, 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(folder / FILE), options, providers=["CPUExecutionProvider"]
    )
    names = {node.name for node in session.get_inputs()}

    def forward(token_ids: list[list[int]]) -> NDArray[Any]:
        feed = {k: v for k, v in padded_inputs(token_ids).items() if k in names}
        return np.asarray(session.run(None, feed)[0])

    return encode_with(forward, facts)


def export_onnx(setup: Setup, facts: ModelFacts) -> Path:
    """Export a checkpoint to ONNX, once.

    Parameters
    ----------
    setup : Setup
        Says where exports are kept.
    facts : ModelFacts
        Of the model.

    Returns
    -------
    Path
        Folder with ``model.onnx``: three int64 arrays in, hidden states out.

    Raises
    ------
    EngineUnavailableError
        If a package is missing or the model cannot be exported.
    """
    return exported(setup, facts, "onnx-float32", partial(_export, facts))


def _export(facts: ModelFacts, folder: Path) -> None:
    import torch

    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise EngineUnavailableError(
            "onnxscript is not installed, which exports models (pip install onnx onnxscript)"
        ) from error
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    torch.onnx.export(
        hidden_states_module(facts),
        tuple(example_inputs().values()),
        str(folder / FILE),
        input_names=list(INPUTS),
        output_names=["last_hidden_state"],
        dynamic_shapes=tuple({0: batch, 1: length} for _ in INPUTS),
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def _quantize(source: Path, folder: Path) -> None:
    """Quantize as is recommended for processors with VNNI: symmetric weights by channel."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        str(source),
        str(folder / FILE),
        per_channel=True,
        reduce_range=False,
        weight_type=QuantType.QInt8,
        extra_options={"WeightSymmetric": True},
    )
