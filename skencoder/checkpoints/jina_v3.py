"""Jina Embeddings v3 (Sturua et al. 2024, arXiv:2409.10173): XLM-RoBERTa with rotary positions.

As transformers has it, without the adapters that its authors add for each task.
"""

from typing import Any

from skencoder.checkpoints.bert import IGNORED, STANDARD_DEFAULTS, STANDARD_FIELDS
from skencoder.checkpoints.family import QUERY_KEY_VALUE, Family, Fields
from skencoder.checkpoints.roberta import LM_HEAD_RENAMES
from skencoder.checkpoints.rope import read_rotary, write_rotary

_OURS = "layers.{i}"
_LAYER = "encoder.layers.{i}"


def _read_rotary(fields: Fields) -> dict[str, Any]:
    return {"attention_positions": read_rotary(fields, 20000.0)}


JINA_V3_FAMILY = Family(
    architectures=("JinaEmbeddingsV3Model", "JinaEmbeddingsV3ForMaskedLM"),
    fields=STANDARD_FIELDS,
    defaults=STANDARD_DEFAULTS | {"layer_norm_eps": 1e-5, "type_vocab_size": 1},
    fixed={"positions": "none"},
    derive=_read_rotary,
    describe=write_rotary,
    stacked=((QUERY_KEY_VALUE, f"{_LAYER}.mixer.Wqkv"),),
    renames=(
        ("embeddings.token", "embeddings.word_embeddings"),
        ("embeddings.token_type", "embeddings.token_type_embeddings"),
        ("embeddings.norm", "emb_ln"),
        (f"{_OURS}.attention.sublayer.output", f"{_LAYER}.mixer.out_proj"),
        (f"{_OURS}.attention.norm", f"{_LAYER}.norm1"),
        (f"{_OURS}.feed_forward.sublayer.expand", f"{_LAYER}.mlp.fc1"),
        (f"{_OURS}.feed_forward.sublayer.contract", f"{_LAYER}.mlp.fc2"),
        (f"{_OURS}.feed_forward.norm", f"{_LAYER}.norm2"),
        *LM_HEAD_RENAMES,
    ),
    aliases={"lm_head.bias": "lm_head.decoder.bias"},
    prefixes=("roberta.",),
    ignored=(*IGNORED, r"lm_head\..*"),
    head_fields={"tied": "tie_word_embeddings"},
)
