"""ALBERT (Lan et al. 2020, arXiv:1909.11942): narrow tables, one layer shared by all."""

from skencoder.checkpoints.bert import IGNORED, STANDARD_DEFAULTS, STANDARD_FIELDS
from skencoder.checkpoints.family import Family

_OURS = "layers.{i}"
_LAYER = "encoder.albert_layer_groups.{i}.albert_layers.0"

ALBERT_FAMILY = Family(
    architectures=("AlbertModel", "AlbertForMaskedLM"),
    fields=STANDARD_FIELDS
    | {"embedding_size": "embedding_size", "num_hidden_groups": "num_hidden_groups"},
    defaults=STANDARD_DEFAULTS | {"num_hidden_groups": 1, "embedding_size": 128},
    expected={"position_embedding_type": "absolute", "inner_group_num": 1},
    renames=(
        ("embeddings.token", "embeddings.word_embeddings"),
        ("embeddings.positions.table", "embeddings.position_embeddings"),
        ("embeddings.token_type", "embeddings.token_type_embeddings"),
        ("embeddings.norm", "embeddings.LayerNorm"),
        ("embeddings.projection", "encoder.embedding_hidden_mapping_in"),
        (f"{_OURS}.attention.sublayer.query", f"{_LAYER}.attention.query"),
        (f"{_OURS}.attention.sublayer.key", f"{_LAYER}.attention.key"),
        (f"{_OURS}.attention.sublayer.value", f"{_LAYER}.attention.value"),
        (f"{_OURS}.attention.sublayer.output", f"{_LAYER}.attention.dense"),
        (f"{_OURS}.attention.norm", f"{_LAYER}.attention.LayerNorm"),
        (f"{_OURS}.feed_forward.sublayer.expand", f"{_LAYER}.ffn"),
        (f"{_OURS}.feed_forward.sublayer.contract", f"{_LAYER}.ffn_output"),
        (f"{_OURS}.feed_forward.norm", f"{_LAYER}.full_layer_layer_norm"),
        ("head.transform", "predictions.dense"),
        ("head.norm", "predictions.LayerNorm"),
        ("head.decoder", "predictions.decoder"),
    ),
    aliases={"predictions.bias": "predictions.decoder.bias"},
    prefixes=("albert.",),
    ignored=(*IGNORED, r"predictions\..*", r"sop_classifier\..*"),
    head_fields={"activation": "hidden_act", "tied": "tie_word_embeddings"},
)
