"""fastembed with the same checkpoint: its own batches, pooling and tokens on an ONNX export."""

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .engines import BATCH, Encode, Setup
from .errors import EngineUnavailableError
from .peer_exports import exported
from .peer_onnxruntime import FILE, export_onnx
from .speed_model import ModelFacts, describe_model


def load(setup: Setup) -> Encode:
    """Load a checkpoint with fastembed.

    Parameters
    ----------
    setup : Setup
        Model, threads, folder of exports.

    Returns
    -------
    callable
        From a list of texts to float of shape (n_texts, n_features).

    Raises
    ------
    EngineUnavailableError
        If a package is missing, the model cannot be exported, or has another pooling.
    """
    try:
        from fastembed import TextEmbedding
        from fastembed.common.model_description import ModelSource, PoolingType
    except ImportError as error:
        raise EngineUnavailableError(
            "fastembed is not installed (pip install fastembed onnx onnxscript)"
        ) from error
    facts = describe_model(setup.model)
    poolings = {"mean": PoolingType.MEAN, "cls": PoolingType.CLS}
    if facts.pooling not in poolings or facts.projected or facts.lowercase:
        raise EngineUnavailableError(f"it does not do this model's pooling, {facts.pooling}")
    source = export_onnx(setup, facts) / FILE
    folder = exported(setup, facts, "fastembed", partial(_lay_out, source, facts))
    name = f"skencoder-benchmark/{facts.fingerprint}"
    if name not in {str(model["model"]) for model in TextEmbedding.list_supported_models()}:
        TextEmbedding.add_custom_model(
            name,
            pooling=poolings[facts.pooling],
            normalization=facts.normalize,
            sources=ModelSource(hf=name),
            dim=facts.hidden_size,
            model_file=FILE,
        )
    embedding = TextEmbedding(name, threads=setup.threads, specific_model_path=str(folder))

    def encode(texts: list[str]) -> NDArray[Any]:
        return np.stack(list(embedding.embed(texts, batch_size=BATCH)))

    return encode


def _lay_out(source: Path, facts: ModelFacts, folder: Path) -> None:
    """Put the files side by side that fastembed looks for."""
    shutil.copy(source, folder / FILE)
    tokenizer = facts.tokenizer()
    tokenizer.enable_padding(pad_id=0, pad_token=tokenizer.id_to_token(0))
    tokenizer.save(str(folder / "tokenizer.json"))
    shutil.copy(facts.folder / "config.json", folder)
    settings = {"model_max_length": facts.max_length, "pad_token": tokenizer.id_to_token(0)}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "special_tokens_map.json").write_text("{}")
