"""DistilBERT (Sanh et al. 2019, arXiv:1910.01108): BERT without segments, half as deep."""

from typing import Any

from skencoder.checkpoints.bert import IGNORED
from skencoder.checkpoints.family import Family, Fields
from skencoder.encoder import EncoderConfig

_OURS = "layers.{i}"
_LAYER = "transformer.layer.{i}"


def _read_positions(fields: Fields) -> dict[str, Any]:
    return {"positions": "sinusoidal" if fields.get("sinusoidal_pos_embds") else "learned"}


def _write_positions(config: EncoderConfig) -> dict[str, Any]:
    return {"sinusoidal_pos_embds": config.positions == "sinusoidal"}


DISTILBERT_FAMILY = Family(
    architectures=("DistilBertModel", "DistilBertForMaskedLM"),
    fields={
        "vocab_size": "vocab_size",
        "hidden_size": ("dim", "hidden_size"),
        "num_hidden_layers": ("n_layers", "num_hidden_layers"),
        "num_attention_heads": ("n_heads", "num_attention_heads"),
        "intermediate_size": "hidden_dim",
        "hidden_act": "activation",
        "max_position_embeddings": "max_position_embeddings",
        "hidden_dropout_prob": "dropout",
        "attention_probs_dropout_prob": "attention_dropout",
    },
    defaults={"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1},
    fixed={"type_vocab_size": 0, "layer_norm_eps": 1e-12},
    derive=_read_positions,
    describe=_write_positions,
    renames=(
        ("embeddings.token", "embeddings.word_embeddings"),
        # The sines are stored too; see constants.py.
        ("embeddings.positions.table", "embeddings.position_embeddings"),
        ("embeddings.norm", "embeddings.LayerNorm"),
        (f"{_OURS}.attention.sublayer.query", f"{_LAYER}.attention.q_lin"),
        (f"{_OURS}.attention.sublayer.key", f"{_LAYER}.attention.k_lin"),
        (f"{_OURS}.attention.sublayer.value", f"{_LAYER}.attention.v_lin"),
        (f"{_OURS}.attention.sublayer.output", f"{_LAYER}.attention.out_lin"),
        (f"{_OURS}.attention.norm", f"{_LAYER}.sa_layer_norm"),
        (f"{_OURS}.feed_forward.sublayer.expand", f"{_LAYER}.ffn.lin1"),
        (f"{_OURS}.feed_forward.sublayer.contract", f"{_LAYER}.ffn.lin2"),
        (f"{_OURS}.feed_forward.norm", f"{_LAYER}.output_layer_norm"),
        ("head.transform", "vocab_transform"),
        ("head.norm", "vocab_layer_norm"),
        ("head.decoder", "vocab_projector"),
    ),
    prefixes=("distilbert.",),
    ignored=(*IGNORED, r"pre_classifier\..*", r"vocab_.*"),
    head_fields={"activation": "activation", "tied": "tie_word_embeddings"},
)
