"""A BERT checkpoint written as the file that llama.cpp reads, GGUF; other families are refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from .errors import EngineUnavailableError
from .speed_model import ModelFacts

# Our pooling, and llama.cpp's number for it.
POOLINGS = {"mean": 1, "cls": 2}
WORD_START, CONTINUATION = "\u2581", "##"
SPECIAL = {
    "unknown_token_id": "[UNK]",
    "bos_token_id": "[CLS]",
    "seperator_token_id": "[SEP]",  # spelled so in the format
    "padding_token_id": "[PAD]",
    "mask_token_id": "[MASK]",
}
EMBEDDINGS = {
    "embeddings.word_embeddings.weight": "token_embd.weight",
    "embeddings.position_embeddings.weight": "position_embd.weight",
    "embeddings.token_type_embeddings.weight": "token_types.weight",
    "embeddings.LayerNorm": "token_embd_norm",
}
LAYER = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
NORMAL, CONTROL = 1, 3  # types of tokens


def write_gguf(facts: ModelFacts, path: Path, *, kind: str) -> None:
    """Write a checkpoint as GGUF.

    Parameters
    ----------
    facts : ModelFacts
        Of the model.
    path : path
        File to write.
    kind : str
        Type of the matrices inside layers: ``"F32"``, ``"BF16"`` or ``"Q8_0"``; everything
        else stays float32.

    Raises
    ------
    EngineUnavailableError
        If a package is missing or the checkpoint is no BERT.
    """
    try:
        import gguf
    except ImportError as error:
        raise EngineUnavailableError(
            "gguf is not installed, which writes llama.cpp's files (pip install gguf)"
        ) from error
    config = json.loads((facts.folder / "config.json").read_text(encoding="utf-8"))
    weights = facts.folder / "model.safetensors"
    if config.get("model_type") != "bert" or facts.pooling not in POOLINGS or facts.projected:
        raise EngineUnavailableError("only BERT with mean or cls pooling is written as GGUF here")
    if not weights.is_file():
        raise EngineUnavailableError(f"there is no {weights}")
    writer = gguf.GGUFWriter(str(path), "bert")
    _write_sizes(writer, config, facts)
    _write_vocabulary(writer, facts)
    wanted = gguf.GGMLQuantizationType[kind]
    for name, tensor in load_file(weights).items():
        short = rename(name.removeprefix("bert."))
        if short is None:
            continue
        is_matrix = short.startswith("blk.") and tensor.ndim > 1
        dtype = wanted if is_matrix else gguf.GGMLQuantizationType.F32
        values = gguf.quants.quantize(tensor.astype(np.float32), dtype)
        writer.add_tensor(short, values, raw_dtype=dtype)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def rename(name: str) -> str | None:
    """Give a published weight's name in GGUF.

    Parameters
    ----------
    name : str
        Such as ``encoder.layer.0.output.dense.weight``.

    Returns
    -------
    str or None
        Such as ``blk.0.ffn_down.weight``; None for what is not read, such as the pooler.
    """
    if name in EMBEDDINGS:
        return EMBEDDINGS[name]
    stem, _, kind = name.rpartition(".")
    if stem in EMBEDDINGS:
        return f"{EMBEDDINGS[stem]}.{kind}"
    if not stem.startswith("encoder.layer."):
        return None
    number, _, part = stem.removeprefix("encoder.layer.").partition(".")
    return f"blk.{number}.{LAYER[part]}.{kind}" if part in LAYER else None


def _write_sizes(writer: Any, config: dict[str, Any], facts: ModelFacts) -> None:
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config.get("layer_norm_eps", 1e-12))
    writer.add_causal_attention(False)
    writer.add_uint32("bert.pooling_type", POOLINGS[facts.pooling])


def _write_vocabulary(writer: Any, facts: ModelFacts) -> None:
    """Write WordPiece's vocabulary as llama.cpp expects it: starts of words marked, not rests."""
    vocabulary = facts.tokenizer().get_vocab(with_added_tokens=True)
    pieces = sorted(vocabulary, key=vocabulary.__getitem__)
    if any(token not in vocabulary for token in SPECIAL.values()):
        raise EngineUnavailableError("only WordPiece vocabularies are written as GGUF here")
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_type_count(2)
    writer.add_token_list([_mark(piece) for piece in pieces])
    writer.add_token_types([CONTROL if _is_special(piece) else NORMAL for piece in pieces])
    for key, token in SPECIAL.items():
        writer.add_uint32(f"tokenizer.ggml.{key}", vocabulary[token])


def _is_special(piece: str) -> bool:
    return piece.startswith("[") and piece.endswith("]") and len(piece) > len("[]")


def _mark(piece: str) -> str:
    if _is_special(piece):
        return piece
    is_rest = piece.startswith(CONTINUATION) and piece != CONTINUATION
    return piece.removeprefix(CONTINUATION) if is_rest else WORD_START + piece
