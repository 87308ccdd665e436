"""GTE v1.5 and multilingual GTE (Zhang et al. 2024, arXiv:2407.19669): rotary BERT with GEGLU.

Published by its authors as ``model_type`` "new" with code of their own, in transformers as "gte".
"""

from typing import Any

from skencoder.checkpoints.bert import IGNORED, STANDARD_DEFAULTS, STANDARD_FIELDS
from skencoder.checkpoints.family import QUERY_KEY_VALUE, Family, Fields
from skencoder.checkpoints.rope import read_rotary, write_rotary

_OURS = "layers.{i}"
_LAYER = "encoder.layer.{i}"


def _read_rotary(fields: Fields) -> dict[str, Any]:
    theta = 10000.0 if fields.get("model_type") == "new" else 160000.0
    return {"attention_positions": read_rotary(fields, theta)}


GTE_FAMILY = Family(
    architectures=("GteModel", "GteForMaskedLM"),
    fields=STANDARD_FIELDS,
    defaults=STANDARD_DEFAULTS,
    fixed={"positions": "none", "gated": True, "unbiased": ("expand",)},
    expected={
        "position_embedding_type": "rope",
        "layer_norm_type": "layer_norm",
        "pack_qkv": True,
        "logn_attention_scale": False,
        "logn_attention_clip1": False,
    },
    derive=_read_rotary,
    describe=write_rotary,
    stacked=(
        (QUERY_KEY_VALUE, f"{_LAYER}.attention.qkv_proj"),
        (
            (f"{_OURS}.feed_forward.sublayer.expand", f"{_OURS}.feed_forward.sublayer.gate"),
            f"{_LAYER}.mlp.up_gate_proj",
        ),
    ),
    renames=(
        ("embeddings.token", "embeddings.word_embeddings"),
        ("embeddings.token_type", "embeddings.token_type_embeddings"),
        ("embeddings.norm", "embeddings.LayerNorm"),
        (f"{_OURS}.attention.sublayer.output", f"{_LAYER}.attention.o_proj"),
        (f"{_OURS}.attention.norm", f"{_LAYER}.attn_ln"),
        (f"{_OURS}.feed_forward.sublayer.contract", f"{_LAYER}.mlp.down_proj"),
        (f"{_OURS}.feed_forward.norm", f"{_LAYER}.mlp_ln"),
        ("head.transform", "lm_head.dense"),
        ("head.norm", "lm_head.norm"),
        ("head.decoder", "lm_head.decoder"),
    ),
    prefixes=("gte.", "new."),
    writes_no_segments=True,
    ignored=(*IGNORED, r"lm_head\..*"),
    head_fields={"tied": "tie_word_embeddings"},
)
